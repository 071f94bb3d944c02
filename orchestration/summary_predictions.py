"""Collect what is predicted, for the last page of a run and for summary.json."""

import json
from typing import Any

from orchestration.lookups import counts_of, rows_of, value_of
from orchestration.predicting import read_training
from orchestration.warehouse import Connection

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


def collect_predictions(connection: Connection) -> dict[str, Any]:
    """Return a part per prediction; one that was not trained says why."""
    return {
        "model": _model(connection),
        "value": _value(connection),
        "second_purchase": _second_purchase(connection),
        "offers": _offers(connection),
        "uplift": _uplift(connection),
        "timing": _timing(connection),
        "groups": _groups(connection),
        "leads": _leads(connection),
        "visits": _visits(connection),
    }


def _trained(connection: Connection, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the report of the newest training, and its reasons and champion."""
    training = read_training(connection, name)
    report = json.loads(training.get("report") or "{}")
    reasons = json.loads(training.get("reasons") or '["no model was trained"]')
    return report, {"reasons": reasons, "champion": report.get("champion")}


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
    found = rows_of(connection, VALUES, names)
    report, told = _trained(connection, "orders_and_value")
    champion = told["champion"]
    return {
        **(found[0] if found else dict.fromkeys(names, 0)),
        **told,
        "gini": report["metrics"][champion]["gini"] if champion else None,
    }


def _second_purchase(connection: Connection) -> dict[str, Any]:
    names = ("customers", "expected", "value_per_point")
    found = rows_of(connection, SECOND_PURCHASES, names)
    report, told = _trained(connection, "second_purchase")
    return {
        **(found[0] if found else {**dict.fromkeys(names, 0), "value_per_point": None}),
        **told,
        "shares": report.get("curve", {}).get("shares", []),
    }


def _offers(connection: Connection) -> dict[str, Any]:
    names = ("customers", "offers", "mean_priority", "share_again")
    found = rows_of(connection, OFFERS, names)
    report, told = _trained(connection, "next_offer")
    recalls = {
        kind: measures["new_item_recall"] for kind, measures in report.get("metrics", {}).items()
    }
    return {
        **(found[0] if found else dict.fromkeys(names, 0)),
        **told,
        "recall": recalls.get(told["champion"]),
        "recall_of_baseline": recalls.get(report.get("baseline")),
    }


def _uplift(connection: Connection) -> dict[str, Any]:
    report, told = _trained(connection, "uplift")
    rows = rows_of(connection, EFFECTS, ("type", "customers", "worth_contacting"))
    return {
        "customers": {row["type"]: row["customers"] for row in rows},
        "worth_contacting": sum(row["worth_contacting"] for row in rows),
        **told,
        "average": report.get("average_uplift", {}).get("mean"),
    }


def _timing(connection: Connection) -> dict[str, Any]:
    names = ("customers", "own_hour", "own_channel", "hour", "channel")
    found = rows_of(connection, CONTACT_TIMES, names)
    _, told = _trained(connection, "channel_and_time")
    return {
        **(found[0] if found else dict.fromkeys(names, 0)),
        **told,
    }


def _groups(connection: Connection) -> dict[str, Any]:
    _, told = _trained(connection, "segments")
    return {
        "customers": counts_of(connection, GROUPS),
        **told,
    }


def _leads(connection: Connection) -> dict[str, Any]:
    report, told = _trained(connection, "lead_score")
    kinds = rows_of(connection, LEADS, ("lead_kind", "leads", "sales_ready", "expected_sales"))
    return {
        "kinds": kinds,
        "customers": sum(row["leads"] for row in kinds),
        "kinds_left_out": report.get("kinds_left_out", []),
        **told,
    }


def _visits(connection: Connection) -> dict[str, Any]:
    report, told = _trained(connection, "next_action")
    hits = {kind: values["top3_accuracy"] for kind, values in report.get("metrics", {}).items()}
    return {
        "open": value_of(connection, VISITS, default=0),
        **told,
        "hits": hits.get(told["champion"]),
        "hits_of_baseline": hits.get(report.get("baseline")),
    }
