"""Seal the difference between desired and held rows as a numbered plan, in the warehouse."""

from dataclasses import dataclass, field

from activation.comparison import LEFT_AUDIENCE, comparison
from activation.connection import Connection
from activation.errors import DuplicateKeys
from activation.gate import Gate
from activation.spec import SyncSpec
from activation.statements import literal, render

ACTIONS = ("add", "change", "remove", "retry")

_SEAL = """
insert into ledger.plan_rows
{compared},
staged as (
    select
        *,
        case
            when action = 'remove' then 1
            when action = 'blocked' then 4
            when stale <> '' then 2
            else 3
        end as stage
    from changes
),
numbered as (
    select
        *,
        row_number() over (order by stage, row_key) as row_number,
        (select count(*) from staged where stage = 1) as count_removals
    from staged
)
select
    {run_id} as run_id,
    {sync} as sync,
    row_number,
    row_key,
    ledger_key,
    customer_id,
    contact_point_id,
    action,
    reason,
    row_hash,
    case when stage in (2, 3) then payload end as payload,
    held_identifiers,
    stale,
    was_held,
    held_since,
    case when stage in (1, 2) then cast(floor((row_number - 1) / {removal_rows}) as bigint) end
        as removal_batch,
    case
        when stage in (2, 3)
            then cast(floor((row_number - count_removals - 1) / {upsert_rows}) as bigint)
    end as upsert_batch,
    case when action = 'blocked' then 'blocked' else 'planned' end as state,
    case when action = 'blocked' then reason end as code,
    null as settled_at
from numbered
"""

_COUNTS = """
{compared}
select action, reason, count(*) from changes group by action, reason
"""

_ROWS = """
{compared}
select row_key, customer_id, action, reason from changes
{where}
order by
    case action
        when 'remove' then 1 when 'add' then 2 when 'change' then 3 when 'retry' then 4 else 5
    end,
    row_key
limit {limit}
"""


@dataclass(frozen=True)
class PlanCounts:
    """How many rows a plan has, by action and by reason."""

    by_action: dict[str, int] = field(default_factory=dict)
    blocked_by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        """Return the number of rows to be sent or removed."""
        return sum(self.by_action.get(action, 0) for action in ACTIONS)


@dataclass(frozen=True)
class DiffRow:
    """One row a run would act on, by key."""

    row_key: str
    customer_id: str | None
    action: str
    reason: str | None


def seal(
    connection: Connection,
    spec: SyncSpec,
    gate: Gate,
    account: str,
    run_id: str,
    *,
    is_paused: bool = False,
) -> PlanCounts:
    """Write the plan of a run to `ledger.plan_rows` and return its counts."""
    limits = spec.capabilities.batch
    statement = render(
        _SEAL,
        compared=comparison(connection, spec, gate, account, is_paused=is_paused),
        run_id=literal(run_id),
        sync=literal(spec.name),
        removal_rows=limits.removal_rows,
        upsert_rows=limits.upsert_rows,
    )
    connection.execute(statement)
    _refuse_doubled_rows(connection, spec, run_id)
    rows = connection.execute(
        "select action, reason, count(*) from ledger.plan_rows where run_id = ? group by 1, 2",
        (run_id,),
    )
    return _counted(rows)


def _refuse_doubled_rows(connection: Connection, spec: SyncSpec, run_id: str) -> None:
    """Raise DuplicateKeys when a table of the gate doubled a row: its answer is then ambiguous."""
    doubled = connection.execute(
        "select count(*) - count(distinct row_key) from ledger.plan_rows where run_id = ?",
        (run_id,),
    )
    if doubled[0][0]:
        msg = (
            f"{spec.name}: core.contact_points has several rows for one contact_point_id. "
            "Give it one row per contact point."
        )
        raise DuplicateKeys(msg)


def preview(
    connection: Connection, spec: SyncSpec, gate: Gate, account: str, *, is_paused: bool = False
) -> PlanCounts:
    """Count what a run would do, writing nothing."""
    compared = comparison(connection, spec, gate, account, is_paused=is_paused)
    return _counted(connection.execute(render(_COUNTS, compared=compared)))


def diff(
    connection: Connection,
    spec: SyncSpec,
    gate: Gate,
    account: str,
    *,
    limit: int,
    customer_id: str | None = None,
    is_paused: bool = False,
) -> tuple[DiffRow, ...]:
    """Return the first rows a run would act on, removals first, writing nothing."""
    one = "" if customer_id is None else f"where customer_id = {literal(customer_id)}"
    compared = comparison(connection, spec, gate, account, is_paused=is_paused)
    statement = render(_ROWS, compared=compared, where=one, limit=limit)
    return tuple(DiffRow(*row) for row in connection.execute(statement))


def _counted(rows: list[tuple[str, str | None, int]]) -> PlanCounts:
    by_action: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    for action, reason, count in rows:
        by_action[action] = by_action.get(action, 0) + count
        if reason is not None and reason != LEFT_AUDIENCE:
            by_reason[reason] = by_reason.get(reason, 0) + count
    return PlanCounts(by_action, dict(sorted(by_reason.items())))
