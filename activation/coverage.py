"""How much of a list of exclusions reaches the platform: the rest sees the campaigns."""

from activation.connection import Connection
from activation.spec import SyncSpec

_REFUSED = """
select count(*) from ledger.sync_rows
where sync = ? and account = ? and state in ('rejected', 'invalid')
"""


def coverage_of(spec: SyncSpec, desired: int, allowed: int, unmatched: int) -> float | None:
    """Return which share of the desired customers has consented and can be matched.

    `allowed` are those whom the gate lets pass, `unmatched` those of them whose identifiers the
    platform does not take. None for a list that is no exclusion, is switched off or is empty.
    """
    if not (spec.is_exclusion and spec.is_enabled and desired):
        return None
    return round(max(0, allowed - unmatched) / desired, 4)


def count_refused(connection: Connection, spec: SyncSpec, account: str) -> int:
    """Return how many desired rows the platform did not take by what the ledger knows."""
    if not connection.table_exists("ledger", "sync_rows"):
        return 0
    return int(connection.execute(_REFUSED, (spec.name, account))[0][0])
