"""Seal the difference between desired and held rows as a numbered plan, in the warehouse."""

from dataclasses import dataclass, field

from activation.comparison import Comparison
from activation.errors import DuplicateKeys
from activation.sealing import digest_of
from activation.spec_rules import LEFT_AUDIENCE
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
    null as settled_at,
    pieces,
    attempts,
    changed_columns,
    coalesce(version, {run_id}) as version
from numbered
"""


@dataclass(frozen=True)
class PlanCounts:
    """How many rows a plan has, by action and by reason, and the digest of its content."""

    by_action: dict[str, int] = field(default_factory=dict)
    blocked_by_reason: dict[str, int] = field(default_factory=dict)
    digest: str = ""

    @property
    def planned(self) -> int:
        """Return the number of rows to be sent or removed."""
        return sum(self.by_action.get(action, 0) for action in ACTIONS)


def seal(comparison: Comparison, run_id: str, *, is_paused: bool = False) -> PlanCounts:
    """Write the plan of a run to `ledger.plan_rows` and return its counts and digest."""
    spec, connection = comparison.spec, comparison.connection
    limits = spec.capabilities.batch
    statement = render(
        _SEAL,
        compared=comparison.changes(is_paused=is_paused),
        run_id=literal(run_id),
        sync=literal(spec.name),
        removal_rows=limits.removal_rows,
        upsert_rows=limits.upsert_rows,
    )
    connection.execute(statement)
    sealed = f"ledger.plan_rows where run_id = {literal(run_id)}"
    _refuse_doubled_rows(comparison, sealed)
    return count_rows(comparison, sealed)


def count_rows(comparison: Comparison, rows: str) -> PlanCounts:
    """Count the rows of a plan; `rows` is what stands after `from`."""
    found = comparison.connection.execute(
        f"select action, reason, count(*) from {rows} group by action, reason"
    )
    by_action: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    for action, reason, count in found:
        by_action[action] = by_action.get(action, 0) + count
        if reason is not None and reason != LEFT_AUDIENCE:
            by_reason[reason] = by_reason.get(reason, 0) + count
    return PlanCounts(by_action, dict(sorted(by_reason.items())), digest_of(comparison, rows))


def _refuse_doubled_rows(comparison: Comparison, rows: str) -> None:
    """Raise DuplicateKeys when a table of the gate doubled a row: its answer is then ambiguous."""
    doubled = comparison.connection.execute(
        f"select count(*) - count(distinct row_key) from {rows}"
    )
    if doubled[0][0]:
        msg = (
            f"{comparison.spec.name}: contact.contact_points has several rows for one "
            "contact_point_id. Give it one row per contact point."
        )
        raise DuplicateKeys(msg)
