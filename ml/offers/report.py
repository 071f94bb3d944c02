"""What is told of a training of offers: recall by kind, calibration by list, and a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ml import evaluation
from ml.evaluation import Numbers, Outcomes
from ml.markdown import table
from ml.offers.baskets import Baskets
from ml.offers.ease import MOST_ITEMS
from ml.offers.lists import POPULARITY, RECENT_DAYS
from ml.offers.recall import Recalls
from ml.promotion import Choice

LIMITS = (
    "It says what customers buy by themselves, not whom an offer moves; only an experiment does.",
    "A product that nobody has bought yet is on no list.",
    f"Only the {MOST_ITEMS:,} products with the most buyers are offered as new.",
    "What was sent back since is absent from past purchases, too.",
    "The level is that of the newest window: another season may be above or below it.",
    "How well a product fits is learnt from purchases alone; it is told as the probability that "
    "who buys anything buys it, and is counted once.",
)
Told = Mapping[str, tuple[Outcomes, Numbers]]


def describe(
    choice: Choice, recalls: Mapping[str, Recalls], told: Told, then: Baskets, now: Baskets
) -> dict[str, Any]:
    """Return the report as plain JSON data.

    `told` has by list what was bought of the offers of the newest window, and the probabilities
    that the window before it taught; `then` are the baskets when it began.
    """
    return {
        **asdict(choice),
        "measure": "new_item_recall",
        "baseline": POPULARITY,
        "metrics": {kind: _measures(found) for kind, found in recalls.items()},
        "window": {"as_of": then.as_of.isoformat(), "customers": len(then.customers)},
        "odds": {
            name: asdict(evaluation.measure(actual, probability))
            for name, (actual, probability) in told.items()
        },
        "calibration": {
            name: evaluation.calibration_table(actual, probability)
            for name, (actual, probability) in told.items()
        },
        "count_items": len(now.items),
        "count_customers": len(now.customers),
    }


def card(report: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: window, recall, calibration, limits."""
    window = report["window"]
    measures = [{"kind": kind, **values} for kind, values in report["metrics"].items()]
    odds = [{"list": name, **values} for name, values in report["odds"].items()]
    columns = ("count", "mean_probability", "actual_rate")
    sections = [
        f"# {report['model_name']} · {report['champion']} of {report['as_of'][:10]}",
        f"Products that customers buy within {report['horizon_days']} days: new to them, and "
        f"again. Status of this training: {report['status']}. {report['reason']}",
        f"## Data\n\n{report['count_customers']:,} customers and {report['count_items']:,} "
        f"products. Judged on the {report['horizon_days']} days from {window['as_of'][:10]}, when "
        f"{window['customers']:,} customers were known.",
        "## Recall at ten, mean of the customers who bought\n\n"
        + table(measures, tuple(measures[0]))
        + f"\n\nPopularity is that of {RECENT_DAYS} days. The list of all has own purchases first.",
        "## Probability of the offers, by list\n\n"
        + table(odds, ("list", *columns[:2], "base_rate", "calibration_ratio", "log_loss", "auc")),
        *(
            f"## Calibration by tenth: {name}\n\n" + table(rows, columns)
            for name, rows in report["calibration"].items()
        ),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"


def _measures(recalls: Recalls) -> dict[str, float | int | None]:
    return {
        "new_item_recall": _mean(recalls.new),
        "all_item_recall": _mean(recalls.all),
        "count_customers": len(recalls.all),
        "count_with_new_items": len(recalls.new),
    }


def _mean(values: Numbers) -> float | None:
    return float(values.mean()) if len(values) else None
