"""Stop a run that would do harm before anything is sent."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from activation.connection import Connection
from activation.errors import DuplicateKeys, EmptySource, FailedTests, MassRemoval, StaleModel
from activation.plan import PlanCounts
from activation.spec import SyncSpec
from activation.statements import column, render

SMALL_REMOVAL = 100

_SOURCE = "select count(*), count({key}), count(distinct {key}) from {relation}"


@dataclass(frozen=True)
class Source:
    """The size of a sync model."""

    count_rows: int
    count_keys: int
    count_distinct_keys: int


def measure(connection: Connection, spec: SyncSpec) -> Source:
    """Count the rows and keys of a sync model."""
    statement = render(_SOURCE, key=column(spec.key), relation=spec.relation)
    return Source(*connection.execute(statement)[0])


def refuse_failed_tests(spec: SyncSpec, failing_models: Set[str]) -> None:
    """Raise FailedTests when the sync model or anything it is built from has a failed test."""
    failed = sorted((spec.upstream | {spec.model}) & failing_models)
    if failed:
        msg = f"{spec.name}: dbt tests failed on {', '.join(failed)}. Repair the data or the test."
        raise FailedTests(msg)


def refuse_stale_model(spec: SyncSpec, model_as_of: datetime | None, as_of: datetime) -> None:
    """Raise StaleModel when the model was built for a time too long before the run's clock."""
    if model_as_of is not None and as_of - model_as_of > spec.max_age:
        hours = spec.max_age.total_seconds() / 3600
        msg = (
            f"{spec.name}: {spec.model} was built for {model_as_of:%Y-%m-%d %H:%M}, over "
            f"{hours:.0f} hours ago. Build it anew, or set max_age_hours in {spec.file}."
        )
        raise StaleModel(msg)


def refuse_duplicate_keys(spec: SyncSpec, source: Source) -> None:
    """Raise DuplicateKeys when the row key is null somewhere or not unique."""
    if not source.count_rows == source.count_keys == source.count_distinct_keys:
        msg = (
            f"{spec.name}: {spec.key} of {spec.model} is null or not unique. "
            "Give the model one row per key."
        )
        raise DuplicateKeys(msg)


def refuse_empty_source(spec: SyncSpec, source: Source, count_held: int, share: float) -> None:
    """Raise EmptySource when no row is desired while the platform holds some; share 1 allows it."""
    if source.count_rows == 0 and count_held > 0 and share < 1:
        msg = (
            f"{spec.name}: {spec.model} is empty while the platform holds {count_held} rows. "
            "Check the model; to really remove all of them run with a maximum removal share of 1."
        )
        raise EmptySource(msg)


def refuse_mass_removal(spec: SyncSpec, counts: PlanCounts, count_held: int, share: float) -> None:
    """Raise MassRemoval when a plan removes more than a share of the held rows and over 100."""
    removals = counts.by_action.get("remove", 0)
    if removals > SMALL_REMOVAL and removals > share * count_held:
        msg = (
            f"{spec.name}: the plan removes {removals} of {count_held} held rows, more than "
            f"{share:.0%}. Check the model; if it is right, raise max_removal_share in {spec.file} "
            "or for this run."
        )
        raise MassRemoval(msg)
