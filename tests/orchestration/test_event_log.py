"""The event log that keeps its files open is Dagster's own to everybody else."""

import logging
from types import SimpleNamespace

import pytest
from dagster import AssetKey, DagsterEvent, DagsterEventType, EventLogEntry, EventRecordsFilter
from dagster._check import CheckError
from dagster._core.events import AssetMaterializationPlannedData
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.event_log import MOST_OPEN_FILES, PooledSqliteEventLogStorage


def entry(run_id, number):
    """Return one event of a run."""
    return EventLogEntry(
        error_info=None,
        level=logging.INFO,
        user_message=f"event {number}",
        run_id=run_id,
        timestamp=float(number),
    )


def messages(storage, run_id):
    """Return what a storage knows of a run."""
    return [event.user_message for event in storage.get_logs_for_run(run_id)]


def test_dagsters_own_storage_reads_what_was_written(tmp_path):
    """More runs than files may stay open are written in turns; nothing of any is lost."""
    runs = [f"run-{number}" for number in range(MOST_OPEN_FILES + 3)]
    ours = PooledSqliteEventLogStorage(str(tmp_path))
    for number in range(3):
        for run_id in runs:
            ours.store_event(entry(run_id, number))

    written = {run_id: messages(ours, run_id) for run_id in runs}
    ours.dispose()

    wanted = ["event 0", "event 1", "event 2"]
    theirs = SqliteEventLogStorage(str(tmp_path))
    assert written == dict.fromkeys(runs, wanted)
    assert {run_id: messages(theirs, run_id) for run_id in runs} == dict.fromkeys(runs, wanted)


def planned(run_id, name):
    """Return the event by which a run says that it is going to make an asset."""
    data = AssetMaterializationPlannedData(AssetKey(name))
    event = DagsterEvent.build_asset_materialization_planned_event("daily", name, data)
    return EventLogEntry(
        error_info=None, level=logging.DEBUG, user_message=name, run_id=run_id, timestamp=1.0,
        job_name="daily", dagster_event=event,
    )  # fmt: skip


def test_a_batch_is_all_written_and_found_as_single_events_are(tmp_path):
    """By run and by asset, also when an asset is in it twice or was written before."""
    storages = [PooledSqliteEventLogStorage(str(tmp_path / name)) for name in ("one", "many")]
    events = [planned("run", name) for name in ("a", "b", "a")] + [entry("run", 4)]
    for storage in storages:
        storage.store_event(planned("earlier", "a"))
    for event in events:
        storages[0].store_event(event)
    storages[1].store_event_batch(events)
    storages[1].store_event(planned("later", "c"))
    storages[0].store_event(planned("later", "c"))

    seen = [
        (messages(one, "run"), sorted(map(str, one.all_asset_keys())), asked_by(one))
        for one in map(SqliteEventLogStorage, map(str, (tmp_path / "one", tmp_path / "many")))
    ]
    assert seen[0] == seen[1]
    assert seen[1][0] == ["a", "b", "a", "event 4"]
    assert seen[1][2] == ["a", "a", "a", "b", "c"]


def asked_by(storage):
    """Return the assets of all runs that were going to be made, as the index has them."""
    chosen = EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    return sorted(one.event_log_entry.user_message for one in storage.get_event_records(chosen))


def test_a_batch_that_fails_leaves_nothing_and_the_storage_usable(tmp_path):
    """Dagster then writes event by event, which must not find half of them there."""
    storage = PooledSqliteEventLogStorage(str(tmp_path))
    with pytest.raises(CheckError):
        storage.store_event_batch([planned("run", "a"), SimpleNamespace(run_id="run")])

    storage.store_event(planned("run", "b"))

    assert messages(storage, "run") == ["b"]
    assert asked_by(storage) == ["b"]
