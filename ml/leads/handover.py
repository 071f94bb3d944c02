"""From which probability on a lead pays the call: volume against precision, in money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml.evaluation import Numbers
from ml.leads.windows import Judged, pooled

# Sales of all windows below which no threshold is proven, as in insight.handover_curve.
SALES_REQUIRED = 50
# Shares of the leads that are handed over, the best first.
SHARES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
AFFORDABLE = "affordable"


def draw_handover(
    judged: Sequence[Judged], card: str, *, share: float = 1.0
) -> list[dict[str, Any]]:
    """Return one row per threshold on windows of one kind of lead, the fewest leads first.

    What a month is worth is the cost function of insight.handover_curve: (sales x value - calls
    without a sale x cost of a call - early ones x what that costs) / months. A lead counts as
    early that bought in as much time after its horizon. Exactly one affordable row is chosen, or
    none. `share` is which part of all leads the windows were drawn from.
    """
    probability = pooled(judged, card)
    frame = pd.concat([one.leads.frame for one in judged], ignore_index=True)
    costs = _costs(frame)
    sold, early = (
        frame[name].to_numpy(bool, na_value=False) for name in ("is_sale", "is_late_sale")
    )
    rows = [
        _row(threshold, probability >= threshold, sold, early, len(judged) * share, costs)
        for threshold in _thresholds(probability)
    ]
    affordable = [row for row in rows if row["verdict"] == AFFORDABLE]
    best = max(affordable, key=lambda row: (row["monthly_value"], row["threshold"]), default=None)
    return [{**row, "is_chosen": row is best} for row in rows]


def chosen_threshold(curve: Sequence[dict[str, Any]]) -> float | None:
    """Return the probability from which on leads are handed over; None when it never pays."""
    return next((row["threshold"] for row in curve if row["is_chosen"]), None)


def _thresholds(probability: Numbers) -> list[float]:
    quantiles = np.quantile(probability, [1 - share for share in SHARES], method="lower")
    return sorted({float(value) for value in quantiles}, reverse=True)


def _costs(frame: pd.DataFrame) -> dict[str, float]:
    """Return the lead rules; a sale without a stated value is worth its average margin."""
    names = ("sale_value", "contact_cost", "early_cost", "monthly_capacity")
    stated = {name: pd.to_numeric(frame[name], errors="coerce").iloc[-1] for name in names}
    margins = pd.to_numeric(frame["margin_amount"], errors="coerce").dropna()
    usual = {
        "sale_value": float(margins.mean()) if len(margins) else 0.0,
        "monthly_capacity": float("inf"),
    }
    return {
        name: float(value) if pd.notna(value) else usual.get(name, 0.0)
        for name, value in stated.items()
    }


def _row(
    threshold: float, is_handed: Any, sold: Any, early: Any, months: float, costs: dict[str, float]
) -> dict[str, Any]:
    count, sales = int(is_handed.sum()), int((is_handed & sold).sum())
    count_early = int((is_handed & early).sum())
    value = (
        sales * costs["sale_value"]
        - (count - sales) * costs["contact_cost"]
        - count_early * costs["early_cost"]
    ) / months
    return {
        "threshold": threshold,
        "monthly_leads": count / months,
        "precision_rate": sales / count,
        "recall_rate": sales / sold.sum() if sold.any() else None,
        "count_sales": sales,
        "count_early": count_early,
        "count_missed": int(sold.sum()) - sales,
        "monthly_value": value,
        "verdict": _verdict(int(sold.sum()), count / months, value, costs["monthly_capacity"]),
    }


def _verdict(all_sales: int, monthly_leads: float, value: float, capacity: float) -> str:
    if all_sales < SALES_REQUIRED:
        return "unproven"
    if monthly_leads > capacity:
        return "over capacity"
    return AFFORDABLE if value > 0 else "does not pay"
