"""Expected orders and margin of every customer over a horizon, from rhythm, spending and scale."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ml.btyd import dropout, spending
from ml.btyd.dropout import BG_NBD, MBG_NBD, Dropout
from ml.btyd.forecasts import alive_probability, expected_orders
from ml.btyd.histories import Histories, Numbers, group
from ml.btyd.spending import Spending
from ml.value.calibration import UNCALIBRATED, Calibration

SHOP_MEAN = "shop_mean"
KINDS = (SHOP_MEAN, BG_NBD, MBG_NBD)
MONTHS = 12
# A season may move the level; beyond these a factor would rather be a mistake in the data.
LEAST_SCALE, GREATEST_SCALE = 0.5, 2.0


@dataclass(frozen=True)
class Expectation:
    """What is expected of each customer over a horizon; `value` is the margin, discounted."""

    orders: Numbers
    margin_per_order: Numbers
    value: Numbers


@dataclass(frozen=True)
class Scale:
    """What a past window taught: orders that came / expected, margin of an order / expected."""

    orders: float = 1.0
    margin: float = 1.0


@dataclass(frozen=True)
class ValueModel:
    """All that was learnt of a shop; without a dropout model everybody orders as often as the mean.

    `daily_orders` is that mean per customer, `yearly_discount` what a year takes off an amount,
    `calibration` what bends expected orders before the scale.
    """

    dropout: Dropout | None
    spending: Spending
    scale: Scale
    daily_orders: float
    yearly_discount: float
    calibration: Calibration = UNCALIBRATED

    def expect(self, known: pd.DataFrame, *, days: int) -> Expectation:
        """Return what is expected of customers (rows of histories.summarise) in the next days."""
        histories = histories_of(known)
        ends = days * np.arange(1, MONTHS + 1) / MONTHS
        until = np.array([self._orders(histories, float(end)) for end in ends])
        until *= self._factor(histories, until[-1], days) * self.scale.orders
        within = np.diff(until, axis=0, prepend=np.zeros((1, len(known))))
        years = (ends - days / MONTHS / 2) / 365
        per_order = self.margin_per_order(known)
        discounted: Numbers = (1 + self.yearly_discount) ** -years @ within
        return Expectation(until[-1], per_order, discounted * per_order)

    def expect_orders(self, known: pd.DataFrame, *, days: int) -> Numbers:
        """Return the expected orders alone."""
        histories = histories_of(known)
        orders = self._orders(histories, float(days))
        return orders * self._factor(histories, orders, days) * self.scale.orders

    def expect_margin(self, known: pd.DataFrame, *, days: int) -> Numbers:
        """Return the expected margin alone, not discounted."""
        return self.expect_orders(known, days=days) * self.margin_per_order(known)

    def margin_per_order(self, known: pd.DataFrame) -> Numbers:
        """Return the expected margin of a further order."""
        count = known["repeats"].to_numpy(np.float64) + 1
        expected = self.spending.expected(count, known["mean_margin"].to_numpy(np.float64))
        return expected * self.scale.margin

    def alive(self, known: pd.DataFrame) -> Numbers:
        """Return the probability that a repeat buyer is still there; NaN for everybody else.

        One purchase tells nothing of leaving, nor does a shop that nobody seems to leave; the
        BG/NBD takes everybody for alive until a second purchase, so it is not asked.
        """
        model = self.dropout
        if model is None or model.kind != MBG_NBD or not model.has_dropout:
            return np.full(len(known), np.nan)
        probability = alive_probability(model, histories_of(known))
        return np.where(known["repeats"] > 0, probability, np.nan)

    def _orders(self, histories: Histories, days: float) -> Numbers:
        if self.dropout is None:
            return np.full(len(histories.customers), self.daily_orders * days)
        return expected_orders(self.dropout, histories, days=days)

    def _factor(self, histories: Histories, orders: Numbers, days: int) -> Numbers:
        """Return what calibrates the orders of customers; takes those of some days, not scaled."""
        calibration = self.calibration
        if not calibration.curves:
            return np.ones(len(orders))
        if days != calibration.days:
            orders = self._orders(histories, float(calibration.days))
        return calibration.factor(histories.repeats[histories.customers], orders)

    def as_plain(self) -> dict[str, Any]:
        """Return the model as plain JSON data."""
        learned = self.dropout.as_plain() if self.dropout else None
        return {**asdict(self), "dropout": learned, "spending": self.spending.as_plain()}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> ValueModel:
        """Return the model that plain data describes."""
        learned = content["dropout"]
        return cls(
            Dropout.from_plain(learned) if learned else None,
            Spending.from_plain(content["spending"]),
            Scale(**content["scale"]),
            content["daily_orders"],
            content["yearly_discount"],
            # Versions of before have none.
            Calibration.from_plain(content.get("calibration", asdict(UNCALIBRATED))),
        )


def histories_of(known: pd.DataFrame) -> Histories:
    """Return the histories of customers (rows of histories.summarise)."""
    return group(known["repeats"], known["recency_days"], known["age_days"])


def learn(kind: str, known: pd.DataFrame, *, yearly_discount: float) -> ValueModel:
    """Fit one kind of model to customers (rows of histories.summarise), not scaled yet.

    Raises HistoryError where there is nothing to learn from.
    """
    spent = spending.fit(known["repeats"] + 1, known["mean_margin"], known["margin_deviation"])
    watched = max(float(known["age_days"].sum()), 1.0)
    mean = float(known["repeats"].sum()) / watched
    left = None
    if kind != SHOP_MEAN:
        left = dropout.fit(histories_of(known), BG_NBD if kind == BG_NBD else MBG_NBD)
    return ValueModel(left, spent, Scale(), mean, yearly_discount)


def scaled(
    model: ValueModel, known: pd.DataFrame, orders: Numbers, margin: Numbers, *, days: int
) -> ValueModel:
    """Return a model not scaled yet on the level of what came of its customers in some days."""
    expected = model.expect_orders(known, days=days)
    by_orders = _factor(orders.sum(), expected.sum())
    expected_margin = (expected * by_orders * model.margin_per_order(known)).sum()
    return replace(model, scale=Scale(by_orders, _factor(margin.sum(), expected_margin)))


def _factor(actual: float, expected: float) -> float:
    """Return actual / expected within limits; 1 where that says nothing."""
    if expected <= 0 or actual <= 0:
        return 1.0
    return float(np.clip(actual / expected, LEAST_SCALE, GREATEST_SCALE))
