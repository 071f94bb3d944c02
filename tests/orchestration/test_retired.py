"""A sync that was taken out of the project still takes back whom nobody may hold."""

from dataclasses import replace

import pytest

from activation.destinations import settings_for
from activation.syncs import run_sync
from orchestration.retired import Surroundings, foresee, retired_syncs, withdraw
from orchestration.runs import RunResult
from orchestration.summary import sync_rows
from tests.activation.stub_klaviyo import StubKlaviyo
from tests.activation.world import AS_OF, KEYS, KLAVIYO, people, world_at

VARIABLES = {"REGULARS_KLAVIYO_API_KEY": "secret"}
ELSEWHERE = {**VARIABLES, "REGULARS_KLAVIYO_BASE_URL": "https://elsewhere.example"}
OBJECTED = "insert into privacy.suppressions values ('x', 'c1', 'all', 'objected', null)"


@pytest.fixture
def klaviyo():
    """Return Klaviyo in memory."""
    return StubKlaviyo()


@pytest.fixture
def connection(tmp_path, klaviyo):
    """Return a warehouse whose only sync was delivered to five persons."""
    with world_at(tmp_path / "warehouse.duckdb") as world:
        world.allow(people(5))
        world.desire(people(5))
        settings, client = settings_for("klaviyo", VARIABLES), klaviyo.client()
        options = {"as_of": AS_OF, "keys": KEYS, "client": client}
        run_sync(world.connection, world.spec, settings, **options)
        world.connection.execute(f"drop table {world.spec.relation}")
        yield world.connection


def around(klaviyo, variables=VARIABLES):
    """Return the surroundings of a run."""
    return Surroundings(variables, AS_OF, KEYS, client=klaviyo.client())


def test_a_sync_of_the_project_is_not_retired(connection):
    """Unless it goes to another account by now, where its former rows are not."""
    assert retired_syncs(connection, [KLAVIYO], VARIABLES) == []
    assert len(retired_syncs(connection, [KLAVIYO], ELSEWHERE)) == 1
    assert len(retired_syncs(connection, [], VARIABLES)) == 1


def test_an_objection_reaches_the_list_of_a_sync_that_is_gone(connection, klaviyo):
    """By the ledger alone; nothing else happens, and the next run has nothing to do."""
    connection.execute(OBJECTED)
    (one,) = retired = retired_syncs(connection, [], VARIABLES)

    foreseen = foresee(connection, one, around(klaviyo), 10)
    first = withdraw(connection, retired, around(klaviyo))
    again = withdraw(connection, retired, around(klaviyo))

    assert foreseen.counts == {"remove": 1}
    assert [(row.row_key, row.reason) for row in foreseen.rows] == [("c1", "objection")]
    assert [(one.removed, one.acknowledged) for one in first.summaries] == [(1, 4)]
    assert [(one.planned, one.requests) for one in again.summaries] == [(0, 0)]
    assert "person1@example.com" not in klaviyo.emails()
    assert len(klaviyo.emails()) == 4


@pytest.mark.parametrize("variables", [ELSEWHERE, {}])
def test_an_account_that_cannot_be_asked_is_told_of_when_it_matters(connection, klaviyo, variables):
    """Only when it holds somebody it may not hold; who they are is not told."""
    (one,) = retired = retired_syncs(connection, [], variables)
    harmless = withdraw(connection, retired, around(klaviyo, variables))
    connection.execute(OBJECTED)

    told = withdraw(connection, retired, around(klaviyo, variables))
    foreseen = foresee(connection, one, around(klaviyo, variables), 10)

    assert (harmless.summaries, harmless.unreached) == ([], {})
    (reason,) = told.unreached.values()
    assert "holds 1 rows that may not be held any more, and cannot be asked" in reason
    assert "c1" not in reason
    assert foreseen.refused_because == (reason if variables else None)
    assert foreseen.counts == ({} if variables else {"remove": 1})
    assert len(klaviyo.emails()) == 5


def test_what_nobody_remembers_is_told(connection, klaviyo):
    """A ledger without a note of the sync: nobody knows what to ask whom."""
    connection.execute("delete from ledger.syncs")

    told = withdraw(connection, retired_syncs(connection, [], VARIABLES), around(klaviyo))

    (reason,) = told.unreached.values()
    assert "holds 5 rows of which nobody knows more" in reason


def test_a_sync_that_stops_does_not_stop_the_others(connection, klaviyo):
    """Many removals wait for a person; the list beside it is taken care of all the same."""
    connection.execute(OBJECTED)
    (one,) = retired_syncs(connection, [], VARIABLES)
    many = replace(one.spec, name="klaviyo__many", target="Many")
    connection.execute(
        "insert into ledger.sync_rows (sync, account, row_key, identifiers, state, is_held)"
        f" select '{many.name}', '{one.holder.account}', 'r' || i, '{{}}', 'acknowledged', true"
        " from range(30) r (i)"
    )
    stuck = replace(one, holder=replace(one.holder, sync=many.name, rows=30), spec=many)

    told = withdraw(connection, [stuck, one], around(klaviyo))

    assert [summary.removed for summary in told.summaries] == [1]
    assert set(told.stopped) == {"klaviyo__many"}
    assert "removes 30 of 30 held rows" in told.stopped["klaviyo__many"]


def test_the_summary_tells_of_syncs_that_are_off_retired_or_not_reached():
    """One row each, beside the others; what cannot be reached has its reason."""
    ran = {"acknowledged": 4, "removed": 1, "blocked_by_reason": {"objection": 1}}
    off = {**ran, "is_switched_off": True}
    assets = {
        "activation/klaviyo__on": {**ran, "is_switched_off": False, "coverage": 0.5},
        "activation/klaviyo__off": off,
        "activation/retired_syncs": {
            "syncs": [{**off, "sync": "klaviyo__gone"}],
            "unreached": {"meta__gone": "account 17 holds 2 rows"},
            "removed": 1,
        },
    }

    rows = sync_rows(RunResult(True, "run", assets, {}))

    assert [(row["sync"], row["status"]) for row in rows] == [
        ("klaviyo__gone", "off"), ("klaviyo__off", "off"), ("klaviyo__on", "ok"),
        ("meta__gone", "not reached"),
    ]  # fmt: skip
    assert [row.get("removed") for row in rows] == [1, 1, 1, None]
    assert (rows[2]["coverage"], rows[3]["reason"]) == (0.5, "account 17 holds 2 rows")
