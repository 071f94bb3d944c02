"""What is told of a training of values: measures by kind, the choice, warnings, and a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from ml import judging
from ml.btyd.dropout import BG_NBD, MBG_NBD
from ml.btyd.histories import Numbers
from ml.evaluation import Interval
from ml.judging import Measures
from ml.markdown import table
from ml.promotion import EVIDENCE, NO_EVIDENCE, Choice, saved
from ml.value.model import SHOP_MEAN, ValueModel
from ml.value.trial import Tried
from ml.value.windows import ValueWindow

DEPENDENCE_LIMIT = 0.3
TENTHS = 10
LIMITS = (
    "The value is the margin of a year, discounted by 10 % a year; it is no margin where the "
    "catalogue knows no cost, but revenue.",
    "Returns of the last purchases are still to come; those of the past are in the margins.",
    "The level is that of the newest window. The interval tells where 80 % of customers of equal "
    "expectation ended in it; a window shorter than the horizon makes it wider than it need be.",
    "It says what a customer will be worth when treated as customers were, not whom to treat.",
)
DEPENDENT = (
    "Who orders more often spends {direction} per order (correlation {correlation:.2f}): orders "
    "and margin per order are not independent, as the values take them to be."
)


def choose(judged: Mapping[str, ValueModel], window: ValueWindow, *, seed: int) -> Choice:
    """Choose what is published by the orders that came in the window, all kinds on its level.

    MBG/NBD unless the Poisson deviance of BG/NBD is lower with 95 % confidence; the shop's mean
    unless the chosen one's is lower than that with 95 % confidence.
    """
    orders = {kind: _orders(model, window) for kind, model in judged.items()}

    def compare(candidate: str, reference: str) -> Interval:
        return judging.deviance_difference(
            window.orders, orders[candidate], orders[reference], seed=seed
        )

    is_plain_better = compare(BG_NBD, MBG_NBD).upper < 0
    best, second = (BG_NBD, MBG_NBD) if is_plain_better else (MBG_NBD, BG_NBD)
    gain = compare(best, SHOP_MEAN)
    told = f"{gain.mean:+.4f} (95 % interval {gain.lower:+.4f} to {gain.upper:+.4f})."
    gains = [saved(kind, compare(kind, SHOP_MEAN), "deviance saved") for kind in (MBG_NBD, BG_NBD)]
    if gain.upper < 0:
        reason = f"Deviance of orders against the shop's mean for everybody: {told}"
        return Choice(EVIDENCE, best, second, reason, gains)
    reason = (
        f"No model of rhythm is better than the shop's mean for everybody: {told} That is used."
    )
    return Choice(NO_EVIDENCE, SHOP_MEAN, best, reason, gains)


def describe(
    choice: Choice,
    judged: Mapping[str, ValueModel],
    tried: Tried,
    published: ValueModel,
    window: ValueWindow,
    known: pd.DataFrame,
) -> dict[str, Any]:
    """Return the report as plain JSON data; measures are those of the window.

    The kinds are measured on one scale each; the tenths are those of what is published.
    """
    metrics = {kind: asdict(_measures(model, window)) for kind, model in judged.items()}
    return {
        **asdict(choice),
        "measure": "deviance",
        "baseline": SHOP_MEAN,
        "metrics": metrics,
        "window": {
            "as_of": window.as_of.isoformat(), "days": window.days, "count": len(window.known),
            "orders": float(window.orders.sum()), "margin": float(window.margin.sum()),
        },
        "scale": asdict(published.scale),
        "curves": tried.told,
        "tenths": _tenths(tried.margin, window.margin),
        "warnings": _warnings(published, known),
    }  # fmt: skip


def card(report: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: level, measures, tenths, warnings, limits."""
    window, scale = report["window"], report["scale"]
    measures = [{"kind": kind, **values} for kind, values in report["metrics"].items()]
    columns = ("kind", "deviance", "gini", "mean_absolute_error", "level_orders", "level_margin")
    sections = [
        f"# {report['model_name']} · {report['champion']} of {report['as_of'][:10]}",
        f"Orders and margin of {report['horizon_days']} days. "
        f"Status of this training: {report['status']}. {report['reason']}",
        "## The window it was judged on\n\n"
        f"{window['count']:,} customers known on {window['as_of'][:10]}: "
        f"{window['orders']:,.0f} orders in the {window['days']} days after it. To meet them, "
        f"expected orders are multiplied by {scale['orders']:.3f} and the margin of an order by "
        f"{scale['margin']:.3f}. {report['curves']}",
        "## Measures on that window, every kind on its level\n\n" + table(measures, columns),
        "## Margin of the window, by tenth of what was expected\n\n"
        + table(report["tenths"], ("count", "mean_expected", "mean_actual")),
        "## Warnings\n\n" + ("\n".join(f"- {line}" for line in report["warnings"]) or "None."),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"


def _orders(model: ValueModel, window: ValueWindow) -> Numbers:
    return model.expect_orders(window.known, days=window.days)


def _measures(model: ValueModel, window: ValueWindow) -> Measures:
    return judging.measure(
        window.orders,
        _orders(model, window),
        window.margin,
        model.expect_margin(window.known, days=window.days),
    )


def _tenths(expected: Numbers, actual: Numbers) -> list[dict[str, float]]:
    """Return count, mean expected and mean actual margin per tenth of the customers."""
    order = np.argsort(expected, kind="stable")
    return [
        {
            "count": len(rows),
            "mean_expected": float(expected[rows].mean()),
            "mean_actual": float(actual[rows].mean()),
        }
        for rows in np.array_split(order, TENTHS)
        if len(rows)
    ]


def _warnings(model: ValueModel, known: pd.DataFrame) -> list[str]:
    """Return what a reader of the values should know."""
    left = model.dropout.warnings if model.dropout else ()
    told = [*left, *model.spending.warnings]
    several = known[known["repeats"] > 0]
    if len(several) > 2 and several[["repeats", "mean_margin"]].std().min() > 0:
        correlation = float(several["repeats"].corr(several["mean_margin"]))
        if abs(correlation) > DEPENDENCE_LIMIT:
            direction = "more" if correlation > 0 else "less"
            told.append(DEPENDENT.format(direction=direction, correlation=correlation))
    return told
