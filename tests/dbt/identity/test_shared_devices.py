"""Persons stay apart in a world of shared tablets, kiosks, mailboxes and placeholders."""

import duckdb
import pytest

from tests.dbt.identity.shared_devices import shared_world

PERSONS = 30_000
PAIRS = "select sum(records * (records - 1)) from (select count(*) as records from found group by "


@pytest.fixture(scope="module", params=(5, 6))
def found(request, make_graph):
    """What dbt makes of the world: node, person, true person; and the accounts."""
    world = shared_world(PERSONS, request.param)
    graph = make_graph()
    graph.load(world.truth(), world.claim_table())
    graph.decide()
    with duckdb.connect(str(graph.path)) as connection:
        connection.register("truth", world.truth())
        connection.execute(
            "create table found as select persons.node_id, component_id, cluster_id, person "
            "from persons join truth on truth.node_id = persons.node_id"
        )
        yield connection


def pairs(connection, columns):
    """Return how many pairs of records agree in columns."""
    return connection.execute(f"{PAIRS} {columns})").fetchall()[0][0]


def test_records_of_one_person_are_found_and_hardly_any_others(found):
    """Most pairs put together are of one person, and hardly one that could be found is missed."""
    right = pairs(found, "component_id, person")
    reachable = pairs(found, "cluster_id, person")

    assert right / pairs(found, "component_id") >= 0.975
    assert right / reachable >= 0.98


def test_nobody_has_two_accounts(found):
    """The limit holds for everybody."""
    double = found.execute(
        "select count(*) from (select component_id from found join stated using (node_id) "
        "where kind = 'limit' and level = 1 group by 1 having count(distinct claim_value) > 1)"
    ).fetchall()

    assert double == [(0,)]
