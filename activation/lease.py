"""Let one run at a time send for a sync: a row in the ledger with owner, heartbeat and expiry."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from activation.connection import Connection
from activation.errors import SyncBusy
from activation.ledger import now

DURATION = timedelta(minutes=2)
_RENEW_AFTER = timedelta(seconds=15)


@dataclass
class Lease:
    """The right of one run to send for a sync, as long as it is renewed."""

    connection: Connection
    sync: str
    run_id: str
    renewed_at: datetime

    def renew(self) -> None:
        """Move the expiry on, at most every 15 seconds; raise SyncBusy when the lease was lost."""
        moment = now()
        if moment - self.renewed_at < _RENEW_AFTER:
            return
        self.connection.execute(
            "update ledger.leases set renewed_at = ?, expires_at = ? where sync = ? and run_id = ?",
            (moment, moment + DURATION, self.sync, self.run_id),
        )
        self.renewed_at = moment
        self.check()

    def check(self) -> None:
        """Raise SyncBusy when another run has the lease; of two at once the lower number has it."""
        rows = self.connection.execute(
            "select min(run_id) from ledger.leases where sync = ?", (self.sync,)
        )
        if rows[0][0] != self.run_id:
            msg = f"{self.sync}: another run took over. Wait for it; nothing needs repair."
            raise SyncBusy(msg)


@contextmanager
def lease(connection: Connection, sync: str, run_id: str) -> Iterator[Lease]:
    """Hold the lease of a sync inside the block; raise SyncBusy when a living run holds it."""
    moment = now()
    with connection.transaction():
        _refuse_living(connection, sync, moment)
        connection.execute("delete from ledger.leases where sync = ?", (sync,))
        connection.execute(
            "insert into ledger.leases values (?, ?, ?, ?, ?, ?)",
            (sync, run_id, socket.gethostname(), os.getpid(), moment, moment + DURATION),
        )
    held = Lease(connection, sync, run_id, moment)
    try:
        held.check()
        yield held
    finally:
        connection.execute(
            "delete from ledger.leases where sync = ? and run_id = ?", (sync, run_id)
        )


def _refuse_living(connection: Connection, sync: str, moment: datetime) -> None:
    rows = connection.execute(
        "select host, process_id, expires_at from ledger.leases where sync = ?", (sync,)
    )
    for host, process_id, expires_at in rows:
        if expires_at > moment and not _is_dead(host, process_id):
            msg = (
                f"{sync}: a run on {host} (process {process_id}) is sending. Wait until it ends; "
                f"if it died, its lease ends at {expires_at:%H:%M:%S} UTC."
            )
            raise SyncBusy(msg)


def _is_dead(host: str, process_id: int) -> bool:
    """Say whether the owner is a process of this machine that no longer exists."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
