"""Run the daily job, or a part of it, in this process: the very job that the schedule runs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from orchestration.settings import Settings

# Keep Dagster's own console quiet: the terminal shows steps, the log file everything.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RunResult:
    """How a run ended: metadata of every asset it made, by key, and what went wrong, by step."""

    is_success: bool
    run_id: str
    assets: Mapping[str, Mapping[str, Any]] = field(repr=False)
    failures: Mapping[str, str]


def prepare_instance(settings: Settings) -> None:
    """Make the folder of Dagster's own state, with one slot for whoever writes the warehouse."""
    settings.create_folders()
    os.environ["DAGSTER_HOME"] = str(settings.dagster)
    # What a run is going to make is written down as one batch; it is some hundred events.
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
    log = settings.logs / "dagster.log"
    configuration = {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "event_log_storage": {
            "module": "orchestration.event_log",
            "class": "PooledSqliteEventLogStorage",
            "config": {"base_dir": str(settings.dagster / "history" / "runs")},
        },
        "concurrency": {"runs": {"max_concurrent_runs": 4}, "pools": {"granularity": "run"}},
        "run_monitoring": {
            "enabled": True,
            "max_runtime_seconds": 7200,
            "free_slots_after_run_end_seconds": 60,
        },
        "python_logs": {
            "dagster_handler_config": {
                "handlers": {
                    "file": {
                        "class": "logging.handlers.RotatingFileHandler",
                        "level": "INFO",
                        "filename": str(log),
                        "maxBytes": 10_000_000,
                        "backupCount": 3,
                    }
                }
            }
        },
    }
    path = settings.dagster / "dagster.yaml"
    text = yaml.safe_dump(configuration, sort_keys=False)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def run_daily(
    settings: Settings,
    assets: Sequence[str] = (),
    configuration: Mapping[str, Any] | None = None,
) -> RunResult:
    """Run the job `daily` in this process, or only the named assets (e.g. activation/x) of it."""
    prepare_instance(settings)
    import dagster as dg

    from orchestration.definitions import defs

    with dg.DagsterInstance.get() as instance:
        instance.event_log_storage.set_concurrency_slots("duckdb_writer", 1)
        job = defs().resolve_job_def("daily")
        selection = [dg.AssetKey(name.split("/")) for name in assets] or None
        result = job.execute_in_process(
            instance=instance,
            asset_selection=selection,
            raise_on_error=False,
            run_config={**QUIET, **(configuration or {})},
        )
    return _read(result)


def _read(result: Any) -> RunResult:
    assets = {
        event.asset_key.to_user_string(): {
            name: getattr(value, "value", getattr(value, "data", None))
            for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
    }
    failures = {
        str(event.step_key): _reason(event.step_failure_data)
        for event in result.all_events
        if event.is_step_failure
    }
    return RunResult(result.success, result.run_id, assets, failures)


def _reason(failure: Any) -> str:
    """Return the sentence a person should read: the innermost message without its class."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error.cause is not None:
        error = error.cause
    text = str(error.message).strip()
    head, _, tail = text.partition(": ")
    return tail if tail and " " not in head else text
