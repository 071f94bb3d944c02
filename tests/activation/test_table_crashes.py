"""A delivery to a table that is killed with -9 loses nothing and leaves no half batch."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from orchestration.warehouse import Warehouse
from tests.activation.table_process import SPEC, sync_once
from tests.activation.world import world_at

ROOT = Path(__file__).parents[2]
ROWS = 200
SLOW = """
create function shop.slow() returns trigger language plpgsql as $$
begin if new.customer_id = 'c155' then perform pg_sleep(3); end if; return new; end $$;
create trigger slow before insert on shop.stages for each row execute function shop.slow()
"""


def desire(world, condition):
    """Make the model hold the rows of some numbers."""
    world.connection.execute(f"delete from {SPEC.relation}")
    world.connection.execute(
        f"insert into {SPEC.relation} (customer_id, stage)"
        f" select 'c' || i, 'active' from range({ROWS}) r (i) where {condition}"
    )


def start(point, database, url):
    """Start a delivery in a process of its own."""
    command = [sys.executable, "-m", "tests.activation.table_process", point, database, url]
    return subprocess.Popen(command, cwd=ROOT)


def count(server):
    """Return how many rows the table has."""
    return server.run("select count(*) from shop.stages")[0][0]


def wait_for_sleep(server):
    """Wait until the database is in the middle of writing the slow row."""
    deadline = time.monotonic() + 60
    asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
    while server.run(asleep) == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_killed_in_a_transaction_leaves_whole_batches_and_the_next_run_finishes(tmp_path, server):
    """The database undoes the batch; the next run waits for that and sends what is missing."""
    database = tmp_path / "w.duckdb"
    with world_at(database, SPEC) as world:
        desire(world, "i < 10")
        sync_once(world.connection, server.url())
        desire(world, "i >= 5")
    server.run(SLOW)

    with start("in_transaction", str(database), server.url()) as process:
        wait_for_sleep(server)
        process.kill()
    half = count(server)
    with Warehouse(database).connect() as connection:
        summary = sync_once(connection, server.url())
        again = sync_once(connection, server.url())

    assert 5 < half < ROWS - 5
    assert half % 10 == 5
    assert summary.unknown == summary.rejected == 0
    assert count(server) == summary.acknowledged == ROWS - 5
    assert again.planned == 0


def test_killed_after_the_commit_sends_that_batch_again_and_changes_nothing(tmp_path, server):
    """A row that is there already is not even written."""
    database = tmp_path / "w.duckdb"
    with world_at(database, SPEC) as world:
        desire(world, "i >= 0")

    with start("in_acknowledgement", str(database), server.url()) as process:
        assert process.wait(timeout=60) == -signal.SIGKILL
    before = dict(server.run("select customer_id, xmin::text from shop.stages"))
    with Warehouse(database).connect() as connection:
        summary = sync_once(connection, server.url())
        again = sync_once(connection, server.url())
    after = dict(server.run("select customer_id, xmin::text from shop.stages"))

    assert 0 < len(before) < ROWS
    assert 0 < summary.delivered - (ROWS - len(before)) <= 20
    assert {key: after[key] for key in before} == before
    assert (len(after), again.planned) == (ROWS, 0)
