"""What lead_score measured, as a model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.leads.cards import CARDS
from ml.leads.windows import FROZEN_CARD, MEASURES
from ml.markdown import table

LIMITS = (
    "Points are evidence, not causes: an account is opened because somebody buys. What a call "
    "changes only an experiment tells.",
    "An act counts from the day its news arrived; whether somebody buys for a company is told as "
    "it is known today.",
    "Thresholds are chosen on the windows they are shown for; the same volume may be worth less "
    "next month.",
    "Months of one person are not independent; only the choice between the cards is made on one "
    "month.",
)
CURVE = (
    *("threshold", "monthly_leads", "precision_rate", "recall_rate", "count_sales"),
    *("count_early", "count_missed", "monthly_value", "verdict", "is_chosen"),
)
POINTS = ("fact", "learnt_points", "hand_set_points", "half_life_days", "count_leads")


def card(report: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: measures, retraining over time, points, hand-over."""
    columns = ("count", "count_positives", "auc", "log_loss", "brier", "calibration_ratio")
    measures = [{"card": name, **values} for name, values in report["metrics"].items()]
    sections = [
        f"# {report['model_name']} · {report['champion']} of {report['as_of'][:10]}",
        f"Whether a lead buys in the days of its rules. Status of this training: "
        f"{report['status']}. {report['reason']}",
        f"## Measures on the newest closed window, {report['test_as_of']}\n\n"
        + table(measures, ("card", *columns)),
        "## Calibration of the published card, by tenth\n\n"
        + table(report["calibration"], ("count", "mean_probability", "actual_rate")),
        "## Over time: each card learnt from what had closed before the window\n\n"
        + _rolling(report["rolling"]),
        *(_points(kind, rows) for kind, rows in report["cards"].items()),
        *(
            f"## Hand-over of {kind}s by {name}\n\n" + table(curves[name], CURVE)
            for kind, curves in report["handover"].items()
            for name in CARDS
        ),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"


def _rolling(rows: list[dict[str, Any]]) -> str:
    """Return the table of windows: all measures of both cards, the log loss without retraining."""
    told = [f"{name}/{measure}" for name in CARDS for measure in MEASURES]
    told.append(f"{FROZEN_CARD}/{MEASURES[0]}")
    return table(rows, ("lead_kind", "snapshot_on", "count_leads", "count_sales", *told))


def _points(kind: str, rows: list[dict[str, Any]]) -> str:
    """Return both cards of a kind side by side."""
    return (
        f"## Points of {kind}s\n\n20 points double the odds. Of an act: what one of today adds; it "
        "halves with every half-life, and further acts add less. Hand-set points are on the "
        "scale of their version.\n\n" + table(rows, POINTS)
    )
