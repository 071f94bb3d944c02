"""A ledger that an older release made is read as it is, and gets what it lacks by the next run."""

import pytest

from activation.recipients import find_holders
from activation.syncs import diff_sync, run_sync
from tests.activation.world import AS_OF, KEYS, people, person

NEWER = {
    "sync_rows": ("key_id", "mapping", "pieces", "attempts", "retry_from", "version"),
    "runs": ("digest", "allowed"),
    "plan_rows": ("pieces", "attempts", "changed_columns", "version"),
}


@pytest.fixture
def older(world, settings, klaviyo):
    """Deliver three persons and take the ledger back to its first columns."""
    world.allow(people(4))
    world.desire(people(3))
    run_sync(
        world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, client=klaviyo.client()
    )
    for table, columns in NEWER.items():
        for column in columns:
            world.connection.execute(f"alter table ledger.{table} drop column {column}")
    for table in ("batches", "outcomes", "gone"):
        world.connection.execute(f"drop table ledger.{table}")
    return world


def test_a_plan_of_an_older_ledger_is_right_before_any_run(older, settings, klaviyo):
    """Whoever only looks writes nothing, and sees what the next run does."""
    older.desire([person(0), person(1, first_name="Grace"), person(3)])
    told = diff_sync(older.connection, older.spec, settings, as_of=AS_OF, keys=KEYS)
    found = older.connection.execute(
        "select count(*) from information_schema.columns"
        " where table_schema = 'ledger' and column_name = 'retry_from'"
    )

    done = run_sync(
        older.connection, older.spec, settings, as_of=AS_OF, keys=KEYS, client=klaviyo.client()
    )

    assert found == [(0,)]
    assert told.counts == {"add": 1, "change": 1, "remove": 1}
    assert (done.added, done.changed, done.removed) == (1, 1, 1)


def test_whom_a_run_that_died_may_have_sent_is_known(older, settings, klaviyo):
    """Their rows are told by the next run; an erasure cannot wait for it."""
    before = find_holders(older.connection, ["c3"])
    older.connection.execute("update ledger.runs set status = 'delivering'")
    older.connection.execute(
        "insert into ledger.plan_rows (run_id, sync, customer_id, action)"
        " select run_id, sync, 'c3', 'add' from ledger.runs"
    )

    (holder,) = find_holders(older.connection, ["c3"])

    assert before == []
    assert (holder.sync, holder.rows) == (older.spec.name, 1)
