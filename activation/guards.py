"""Stop a run that would do harm before anything is sent."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from activation.connection import Connection
from activation.digests import FORMER_KEY_VARIABLE, KEY_VARIABLE
from activation.errors import (
    ConsentFell,
    DuplicateKeys,
    EmptySource,
    FailedTests,
    MassRemoval,
    PlanMoved,
    StaleModel,
    UnknownKey,
    look_first,
)
from activation.gate import BlockReason
from activation.jumps import SMALL_CHANGE, LastDelivery
from activation.plan import PlanCounts
from activation.spec import SyncSpec
from activation.statements import column, render

MOST_POINTS_LOST = 0.2

_SOURCE = "select count(*), count({key}), count(distinct {key}) from {relation}"


@dataclass(frozen=True)
class Source:
    """The size of a sync model."""

    count_rows: int
    count_keys: int
    count_distinct_keys: int

    @property
    def has_one_row_per_key(self) -> bool:
        """Say whether every row has a key of its own."""
        return self.count_rows == self.count_keys == self.count_distinct_keys


def measure(connection: Connection, spec: SyncSpec) -> Source:
    """Count the rows and keys of a sync model; a sync that is switched off desires nothing."""
    if not spec.is_enabled:
        return Source(0, 0, 0)
    statement = render(_SOURCE, key=column(spec.key), relation=spec.relation)
    return Source(*connection.execute(statement)[0])


def count_allowed(source: Source, counts: PlanCounts) -> int:
    """Return how many desired rows the gate lets pass, by what a whole plan blocks."""
    reasons = counts.blocked_by_reason
    return max(0, source.count_rows - sum(reasons.get(reason, 0) for reason in BlockReason))


def refuse_failed_tests(spec: SyncSpec, failing_models: Set[str]) -> None:
    """Raise FailedTests when the sync model or anything it is built from has a failed test."""
    failed = sorted((spec.upstream | {spec.model}) & failing_models)
    if failed:
        msg = f"{spec.name}: dbt tests failed on {', '.join(failed)}. {look_first(spec.name)}"
        raise FailedTests(msg)


def refuse_stale_model(spec: SyncSpec, model_as_of: datetime | None, as_of: datetime) -> None:
    """Raise StaleModel when the model was built for a time too long before the run's clock."""
    if model_as_of is not None and as_of - model_as_of > spec.max_age:
        hours = spec.max_age.total_seconds() / 3600
        msg = (
            f"{spec.name}: {spec.model} was built for {model_as_of:%Y-%m-%d %H:%M}, over "
            f"{hours:.0f} hours ago. Build it anew, or: {look_first(spec.name)}"
        )
        raise StaleModel(msg)


def refuse_duplicate_keys(spec: SyncSpec, source: Source) -> None:
    """Raise DuplicateKeys when the row key is null somewhere or not unique."""
    if not source.has_one_row_per_key:
        msg = (
            f"{spec.name}: {spec.key} of {spec.model} is null or not unique. "
            "Give the model one row per key."
        )
        raise DuplicateKeys(msg)


def refuse_unknown_key(spec: SyncSpec, count: int) -> None:
    """Raise UnknownKey when rows cannot be compared, because they would all be sent again."""
    if count:
        msg = (
            f"{spec.name}: {count} rows of the ledger were digested with another key than "
            f"{KEY_VARIABLE}, so that they would be sent again. Set {FORMER_KEY_VARIABLE} to that "
            f"key for a run, or: {look_first(spec.name)}"
        )
        raise UnknownKey(msg)


def refuse_empty_source(spec: SyncSpec, source: Source, count_held: int) -> None:
    """Raise EmptySource when no row is desired while the platform holds some.

    A sync that may remove everybody by its own settings may be empty, and so may one of messages.
    """
    if spec.sends_messages:
        return
    if source.count_rows == 0 and count_held > 0 and spec.max_removal_share < 1:
        msg = (
            f"{spec.name}: {spec.model} is empty while the platform holds {count_held} rows. "
            f"{look_first(spec.name)}"
        )
        raise EmptySource(msg)


def refuse_fallen_consent(spec: SyncSpec, desired: int, allowed: int, last: LastDelivery) -> None:
    """Raise ConsentFell when the share of allowed rows fell by over 20 points since `last`."""
    if last.allowed is None or min(desired, last.desired) <= SMALL_CHANGE:
        return
    before, after = last.allowed / last.desired, allowed / desired
    if round(before - after, 9) > MOST_POINTS_LOST:
        msg = (
            f"{spec.name}: {after:.0%} of the desired rows are allowed, {before:.0%} were at the "
            f"last delivery; a source of consents may be missing. {look_first(spec.name)}"
        )
        raise ConsentFell(msg)


def is_mass_removal(spec: SyncSpec, counts: PlanCounts, count_held: int) -> bool:
    """Say whether a plan removes more than the sync's share of the held rows, and over 20."""
    removals = counts.by_action.get("remove", 0)
    return removals > SMALL_CHANGE and removals > spec.max_removal_share * count_held


def describe_removals(spec: SyncSpec, counts: PlanCounts, count_held: int) -> str:
    """Say how many rows a plan would remove, beside what the sync allows."""
    return (
        f"the plan removes {counts.by_action.get('remove', 0):,} of {count_held:,} held rows, more "
        f"than {spec.max_removal_share:.0%}"
    )


def refuse_mass_removal(spec: SyncSpec, counts: PlanCounts, count_held: int) -> None:
    """Raise MassRemoval when even what the gate forbids is too much to remove unseen."""
    if is_mass_removal(spec, counts, count_held):
        removals = describe_removals(spec, counts, count_held)
        msg = f"{spec.name}: {removals}, all of them forbidden by the gate. {look_first(spec.name)}"
        raise MassRemoval(msg)


def refuse_moved_plan(spec: SyncSpec, named: str, found: str) -> None:
    """Raise PlanMoved when the plan of now is not the one that was named."""
    if named != found:
        msg = (
            f"{spec.name}: plan {named} is not what would be sent now: rows, permissions, settings "
            f"or the ledger moved since. Look at `regulars plan {spec.name}` again."
        )
        raise PlanMoved(msg)
