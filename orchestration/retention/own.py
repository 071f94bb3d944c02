"""What the platform wrote itself and keeps for a while: versions of models, and Dagster's runs."""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.model_versions import list_trainings
from orchestration.settings import Settings
from orchestration.warehouse import Connection

KEPT_TRAININGS = 3
"""So many of the newest trainings stay whatever their age: a rollback needs one to go to."""

Dated = tuple[Any, datetime]


def old_versions(connection: Connection, settings: Settings) -> list[tuple[Path, datetime]]:
    """Return the folders of versions that may go, each with the moment it was trained, in UTC.

    What scores, is pinned, is named by an alias or is of the newest trainings is none of them.
    """
    found = []
    for prediction in sorted(settings.models.iterdir()) if settings.models.is_dir() else []:
        if not prediction.is_dir():
            continue
        kept = _kept_versions(connection, prediction)
        found += [
            (folder, datetime.fromtimestamp(folder.stat().st_mtime, UTC).replace(tzinfo=None))
            for folder in sorted(prediction.iterdir())
            if folder.is_dir() and not folder.name.startswith(".") and folder.name not in kept
        ]
    return found


def _kept_versions(connection: Connection, prediction: Path) -> set[str | None]:
    trainings = list_trainings(connection, prediction.name)
    used = {one.version for one in trainings if one.is_used or one.is_pinned}
    newest = {one.version for one in [t for t in trainings if t.version][:KEPT_TRAININGS]}
    aliases = prediction / "aliases.json"
    named = set(json.loads(aliases.read_text()).values()) if aliases.exists() else set()
    return {*used, *newest, *named}


def delete_versions(found: Iterable[tuple[Path, datetime]], cut: datetime) -> int:
    """Delete the versions that are older; return their number."""
    due = [folder for folder, moment in found if moment < cut]
    for folder in due:
        shutil.rmtree(folder)
    return len(due)


def finished_runs(settings: Settings) -> list[tuple[str, datetime]]:
    """Return the runs in Dagster's history that are over, each with when it ended, in UTC."""
    from dagster import DagsterRunStatus, RunsFilter

    over = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    with _history(settings) as instance:
        records = instance.get_run_records(RunsFilter(statuses=over)) if instance else []
        return [
            (one.dagster_run.run_id, one.update_timestamp.astimezone(UTC).replace(tzinfo=None))
            for one in records
        ]


def delete_runs(settings: Settings, found: Iterable[tuple[str, datetime]], cut: datetime) -> int:
    """Delete the runs that ended earlier, with their events and output; return their number."""
    due = [run_id for run_id, moment in found if moment < cut]
    with _history(settings) as instance:
        for run_id in due:
            instance.delete_run(run_id)
            shutil.rmtree(settings.dagster / "storage" / run_id, ignore_errors=True)
    return len(due)


@contextmanager
def _history(settings: Settings) -> Iterator[Any]:
    """Yield Dagster's instance; None where it never ran."""
    if not (settings.dagster / "dagster.yaml").exists():
        yield None
        return
    from dagster import DagsterInstance

    with DagsterInstance.from_config(str(settings.dagster)) as instance:
        yield instance
