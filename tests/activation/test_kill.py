"""Runs killed while they remove, change and add leave nothing lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.warehouse import Warehouse
from tests.activation.stub_fcm import StubFcm
from tests.activation.sync_process import main
from tests.activation.world import FCM, World, world_at

ROWS = 1_000
ROOT = Path(__file__).parents[2]


def subscribe(connection, condition):
    """Desire the push tokens of some numbers, all allowed."""
    for table in (FCM.relation, "contact.contact_points", "privacy.consents"):
        connection.execute(f"delete from {table}")
    connection.execute(
        f"insert into {FCM.relation} (customer_id, contact_point_id, token)"
        f" select 'c' || i, 'p' || i, 't' || i from range({ROWS}) r (i) where {condition}"
    )
    connection.execute(
        "insert into contact.contact_points select contact_point_id, customer_id, 'push_token',"
        f" 'push', token, true from {FCM.relation}"
    )
    connection.execute(
        "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
        f" select contact_point_id, 'marketing', 'push', true, 'allowed' from {FCM.relation}"
    )


def run_and_kill(database, stub, after):
    """Run the sync in a process and kill it when the platform has seen some requests."""
    stub.alarm.clear()
    stub.alarm_after = stub.requests.total() + after
    command = [sys.executable, "-m", "tests.activation.sync_process", database, stub.base_url]
    with subprocess.Popen(command, cwd=ROOT) as process:
        assert stub.alarm.wait(timeout=60)
        process.kill()
        process.wait()


def held(database):
    """Return the keys the ledger says are held, and the states of all planned rows."""
    with Warehouse(Path(database)).connect() as connection:
        keys = {row[0] for row in World(connection, FCM).ledger() if row[1] == "acknowledged"}
        query = "select distinct state from ledger.plan_rows"
        return keys, {state for (state,) in connection.execute(query)}


@pytest.mark.slow
def test_killed_mixed_runs_end_in_the_desired_state(tmp_path):
    """Killed twice while removing, changing and adding, and the desire changing in between."""
    database = tmp_path / "w.duckdb"
    with world_at(database, FCM) as world:
        subscribe(world.connection, "i < 600")

    with StubFcm().serving() as stub:
        main(str(database), stub.base_url)
        stub.seconds = 0.002
        for condition, after in (("i >= 200", 100), ("i % 2 = 0", 350)):
            with Warehouse(database).connect() as connection:
                subscribe(connection, condition)
            run_and_kill(str(database), stub, after)
        with Warehouse(database).connect() as connection:
            subscribe(connection, "i % 3 = 0")
        stub.seconds = 0
        main(str(database), stub.base_url)

    desired = range(0, ROWS, 3)
    assert stub.subscribed == {f"t{i}" for i in desired}
    assert held(database)[0] == {f"p{i}" for i in desired}
