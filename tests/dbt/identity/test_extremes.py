"""Hubs of 200,000 records and chains of 1,000 neither hang nor glue."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

HUB, CHAINS, LENGTH = 200_000, 100, 1_000


def claims(nodes, kind, level, keys, values="", most=0):
    """Return claims of many nodes as a table; one key or value stands for all."""
    count = len(nodes)
    spread = {
        name: [text] * count if isinstance(text, str) else [str(one) for one in text]
        for name, text in (("claim_key", keys), ("claim_value", values))
    }
    return pa.table(
        {"node_id": nodes, "kind": [kind] * count, "level": np.full(count, level, np.int32),
         **spread, "max_values": np.full(count, most, np.int32)}
    )  # fmt: skip


@pytest.fixture(scope="module")
def persons(make_graph):
    """Two hubs, one of them of records with a hundred accounts, and chains in no order."""
    owned = np.arange(1, HUB + 1)
    free = owned + HUB
    chained = (1 + 2 * HUB + np.random.default_rng(3).permutation(CHAINS * LENGTH)).reshape(
        CHAINS, LENGTH
    )
    links = np.arange(CHAINS * LENGTH).reshape(CHAINS, LENGTH)
    graph = make_graph()
    graph.load(
        pa.table({"node_id": np.concatenate([owned, free, chained.ravel()])}),
        pa.concat_tables([
            claims(owned, "value", 3, "shared by all"),
            claims(owned[:100], "limit", 1, "account", owned[:100], 1),
            claims(free, "value", 3, "one person's"),
            claims(chained[:, :-1].ravel(), "value", 2, links[:, :-1].ravel()),
            claims(chained[:, 1:].ravel(), "value", 2, links[:, :-1].ravel()),
        ]),
    )  # fmt: skip
    graph.decide()
    with duckdb.connect(str(graph.path)) as connection:
        connection.register("chained", pa.table({
            "node_id": chained.ravel(), "chain": np.repeat(np.arange(CHAINS), LENGTH)
        }))  # fmt: skip
        yield connection


def test_a_hub_between_accounts_glues_nobody(persons):
    """Not even the records without an account: nobody knows whose they are."""
    found = persons.execute(
        "select count(distinct component_id), count(distinct cluster_id) from persons "
        f"where node_id <= {HUB}"
    )
    assert found.fetchall() == [(HUB, 1)]


def test_a_hub_that_nothing_speaks_against_is_one_person(persons):
    """What is too large for a person is a limit's affair, not the graph's."""
    found = persons.execute(
        "select min(component_id), max(component_id) from persons "
        f"where node_id > {HUB} and node_id <= {2 * HUB}"
    )
    assert found.fetchall() == [(HUB + 1, HUB + 1)]


def test_chains_are_followed_to_their_ends(persons):
    """A hundred chains are a hundred persons, each named after its smallest record."""
    found = persons.execute(
        "select count(*) from (select chain from persons join chained using (node_id) "
        "group by chain having min(component_id) = max(component_id) "
        "and min(component_id) = min(node_id) and count(*) = 1000)"
    )
    assert found.fetchall() == [(CHAINS,)]
