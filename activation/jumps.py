"""Notice that an audience's size jumped, so that a person looks before the platform follows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from activation.connection import Connection
from activation.ledger_schema import readable
from activation.spec import SyncSpec
from activation.statements import column, literal, literals, render

SIZE_JUMPED = "size_jumped"
SMALL_CHANGE = 20

_LAST_DELIVERY = """
select desired, as_of, allowed from {runs}
where sync = {sync} and account = {account} and status = 'finished'
order by plan_number desc
limit 1
"""

# What deviated when the audience was last delivered was delivered knowingly, or unnoticed by
# anybody for want of a delivery before: either way the platform has it.
_DEVIATIONS = """
select segment, count_members, usual_count, verdict from insight.segment_deviations
where
    is_current
    and is_deviating
    and segment in ({segments})
    and deviating_since > {as_of}
order by segment
"""

# While a sync is paused whoever left stays desired as they are held, so that nobody is removed but
# whom the gate forbids, whether they are still in the audience or not.
_LEAVERS = """
    select row_key, customer_id, contact_point_id, identifiers as payload
    from ledger.sync_rows
    where
        sync = {sync}
        and account = {account}
        and is_held
        and row_key not in (select cast({key} as varchar) from {relation})
"""


@dataclass(frozen=True)
class LastDelivery:
    """How many rows were desired and allowed when the audience was last in step, and when."""

    desired: int
    as_of: datetime
    allowed: int | None = None


def last_delivery(connection: Connection, spec: SyncSpec, account: str) -> LastDelivery | None:
    """Return the last run that brought the audience in step; None before the first."""
    if not connection.table_exists("ledger", "runs"):
        return None
    statement = render(
        _LAST_DELIVERY,
        runs=readable(connection, "runs"),
        sync=literal(spec.name),
        account=literal(account),
    )
    rows = connection.execute(statement)
    return LastDelivery(*rows[0]) if rows else None


def find_jumps(
    connection: Connection, spec: SyncSpec, desired: int, last: LastDelivery
) -> list[str]:
    """Return why the audience must not be sent as it is; nothing where its size is no surprise."""
    changes = _changes(spec, last.desired, desired, spec.max_size_change)
    return [*changes, *_deviations(connection, spec, last)]


def held_leavers(spec: SyncSpec, account: str) -> str:
    """Return what a paused sync desires beside its model: held rows that left the audience."""
    if spec.mode != "mirror":
        return ""
    return render(
        _LEAVERS,
        sync=literal(spec.name),
        account=literal(account),
        key=column(spec.key),
        relation=spec.relation,
    )


def _changes(spec: SyncSpec, former: int, desired: int, limit: float) -> Iterator[str]:
    change = desired - former
    if former and abs(change) > SMALL_CHANGE and abs(change) > limit * former:
        yield (
            f"the audience went from {former:,} to {desired:,} rows ({change / former:+.0%}), "
            f"more than {limit:.0%} ({spec.file})"
        )


def _deviations(connection: Connection, spec: SyncSpec, last: LastDelivery) -> Iterator[str]:
    if not spec.segments or not connection.table_exists("insight", "segment_deviations"):
        return
    statement = render(
        _DEVIATIONS, segments=literals(sorted(spec.segments)), as_of=literal(last.as_of)
    )
    for segment, count, usual, verdict in connection.execute(statement):
        instead = "outside its norm" if verdict == "outside_norm" else f"usual are {usual:,.0f}"
        yield f"segment {segment} has {count:,} members, {instead}"
