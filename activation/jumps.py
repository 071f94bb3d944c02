"""Notice that an audience's size jumped, so that a person looks before the platform follows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from activation.connection import Connection
from activation.spec import SyncSpec
from activation.statements import column, literal, literals, render

SIZE_JUMPED = "size_jumped"
SMALL_CHANGE = 20

_LAST_DELIVERY = """
select desired, as_of from ledger.runs
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
    union all
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
    """How many rows were desired when the audience was last brought in step, and when."""

    desired: int
    as_of: datetime


def find_jump(
    connection: Connection, spec: SyncSpec, account: str, desired: int, allowed: float | None
) -> str | None:
    """Return why the audience must not be sent as it is; None where its size is no surprise.

    `allowed` is the share by which a person lets the size change in this run, whatever the sync or
    its segments say. An audience that was never delivered may have any size.
    """
    last = _last_delivery(connection, spec, account)
    if last is None:
        return None
    limit = spec.max_size_change if allowed is None else allowed
    causes = list(_changes(spec, last.desired, desired, limit))
    if allowed is None:
        causes += _deviations(connection, spec, last)
    if not causes:
        return None
    remedy = f"Check {spec.model}; if it is right, give a max_size_change for one run"
    return f"{'; '.join(causes)}. {remedy}"


def held_leavers(spec: SyncSpec, account: str) -> str:
    """Return what to add to the desired rows of a paused sync: held rows that left the audience."""
    if spec.mode != "mirror":
        return ""
    return render(
        _LEAVERS,
        sync=literal(spec.name),
        account=literal(account),
        key=column(spec.key),
        relation=spec.relation,
    )


def _last_delivery(connection: Connection, spec: SyncSpec, account: str) -> LastDelivery | None:
    if not connection.table_exists("ledger", "runs"):
        return None
    statement = render(_LAST_DELIVERY, sync=literal(spec.name), account=literal(account))
    rows = connection.execute(statement)
    return LastDelivery(*rows[0]) if rows else None


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
