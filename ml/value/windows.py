"""The past window that value models are judged and scaled on, and how widely its margins spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.btyd.histories import Numbers, summarise
from ml.errors import LabelError
from ml.evaluation import Gate
from ml.names import coded
from ml.prediction import Input
from ml.sorting import order_of
from ml.times import naive_utc

# What known_purchases takes, as it lies in the warehouse.
PURCHASES = Input(
    "intermediate.int_purchase_margins_computed", ("customer_id", "occurred_at", "margin_amount")
)
HISTORY_DAYS = 180
SHORTEST_WINDOW = 90
COVERAGE = 0.8
CUSTOMERS_PER_STEP, MOST_STEPS = 100, 20


@dataclass(frozen=True)
class ValueWindow:
    """Customers known at a date, and their orders (days) and margin in the days after it."""

    as_of: pd.Timestamp
    days: int
    known: pd.DataFrame
    orders: Numbers
    margin: Numbers


@dataclass(frozen=True)
class Spread:
    """Between which margins most customers ended, by what was expected of them, lowest first.

    `growth` is how many times the window's margin all customers together are worth over the
    horizon. It is learnt, so that nobody's interval depends on who is scored beside them.
    """

    days: int
    expected: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    growth: float = 1.0

    def around(self, expected: Numbers, value: Numbers) -> tuple[Numbers, Numbers]:
        """Return the interval of each customer's value over a horizon.

        Takes the margin expected in as many days as the window had, which finds customers alike,
        and the value; `growth` stretches the interval from window to horizon.
        """
        # Beyond the highest step nobody was seen: its ends move on with the expectation.
        highest = self.expected[-1]
        beyond = np.maximum(expected / highest, 1.0) if highest > 0 else 1.0
        lower = np.interp(expected, self.expected, self.lower) * self.growth * beyond
        upper = np.interp(expected, self.expected, self.upper) * self.growth * beyond
        return np.minimum(lower, value), np.maximum(upper, value)

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Spread:
        """Return the spread that plain data describes."""
        expected, lower, upper = (tuple(content[name]) for name in ("expected", "lower", "upper"))
        return cls(content["days"], expected, lower, upper, content["growth"])


def known_purchases(purchases: pd.DataFrame, *, known_until: pd.Timestamp) -> pd.DataFrame:
    """Return the purchases before a moment with text keys, naive UTC times and float margins.

    Raises LabelError when a value is null.
    """
    for name in ("customer_id", "occurred_at", "margin_amount"):
        count = int(purchases[name].isna().sum())
        if count:
            raise LabelError(f"{name} is null in {count} purchases. Leave those out or fill it.")
    times, margins = naive_utc(purchases["occurred_at"]), purchases["margin_amount"]
    is_known = (times < known_until).to_numpy()
    names = purchases["customer_id"].astype("str")[is_known]
    moments = times.to_numpy()[is_known]
    amounts = margins.to_numpy(np.float64)[is_known]
    customer, _ = coded(names)
    # In one order, so that equal data gives equal sums to the last bit.
    order = order_of(customer, moments.astype(np.int64), amounts)
    return pd.DataFrame(
        {
            "customer_id": names.array.take(order),
            "occurred_at": moments[order],
            "margin_amount": amounts[order],
        }
    )


def window_days(history_days: int, *, horizon_days: int) -> int:
    """Return how long the window before now can be: the horizon, or what half a year leaves."""
    return min(horizon_days, history_days - HISTORY_DAYS)


def history_gate(history_days: int) -> Gate:
    """Return the gate that asks for half a year to learn from and a quarter to judge by."""
    minimum = HISTORY_DAYS + SHORTEST_WINDOW
    reason = f"{history_days} days since the first purchase; at least {minimum} are needed."
    return Gate("history_days_with_window", history_days, minimum, reason)


def newest_window(purchases: pd.DataFrame, *, until: pd.Timestamp, days: int) -> ValueWindow:
    """Return the window of so many days that ends at a moment; takes known purchases."""
    begins = until - pd.Timedelta(days=days)
    known = summarise(purchases, as_of=begins)
    times = purchases["occurred_at"]
    came = purchases[(times >= begins) & (times < until)]
    grouped = came.assign(day=came["occurred_at"].dt.normalize()).groupby("customer_id")
    orders = grouped["day"].nunique().reindex(known.index, fill_value=0)
    margin = grouped["margin_amount"].sum().reindex(known.index, fill_value=0.0)
    came_of = (np.asarray(values, dtype=np.float64) for values in (orders, margin))
    return ValueWindow(begins, days, known, *came_of)


def measure_spread(window: ValueWindow, expected: Numbers) -> Spread:
    """Return the middle 80 % of the margins that came, per step of about equal expectations."""
    steps = int(np.clip(len(expected) // CUSTOMERS_PER_STEP, 1, MOST_STEPS))
    tail = (1 - COVERAGE) / 2
    rows = np.array_split(np.argsort(expected, kind="stable"), steps)
    centres = [float(expected[step].mean()) for step in rows]
    lower, upper = (
        tuple(float(np.quantile(window.margin[step], share)) for step in rows)
        for share in (tail, 1 - tail)
    )
    return Spread(window.days, tuple(centres), lower, upper)
