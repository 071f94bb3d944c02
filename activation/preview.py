"""Look at what a run would do now: counted, named and judged, neither kept nor sent."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from activation import guards
from activation.comparison import Comparison
from activation.coverage import count_refused, coverage_of
from activation.errors import DuplicateKeys, GuardRefused
from activation.estimate import Estimate, estimate
from activation.judgement import Judgement, prepare
from activation.plan import PlanCounts, count_rows
from activation.spec import SyncSpec
from activation.statements import render

TABLE = "previewed_changes"

_PREVIEW = """
create or replace temporary table {table} as
{compared}
select
    row_key, ledger_key, customer_id, action, reason, row_hash, stale, changed_columns,
    case when action in ('add', 'change', 'retry') then payload end as payload,
    held_identifiers
from changes
"""

_ROWS = """
select row_key, customer_id, action, reason, changed_columns from {table}
order by
    case action
        when 'remove' then 1 when 'add' then 2 when 'change' then 3 when 'retry' then 4 else 5
    end,
    row_key
limit {limit}
"""


@dataclass(frozen=True)
class DiffRow:
    """One row a run would act on, by key, with the names of the columns that changed."""

    row_key: str
    customer_id: str | None
    action: str
    reason: str | None
    changed_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class SyncDiff:
    """What a run would do, by key; nothing was written or sent.

    `counts` and `rows` are what a run does by itself: of a paused sync that is only what the gate
    demands. `digest` names the whole plan and `whole` counts it: naming it sends all of it.
    `coverage` is the share of the desired customers that a list of exclusions would reach.
    """

    sync: str
    desired: int
    count_null_keys: int
    count_doubled_keys: int
    counts: dict[str, int] = field(default_factory=dict)
    blocked_by_reason: dict[str, int] = field(default_factory=dict)
    digest: str | None = None
    whole: dict[str, int] = field(default_factory=dict)
    paused_because: str | None = None
    is_switched_off: bool = False
    coverage: float | None = None
    refused_because: str | None = None
    changed_columns: dict[str, int] = field(default_factory=dict)
    estimate: Estimate | None = None
    rows: tuple[DiffRow, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class ModelState:
    """What dbt says of a sync's model: which models failed a test, and when it was built for."""

    failing_models: Set[str] = frozenset()
    as_of: datetime | None = None

    def refuse(self, spec: SyncSpec, as_of: datetime) -> None:
        """Raise GuardRefused when the model cannot be trusted at the run's clock."""
        guards.refuse_failed_tests(spec, self.failing_models)
        guards.refuse_stale_model(spec, self.as_of, as_of)


def preview(comparison: Comparison, destination: Any, model: ModelState, limit: int) -> SyncDiff:
    """Return what a run would do now, with the first `limit` rows, removals first."""
    spec = comparison.spec
    source = guards.measure(comparison.connection, spec)
    nulls = source.count_rows - source.count_keys
    difference = SyncDiff(
        spec.name,
        source.count_rows,
        nulls,
        source.count_keys - source.count_distinct_keys,
        is_switched_off=not spec.is_enabled,
    )
    try:
        judgement = prepare(comparison, source)
    except DuplicateKeys as refused:
        return replace(difference, refused_because=str(refused))
    whole = _compare(comparison, is_paused=False)
    cost = estimate(comparison, destination, TABLE)
    difference = replace(
        difference,
        counts=whole.by_action,
        blocked_by_reason=whole.blocked_by_reason,
        digest=whole.digest,
        whole=whole.by_action,
        changed_columns=dict(_changed_columns(comparison)),
        estimate=cost,
        coverage=_coverage(comparison, source, whole, cost),
    )
    judged = _judged(difference, judgement, model, whole)
    return replace(judged, rows=_rows(comparison, limit))


def _judged(
    difference: SyncDiff, judgement: Judgement, model: ModelState, whole: PlanCounts
) -> SyncDiff:
    """Say what the guards say, and of a paused sync what is left to do."""
    comparison = judgement.comparison
    try:
        if comparison.spec.is_enabled:
            model.refuse(comparison.spec, comparison.gate.as_of)
        judgement.refuse_before_planning()
        pause = judgement.find_pause(whole)
        if pause is None:
            return difference
        paused = _compare(comparison, is_paused=True)
        judgement.refuse_paused(paused)
    except GuardRefused as refused:
        return replace(difference, refused_because=str(refused))
    return replace(
        difference,
        counts=paused.by_action,
        blocked_by_reason=paused.blocked_by_reason,
        paused_because=pause,
    )


def _coverage(
    comparison: Comparison, source: guards.Source, whole: PlanCounts, cost: Estimate
) -> float | None:
    """Return the share of an exclusion list that would reach the platform, as far as is known."""
    connection, spec = comparison.connection, comparison.spec
    refused = count_refused(connection, spec, comparison.account)
    unmatched = refused + sum(cost.invalid_by_code.values())
    return coverage_of(spec, source.count_rows, guards.count_allowed(source, whole), unmatched)


def _compare(comparison: Comparison, *, is_paused: bool) -> PlanCounts:
    compared = comparison.changes(is_paused=is_paused)
    comparison.connection.execute(render(_PREVIEW, table=TABLE, compared=compared))
    return count_rows(comparison, TABLE)


def _changed_columns(comparison: Comparison) -> list[tuple[str, int]]:
    """Count the changed rows by the name of each column that changed, most frequent first."""
    found = comparison.connection.execute(
        f"select changed_columns, count(*) from {TABLE} where changed_columns <> '' group by 1"
    )
    counts: Counter[str] = Counter()
    for names, count in found:
        counts.update(dict.fromkeys(_split(names), count))
    return counts.most_common()


def _rows(comparison: Comparison, limit: int) -> tuple[DiffRow, ...]:
    found = comparison.connection.execute(render(_ROWS, table=TABLE, limit=limit))
    return tuple(
        DiffRow(key, customer, action, reason, _split(changed))
        for key, customer, action, reason, changed in found
    )


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(name for name in (names or "").split(",") if name)
