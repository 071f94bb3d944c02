"""The event log that keeps its files open is Dagster's own to everybody else."""

import logging

from dagster import EventLogEntry
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
