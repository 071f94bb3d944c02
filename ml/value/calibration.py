"""What a past year taught of expected orders: curves from what was expected to what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.btyd.histories import Integers, Numbers

# What follows a first, a second and a later purchase differs by more than one rhythm can tell.
GROUPS = 3
ORDERS_PER_STEP, MOST_STEPS = 100, 20
# So many expected orders count as having come as expected: little data changes little.
PRIOR_ORDERS = 20.0
# Fewer expected orders than these are none.
SMALLEST = 1e-12


@dataclass(frozen=True)
class Curve:
    """Expected orders, increasing, and what they are raised or lowered to, never decreasing."""

    expected: tuple[float, ...]
    calibrated: tuple[float, ...]

    def factor(self, expected: Numbers) -> Numbers:
        """Return what to multiply expected orders by; below and beyond the ends the end's own."""
        if not self.expected:
            return np.ones(len(expected))
        first, last = self.expected[0], self.expected[-1]
        inside = np.clip(expected, first, last)
        calibrated = np.interp(inside, self.expected, self.calibrated)
        factors: Numbers = calibrated / np.maximum(inside, SMALLEST)
        return factors


@dataclass(frozen=True)
class Calibration:
    """A curve each for customers with one, two and more purchases; without any, nothing changes.

    The curves are of the orders of so many days. Over other days a customer's factor is the same.
    """

    days: int = 0
    curves: tuple[Curve, ...] = ()

    def factor(self, repeats: npt.ArrayLike, expected: Numbers) -> Numbers:
        """Return what to multiply each customer's orders by.

        Takes the purchases after the first one and the orders expected in `days`.
        """
        factors = np.ones(len(expected))
        group = group_of(repeats)
        for number, curve in enumerate(self.curves):
            is_own = group == number
            factors[is_own] = curve.factor(expected[is_own])
        return factors

    def limits(self) -> tuple[float, float]:
        """Return the lowest and the highest factor that there is."""
        pairs = (zip(curve.expected, curve.calibrated, strict=True) for curve in self.curves)
        factors = [after / before for curve in pairs for before, after in curve]
        return min(factors, default=1.0), max(factors, default=1.0)

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Calibration:
        """Return the calibration that plain data describes."""
        curves = (
            Curve(tuple(curve["expected"]), tuple(curve["calibrated"]))
            for curve in content["curves"]
        )
        return cls(content["days"], tuple(curves))


UNCALIBRATED = Calibration()


def group_of(repeats: npt.ArrayLike) -> Integers:
    """Return which curve a customer is on, by their purchases after the first one."""
    return np.minimum(np.asarray(repeats, dtype=np.int64), GROUPS - 1)


def learn_calibration(
    repeats: npt.ArrayLike, expected: Numbers, came: Numbers, *, days: int
) -> Calibration:
    """Learn the curves of one past window; the level of all orders is left to a scale.

    Takes per customer the purchases after the first one, and the orders expected in the window and
    come in it. A calibration without curves where nothing was expected or nothing came.
    """
    if expected.sum() <= SMALLEST or came.sum() <= 0:
        return UNCALIBRATED
    group, level = group_of(repeats), float(came.sum() / expected.sum())
    curves = (
        _learn_curve(expected[group == number], came[group == number], level)
        for number in range(GROUPS)
    )
    return Calibration(days, tuple(curves))


def _learn_curve(expected: Numbers, came: Numbers, level: float) -> Curve:
    """Return the curve through steps of about equally many expected orders.

    Each step's factor is the mean of a Gamma posterior whose prior has mean 1; what the factors
    give is made monotone by pooling adjacent violators (Barlow et al. 1972).
    """
    from sklearn.isotonic import isotonic_regression

    # Of whom nothing at all is expected, nothing is whatever the factor.
    is_some = expected > SMALLEST
    expected, came = expected[is_some], came[is_some]
    values, places = np.unique(expected, return_inverse=True)
    # Equal expectations stay together, so that every step has one of its own.
    sizes = np.bincount(places).astype(np.float64)
    orders = level * values * sizes
    total = float(orders.sum())
    if not len(values):
        return Curve((), ())
    steps = int(np.clip(total // ORDERS_PER_STEP, 1, MOST_STEPS))
    middles = np.cumsum(orders) - orders / 2
    step = np.minimum((middles / total * steps).astype(np.int64), steps - 1)
    _, step = np.unique(step, return_inverse=True)
    customers, foretold = np.bincount(step, sizes), np.bincount(step, orders)
    actual = np.bincount(step, np.bincount(places, came))
    means = foretold / level / customers
    wanted = means * (actual + PRIOR_ORDERS) / (foretold + PRIOR_ORDERS)
    calibrated = isotonic_regression(wanted, sample_weight=customers)
    return Curve(tuple(means.tolist()), tuple(calibrated.tolist()))
