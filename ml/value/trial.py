"""Whether curves of what came are better than one scale: judged on customers they do not know."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml import judging
from ml.btyd.histories import Numbers
from ml.value.calibration import ORDERS_PER_STEP, learn_calibration
from ml.value.model import Scale, ValueModel, scaled
from ml.value.windows import ValueWindow

YEAR_DAYS = 365
FOLDS = 5
SHORT = (
    "The window has {days} days. Finer than that, expected orders are calibrated where it is a "
    "whole year, and as long as the prediction looks ahead."
)
NO_RHYTHM = "The shop's mean for everybody is not calibrated any finer."
THIN = (
    "{count:,.0f} orders came in the window. Finer than that, expected orders are calibrated from "
    "{needed} on."
)
WORSE = (
    "Curves of what came, apart for customers with one, two and more purchases, are not used: on "
    "customers that they were not learnt from, they saved a deviance of {saved} a customer."
)
BETTER = (
    "Before that, expected orders are put on a curve of what came, apart for customers with one, "
    "two and more purchases: multiplied by {lowest:.2f} to {highest:.2f}. On customers that the "
    "curves were not learnt from, this saved a deviance of {saved} a customer."
)


@dataclass(frozen=True)
class Tried:
    """A model on its window's level and, where that is better, its curves; and what is told of it.

    `orders` and `margin` are what was expected of each customer of the window, without knowing
    what came of that customer wherever curves are used.
    """

    model: ValueModel
    orders: Numbers
    margin: Numbers
    told: str


def try_calibration(
    model: ValueModel, window: ValueWindow, *, horizon_days: int, seed: int
) -> Tried:
    """Return a model, scaled on a window, with curves learnt from it where these are better.

    They are where the Poisson deviance of orders is lower, each fifth of the customers judged by
    the curves of the others; one scale stays otherwise, and where the window is shorter than a
    year or than the horizon, or thin. It needs no sure gain, as a choice of models does: little
    data bends little, and the one scale is no more proven.
    """
    days = window.days
    orders, margin = _expected(model, window)
    if model.dropout is None:
        return Tried(model, orders, margin, NO_RHYTHM)
    if days < YEAR_DAYS or days != horizon_days:
        return Tried(model, orders, margin, SHORT.format(days=days))
    came = float(window.orders.sum())
    if came < 2 * ORDERS_PER_STEP:
        return Tried(model, orders, margin, THIN.format(count=came, needed=2 * ORDERS_PER_STEP))
    crossed = _crossed(model, window)
    gain = judging.deviance_difference(window.orders, crossed[0], orders, seed=seed)
    saved = f"{-gain.mean:.4f} (95 % interval {-gain.upper:+.4f} to {-gain.lower:+.4f})"
    if gain.mean >= 0:
        return Tried(model, orders, margin, WORSE.format(saved=saved))
    best = _calibrated(model, window)
    lowest, highest = best.calibration.limits()
    told = BETTER.format(lowest=lowest, highest=highest, saved=saved)
    return Tried(best, *crossed, told)


def _crossed(model: ValueModel, window: ValueWindow) -> tuple[Numbers, Numbers]:
    """Return orders and margin of each customer, expected by the curves of the other folds."""
    fold = np.arange(len(window.known)) % FOLDS
    orders, margin = np.zeros(len(fold)), np.zeros(len(fold))
    for number in range(FOLDS):
        is_own = fold == number
        learned = _calibrated(model, _part(window, ~is_own))
        orders[is_own], margin[is_own] = _expected(learned, _part(window, is_own))
    return orders, margin


def _calibrated(model: ValueModel, window: ValueWindow) -> ValueModel:
    """Return a scaled model with the curves of a window, on its level."""
    known, days = window.known, window.days
    expected = model.expect_orders(known, days=days) / model.scale.orders
    curves = learn_calibration(known["repeats"], expected, window.orders, days=days)
    bent = replace(model, scale=Scale(), calibration=curves)
    return scaled(bent, known, window.orders, window.margin, days=days)


def _part(window: ValueWindow, rows: npt.NDArray[np.bool_]) -> ValueWindow:
    """Return a window of some of its customers only."""
    known, orders, margin = window.known[rows], window.orders[rows], window.margin[rows]
    return replace(window, known=known, orders=orders, margin=margin)


def _expected(model: ValueModel, window: ValueWindow) -> tuple[Numbers, Numbers]:
    """Return the orders and the margin expected of each customer of a window."""
    orders = model.expect_orders(window.known, days=window.days)
    return orders, orders * model.margin_per_order(window.known)
