"""Collect what a run did, for the terminal and for summary.json."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.predicting import read_training
from orchestration.runs import RunResult
from orchestration.settings import Settings
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
VALUES = """
select
    count(*), coalesce(sum(expected_orders), 0), coalesce(sum(expected_value), 0)::double,
    coalesce(sum(expected_value) filter (where expected_value_tier = 'high')
        / nullif(sum(expected_value), 0), 0)::double
from insight.customer_values
"""
SECOND_PURCHASES = """
select count(*), coalesce(sum(probability), 0)::double, avg(value_per_point)::double
from insight.second_purchase_odds
"""
OFFERS = """
select
    count(distinct customer_id), count(*),
    coalesce(avg(priority_amount) filter (where offer_rank = 1), 0)::double,
    coalesce(avg((offer_list = 'again')::int) filter (where offer_rank = 1), 0)::double
from decisions.next_best_offers
"""
EFFECTS = """
select response_type, count(*), count(*) filter (where is_worth_contacting)
from decisions.contact_effects group by 1 order by 2 desc
"""
CONTACT_TIMES = """
select
    count(*), count(*) filter (where hour_source = 'personal'),
    count(*) filter (where channel_source = 'personal'), min(shop_hour), min(shop_channel)
from decisions.contact_times
"""
GROUPS = """
select group_name, count(*) from ml.segments where group_name <> 'all' group by 1 order by 1
"""
LEADS = """
select lead_kind, count(*), count(*) filter (where is_sales_ready), sum(probability)::double
from insight.lead_odds group by 1 order by 2 desc
"""
VISITS = "select count(distinct session_id) from insight.next_actions"
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
            "as_of": str(_one(connection, "select max(as_of) from raw.clock", default="")),
            "sources": _sources(connection),
            "quarantine": _rows(connection, QUARANTINE, ("source", "table_name", "reason", "rows")),
            "people": _people(connection),
            "excluded_identifiers": _counts(connection, EXCLUDED),
            "customer_merges": _counts(connection, CHANGED_HANDS),
            "stages": _stages(connection),
            "phases": _rows(
                connection,
                "select phase, count(*) from insight.lifecycle_stages group by 1 order by 2 desc",
                ("phase", "customers"),
            ),
            "deviations": _rows(connection, DEVIATIONS, ("segment", "members", "usual")),
            "model": _model(connection),
            "value": _value(connection),
            "second_purchase": _second_purchase(connection),
            "offers": _offers(connection),
            "uplift": _uplift(connection),
            "timing": _timing(connection),
            "groups": _groups(connection),
            "leads": _leads(connection),
            "visits": _visits(connection),
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
        rows = _one(connection, f"select count(*) from raw.{name}", default=0)
        entry["rows"] += rows
        entry["tables"] += [table] if rows else []
    kept = "select source, count(*) from core.quarantined_rows group by 1"
    for row in _rows(connection, kept, ("source", "rows")):
        if row["source"] in sources:
            sources[row["source"]]["quarantined"] = row["rows"]
    return sorted(sources.values(), key=lambda entry: -entry["rows"])


def _people(connection: Connection) -> dict[str, int]:
    found = _rows(
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
    for row in _rows(connection, STAGES, ("stage", "phase", "customers")):
        stages[row["stage"]] = stages.get(row["stage"], 0) + row["customers"]
    ordered = sorted(stages.items(), key=lambda item: -item[1])
    return [{"stage": stage, "customers": customers} for stage, customers in ordered]


def _model(connection: Connection) -> dict[str, Any]:
    row = read_training(connection, "next_order")
    if not row:
        return {"status": "missing", "reasons": [], "measures": []}
    report = json.loads(row["report"])
    measures = [
        {"model": kind, **{name: values[name] for name in ("auc", "brier", "log_loss")}}
        for kind, values in report.get("metrics", {}).items()
    ]
    return {
        "status": row["status"],
        "reasons": [reason for reason in json.loads(row["reasons"]) if reason],
        "champion": report.get("champion"),
        "version": row["model_version"],
        "measures": measures,
    }


def _value(connection: Connection) -> dict[str, Any]:
    names = ("customers", "orders", "value", "share_of_best_fifth")
    found = _rows(connection, VALUES, names)
    training = read_training(connection, "orders_and_value")
    report = json.loads(training.get("report") or "{}")
    champion = report.get("champion")
    return {
        **(found[0] if found else dict.fromkeys(names, 0)),
        "reasons": json.loads(training.get("reasons") or '["no model was trained"]'),
        "champion": champion,
        "gini": report["metrics"][champion]["gini"] if champion else None,
    }


def _second_purchase(connection: Connection) -> dict[str, Any]:
    names = ("customers", "expected", "value_per_point")
    found = _rows(connection, SECOND_PURCHASES, names)
    training = read_training(connection, "second_purchase")
    report = json.loads(training.get("report") or "{}")
    return {
        **(found[0] if found else {**dict.fromkeys(names, 0), "value_per_point": None}),
        "reasons": json.loads(training.get("reasons") or '["no model was trained"]'),
        "champion": report.get("champion"),
        "shares": report.get("curve", {}).get("shares", []),
    }


def _offers(connection: Connection) -> dict[str, Any]:
    names = ("customers", "offers", "mean_priority", "share_again")
    found = _rows(connection, OFFERS, names)
    training = read_training(connection, "next_offer")
    report = json.loads(training.get("report") or "{}")
    recalls = {
        kind: measures["new_item_recall"] for kind, measures in report.get("metrics", {}).items()
    }
    return {
        **(found[0] if found else dict.fromkeys(names, 0)),
        "reasons": json.loads(training.get("reasons") or '["no model was trained"]'),
        "champion": report.get("champion"),
        "recall": recalls.get(report.get("champion")),
        "recall_of_baseline": recalls.get(report.get("baseline")),
    }


def _uplift(connection: Connection) -> dict[str, Any]:
    training = read_training(connection, "uplift")
    report = json.loads(training.get("report") or "{}")
    rows = _rows(connection, EFFECTS, ("type", "customers", "worth_contacting"))
    return {
        "customers": {row["type"]: row["customers"] for row in rows},
        "worth_contacting": sum(row["worth_contacting"] for row in rows),
        "reasons": json.loads(training.get("reasons") or '["no model was trained"]'),
        "champion": report.get("champion"),
        "average": report.get("average_uplift", {}).get("mean"),
    }


def _timing(connection: Connection) -> dict[str, Any]:
    names = ("customers", "own_hour", "own_channel", "hour", "channel")
    found = _rows(connection, CONTACT_TIMES, names)
    training = read_training(connection, "channel_and_time")
    return {
        **(found[0] if found else dict.fromkeys(names, 0)),
        "reasons": json.loads(training.get("reasons") or '["no model was trained"]'),
    }


def _groups(connection: Connection) -> dict[str, Any]:
    training = read_training(connection, "segments")
    return {
        "customers": _counts(connection, GROUPS),
        "reasons": json.loads(training.get("reasons") or '["no model was trained"]'),
    }


def _leads(connection: Connection) -> dict[str, Any]:
    training = read_training(connection, "lead_score")
    report = json.loads(training.get("report") or "{}")
    kinds = _rows(connection, LEADS, ("lead_kind", "leads", "sales_ready", "expected_sales"))
    return {
        "kinds": kinds,
        "customers": sum(row["leads"] for row in kinds),
        "kinds_left_out": report.get("kinds_left_out", []),
        "reasons": json.loads(training.get("reasons") or '["no model was trained"]'),
        "champion": report.get("champion"),
    }


def _visits(connection: Connection) -> dict[str, Any]:
    training = read_training(connection, "next_action")
    report = json.loads(training.get("report") or "{}")
    hits = {kind: values["top3_accuracy"] for kind, values in report.get("metrics", {}).items()}
    return {
        "open": _one(connection, VISITS, default=0),
        "reasons": json.loads(training.get("reasons") or '["no model was trained"]'),
        "champion": report.get("champion"),
        "hits": hits.get(report.get("champion")),
        "hits_of_baseline": hits.get(report.get("baseline")),
    }


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


def _rows(connection: Connection, sql: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows as dictionaries; none when the run did not get as far as this table."""
    import duckdb

    try:
        found = connection.execute(sql)
    except duckdb.CatalogException:
        return []
    return [dict(zip(names, row, strict=True)) for row in found]


def _counts(connection: Connection, sql: str) -> dict[str, int]:
    return {row["name"]: int(row["count"]) for row in _rows(connection, sql, ("name", "count"))}


def _one(connection: Connection, sql: str, default: Any) -> Any:
    found = _rows(connection, sql, ("value",))
    return found[0]["value"] if found and found[0]["value"] is not None else default
