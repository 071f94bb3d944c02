"""What is told of a training of second purchases: its model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.markdown import table

LIMITS = (
    "It says who comes back by themselves, as customers did; not whom a nudge would move. Only an "
    "experiment tells that.",
    "Days are calendar days; several purchases of one day are one.",
    "The value is the margin of the year that a second purchase begins, that purchase included, by "
    "the margin of the first; returns still to come are not in it.",
    "The expected day is when half of those are back who come back within a year.",
)


def card(report: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: curve, window, measures, calibration, value, limits."""
    window, curve, value = report["window"], report["curve"], report["value"]
    measures = [{"kind": kind, **values} for kind, values in report["metrics"].items()]
    columns = ("kind", "log_loss", "brier", "auc", "expected_calibration_error")
    worth = ", ".join(f"{amount:,.2f}" for amount in value["values"]) or "nothing yet"
    sections = [
        f"# {report['model_name']} · {report['champion']} of {report['as_of'][:10]}",
        f"Probability of a second purchase within {report['horizon_days']} days. "
        f"Status of this training: {report['status']}. {report['reason']}",
        f"## The shop's curve\n\n{curve['count']:,} first-time buyers, told until day "
        f"{curve['end']}.\n\n" + table(curve["shares"], ("days", "share")),
        "## Measures on the newest window\n\n"
        f"{window['count'] - window['count_new']:,} customers who had bought once on "
        f"{window['as_of'][:10]}, {window['count_new']:,} who did so first in the "
        f"{window['days']} days after it, and as many days after that.\n\n"
        + table(measures, columns),
        "## Calibration\n\n"
        + table(report["calibration"], ("count", "mean_probability", "actual_rate")),
        f"## What a second purchase is worth\n\n{value['count']:,} customers have a complete year "
        f"behind them. By fifth of the first purchase's margin: {worth}.",
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"
