"""One run at a time sends for a sync."""

import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest

from activation.errors import SyncBusy
from activation.lease import DURATION, lease
from activation.ledger import now
from activation.ledger_schema import create_tables


@pytest.fixture
def connection(world):
    """Return a connection to a warehouse with an empty ledger."""
    create_tables(world.connection)
    return world.connection


def leave(connection, host, process_id, expires_in):
    """Leave a lease behind as another run would."""
    connection.execute(
        "insert into ledger.leases values ('sync', 'other', ?, ?, ?, ?)",
        (host, process_id, now(), now() + expires_in),
    )


def leases(connection):
    """Return the runs that hold a lease."""
    return connection.execute("select sync, run_id from ledger.leases order by 1")


def test_second_run_is_refused_and_told_who_sends(connection):
    """Two runs of the same sync at once would send twice."""
    with (
        lease(connection, "sync", "first"),
        pytest.raises(SyncBusy, match=rf"{socket.gethostname()} \(process {os.getpid()}\)"),
        lease(connection, "sync", "second"),
    ):
        pass

    assert leases(connection) == []


def test_other_syncs_are_not_held_up(connection):
    """A lease is for one sync."""
    with lease(connection, "sync", "first"), lease(connection, "other", "second"):
        assert leases(connection) == [("other", "second"), ("sync", "first")]


def test_lease_is_returned_after_an_error(connection):
    """A failed run does not lock its sync."""
    with pytest.raises(ZeroDivisionError), lease(connection, "sync", "first"):
        raise ZeroDivisionError

    assert leases(connection) == []


def test_lease_of_a_dead_process_is_taken_over(connection):
    """A run that was killed does not lock its sync either."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    leave(connection, socket.gethostname(), process.pid, DURATION)

    with lease(connection, "sync", "next"):
        assert leases(connection) == [("sync", "next")]


def test_lease_of_another_machine_holds_until_it_ends(connection):
    """Nobody can tell whether a process elsewhere is alive, so its time counts."""
    leave(connection, "elsewhere", 1, DURATION)

    with pytest.raises(SyncBusy, match="elsewhere"), lease(connection, "sync", "next"):
        pass


def test_lease_that_ended_is_taken_over(connection):
    """A lease that nobody renewed is void, wherever it came from."""
    leave(connection, "elsewhere", 1, -timedelta(seconds=1))

    with lease(connection, "sync", "next"):
        assert leases(connection) == [("sync", "next")]


def test_renewal_moves_the_end_on(connection):
    """A long run keeps its lease."""
    with lease(connection, "sync", "first") as held:
        held.renewed_at -= timedelta(minutes=1)
        connection.execute("update ledger.leases set expires_at = ?", (held.renewed_at,))
        held.renew()

        ((expires_at,),) = connection.execute("select expires_at from ledger.leases")
        assert expires_at > now() + DURATION - timedelta(seconds=30)


def test_renewal_is_not_written_every_time(connection):
    """A lease renewed a moment ago is left alone."""
    with lease(connection, "sync", "first") as held:
        connection.execute("delete from ledger.leases")
        held.renew()

        assert leases(connection) == []


def test_run_that_lost_its_lease_stops(connection):
    """A run that slept too long notices that another one has taken over."""
    with lease(connection, "sync", "first") as held:
        held.renewed_at -= timedelta(minutes=1)
        connection.execute("update ledger.leases set run_id = 'another'")

        with pytest.raises(SyncBusy, match="took over"):
            held.renew()
