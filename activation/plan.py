"""Seal the difference between desired and held rows as a numbered plan, in the warehouse."""

from dataclasses import dataclass, field

from activation.comparison import Comparison
from activation.errors import DuplicateKeys
from activation.sealing import CONTENT, digest_of
from activation.spec_rules import LEFT_AUDIENCE
from activation.statements import PLACE, literal, md5_sum, render

ACTIONS = ("add", "change", "remove", "retry")

SORTED_ROWS = 100_000
"""Of so many rows a plan is in the order of their keys; a larger one is as it was compared."""

_TABLE = "planned_changes"

_COMPARE = """
create or replace temporary table {table} as
{compared}
select
    *,
    case
        when action = 'remove' then 1
        when action = 'blocked' then 4
        when stale <> '' then 2
        else 3
    end as stage
from changes
"""

# Numbers are given to places in a table, not to rows: to sort rows with all that is sent of them
# takes longer than to find and write them. The rows are written in the order of their places, so
# that batches lie together, and so later do the rows of the ledger that a model is joined with.
_SEAL = """
insert into ledger.plan_rows
with numbers as (
    select
        {place} as place,
        row_number() over (order by stage, {order}) as row_number
    from {table}
),
numbered as (
    select
        {table}.*,
        numbers.row_number,
        (select count(*) from {table} where stage = 1) as count_removals
    from {table}
    inner join numbers on numbers.place = {table}.{place}
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

_COUNT = """
select action, reason, count(*), {sum} from {table} group by action, reason
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
    compared = comparison.changes(is_paused=is_paused)
    connection.execute(render(_COMPARE, table=_TABLE, compared=compared))
    _refuse_doubled_rows(comparison, _TABLE)
    counts = count_rows(comparison, _TABLE)
    limits = spec.capabilities.batch
    statement = render(
        _SEAL,
        table=_TABLE,
        place=PLACE,
        order="row_key" if sum(counts.by_action.values()) <= SORTED_ROWS else PLACE,
        run_id=literal(run_id),
        sync=literal(spec.name),
        removal_rows=limits.removal_rows,
        upsert_rows=limits.upsert_rows,
    )
    connection.execute(statement)
    connection.execute(f"drop table {_TABLE}")
    return counts


def count_rows(comparison: Comparison, table: str) -> PlanCounts:
    """Count the rows of a plan that stand in a table, and digest them."""
    statement = render(_COUNT, sum=md5_sum(CONTENT), table=table)
    found = comparison.connection.execute(statement)
    by_action: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    for action, reason, count, _ in found:
        by_action[action] = by_action.get(action, 0) + count
        if reason is not None and reason != LEFT_AUDIENCE:
            by_reason[reason] = by_reason.get(reason, 0) + count
    total = sum(one or 0 for *_, one in found) if found else None
    digest = digest_of(comparison, sum(by_action.values()), total)
    return PlanCounts(by_action, dict(sorted(by_reason.items())), digest)


def _refuse_doubled_rows(comparison: Comparison, table: str) -> None:
    """Raise DuplicateKeys when a table of the gate doubled a row: its answer is then ambiguous."""
    doubled = comparison.connection.execute(
        f"select count(*) - count(distinct row_key) from {table}"
    )
    if doubled[0][0]:
        msg = (
            f"{comparison.spec.name}: contact.contact_points has several rows for one "
            "contact_point_id. Give it one row per contact point."
        )
        raise DuplicateKeys(msg)
