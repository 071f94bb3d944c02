"""Collect what a run did, for the terminal and for summary.json."""

import json
from collections.abc import Mapping
from typing import Any

from orchestration.lookups import counts_of, rows_of, value_of
from orchestration.runs import RunResult
from orchestration.settings import Settings
from orchestration.summary_predictions import collect_predictions
from orchestration.warehouse import Connection, Warehouse

SYNC_COUNTS = (
    "desired", "added", "changed", "removed", "retried", "delivered", "rejected", "invalid",
    "unknown", "blocked_at_dispatch", "acknowledged", "requests",
)  # fmt: skip
STAGES = """
select stage, phase, count(*) from insight.lifecycle_stages group by 1, 2 order by 3 desc
"""
QUARANTINE = """
select source, table_name, reason, count(*) from core.quarantined_rows
group by 1, 2, 3 order by 4 desc
"""
EXCLUDED = "select reason, count(*) from core.excluded_identifiers group by 1 order by 2 desc"
DEVIATIONS = """
select segment, count_members, usual_count from insight.segment_deviations
where is_current and is_deviating order by 1
"""
CHANGED_HANDS = """
select event, count(*) from core.customer_merges
where occurred_at = (select max(as_of) from raw.clock) group by 1 order by 1
"""


def collect(settings: Settings, result: RunResult) -> dict[str, Any]:
    """Return everything the demo's last page shows; parts a failed run did not reach are empty."""
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        return {
            "is_success": result.is_success,
            "run_id": result.run_id,
            "as_of": str(value_of(connection, "select max(as_of) from raw.clock", default="")),
            "sources": _sources(connection),
            "quarantine": rows_of(
                connection, QUARANTINE, ("source", "table_name", "reason", "rows")
            ),
            "people": _people(connection),
            "excluded_identifiers": counts_of(connection, EXCLUDED),
            "customer_merges": counts_of(connection, CHANGED_HANDS),
            "stages": _stages(connection),
            "phases": rows_of(
                connection,
                "select phase, count(*) from insight.lifecycle_stages group by 1 order by 2 desc",
                ("phase", "customers"),
            ),
            "deviations": rows_of(connection, DEVIATIONS, ("segment", "members", "usual")),
            **collect_predictions(connection),
            "syncs": sync_rows(result),
            "failures": dict(result.failures),
        }


def write(settings: Settings, summary: Mapping[str, Any]) -> None:
    """Write summary.json in one step, so that a reader never sees half of it."""
    draft = settings.summary.with_suffix(".json.part")
    draft.write_text(json.dumps(summary, indent=2, default=str) + "\n")
    draft.replace(settings.summary)


def _sources(connection: Connection) -> list[dict[str, Any]]:
    """Count rows per source; a table without rows is not listed."""
    names = connection.execute(
        "select table_name from information_schema.tables "
        "where table_schema = 'raw' and table_name like '%\\_\\_%' escape '\\' order by 1"
    )
    sources: dict[str, dict[str, Any]] = {}
    for (name,) in names:
        source, table = name.split("__", 1)
        empty = {"source": source, "tables": [], "rows": 0, "quarantined": 0}
        entry = sources.setdefault(source, empty)
        rows = value_of(connection, f"select count(*) from raw.{name}", default=0)
        entry["rows"] += rows
        entry["tables"] += [table] if rows else []
    kept = "select source, count(*) from core.quarantined_rows group by 1"
    for row in rows_of(connection, kept, ("source", "rows")):
        if row["source"] in sources:
            sources[row["source"]]["quarantined"] = row["rows"]
    return sorted(sources.values(), key=lambda entry: -entry["rows"])


def _people(connection: Connection) -> dict[str, int]:
    found = rows_of(
        connection,
        "select count(*), coalesce(sum(count_source_records), 0), "
        "count(*) filter (where count_orders > 0) from core.customers",
        ("customers", "source_records", "buyers"),
    )
    people = {name: int(value) for name, value in (found[0] if found else {}).items()}
    people = people or {"customers": 0, "source_records": 0, "buyers": 0}
    return {**people, "merged_records": people["source_records"] - people["customers"]}


def _stages(connection: Connection) -> list[dict[str, Any]]:
    stages: dict[str, int] = {}
    for row in rows_of(connection, STAGES, ("stage", "phase", "customers")):
        stages[row["stage"]] = stages.get(row["stage"], 0) + row["customers"]
    ordered = sorted(stages.items(), key=lambda item: -item[1])
    return [{"stage": stage, "customers": customers} for stage, customers in ordered]


def sync_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return one row per sync of a run, those that were stopped with their reason."""
    done = [
        _sync_row(key.split("/", 1)[1], metadata)
        for key, metadata in result.assets.items()
        if key.startswith("activation/") and "acknowledged" in metadata
    ]
    retired = result.assets.get("activation/retired_syncs", {})
    done += [_sync_row(str(told["sync"]), told) for told in retired.get("syncs") or ()]
    stopped = [
        {"sync": step.removeprefix("activation__"), "status": "stopped", "reason": reason}
        for step, reason in result.failures.items()
        if step.startswith("activation__")
    ] + [
        {"sync": sync, "status": "not reached", "reason": reason}
        for sync, reason in (retired.get("unreached") or {}).items()
    ]
    return sorted(done + stopped, key=lambda row: str(row["sync"]))


def _sync_row(sync: str, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sync": sync,
        "status": "off" if told.get("is_switched_off") else "ok",
        **{name: int(told.get(name) or 0) for name in SYNC_COUNTS},
        "blocked_by_reason": told.get("blocked_by_reason") or {},
        "paused_because": told.get("paused_because"),
        "coverage": told.get("coverage"),
    }
