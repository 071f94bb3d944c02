"""An anonymous visit is told of by its session_id, like a person by an identifier."""

import pytest

from orchestration.explain import explain_visit
from orchestration.persons import show_visit
from orchestration.predicting import TRAININGS
from orchestration.warehouse import Warehouse

ACTIONS = """
create table insight.next_actions as
select 'd-1:7' as session_id, rank as action_rank, 'next_action' as model_name,
    timestamp '2026-10-31 23:50' as last_action_at, 'page_view' as last_action,
    action as next_action, odds as probability, 'gone' as model_version
from (values (2, 'add_to_cart', 0.2), (1, 'leaves', 0.7), (3, 'login', 0.1))
    as told (rank, action, odds)
"""


@pytest.fixture
def connection(tmp_path):
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as opened:
        opened.execute("create schema insight")
        opened.execute("create schema ml")
        opened.execute(TRAININGS)
        opened.execute(ACTIONS)
        yield opened


def test_a_visit_is_told_with_its_likeliest_actions_first(connection, capsys):
    """Blanks around the id do no harm; a version that is gone leaves the reasons out."""
    visit = explain_visit(connection, " d-1:7 ")

    assert [action["next_action"] for action in visit.actions] == ["leaves", "add_to_cart", "login"]
    assert visit.reasons == {"next_action": ()}
    show_visit(visit)
    said = capsys.readouterr().out
    assert "next_action 1: leaves, 70.0%" in said
    assert "last seen on 2026-10-31 23:50 UTC: page view" in said


def test_what_is_no_visit_is_looked_for_among_people(connection):
    """An address is not the id of a visit."""
    assert explain_visit(connection, "somebody@example.com") is None


def test_before_the_first_build_there_are_no_visits(tmp_path):
    """Whoever is looked for then is told that nobody is known, not which table is missing."""
    with Warehouse(tmp_path / "new.duckdb").connect() as connection:
        assert explain_visit(connection, "d-1:7") is None
