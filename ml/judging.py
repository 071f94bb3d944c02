"""How good expected numbers are: their order, their level, and a loss that is least at the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.evaluation import Interval, Numbers, paired_interval

SMALLEST = 1e-9


@dataclass(frozen=True)
class Measures:
    """Measures of expected orders and margins against those that came."""

    count: int
    deviance: float
    gini: float | None
    mean_absolute_error: float
    level_orders: float | None
    level_margin: float | None


def measure(
    orders: Numbers, expected_orders: Numbers, margin: Numbers, expected_margin: Numbers
) -> Measures:
    """Measure n expectations; `level` is expected / actual in all, None where nothing came."""
    return Measures(
        count=len(orders),
        deviance=float(deviances(orders, expected_orders).mean()),
        gini=normalised_gini(margin, expected_margin),
        mean_absolute_error=float(np.abs(margin - expected_margin).mean()),
        level_orders=_ratio(expected_orders, orders),
        level_margin=_ratio(expected_margin, margin),
    )


def deviances(actual: Numbers, expected: Numbers) -> Numbers:
    """Return the Poisson deviance of each row (McCullagh & Nelder 1989): least at the true mean."""
    mean = np.maximum(expected, SMALLEST)
    surprise = np.where(actual > 0, actual * np.log(np.maximum(actual, SMALLEST) / mean), 0.0)
    losses: Numbers = 2 * (surprise - (actual - mean))
    return losses


def deviance_difference(
    actual: Numbers, candidate: Numbers, reference: Numbers, *, seed: int, repeats: int = 500
) -> Interval:
    """Return candidate's deviance minus reference's with its paired bootstrap interval."""
    difference = deviances(actual, candidate) - deviances(actual, reference)
    return paired_interval(difference, seed=seed, repeats=repeats)


def normalised_gini(actual: Numbers, expected: Numbers) -> float | None:
    """Return the Gini of amounts ranked by expectation / ranked by themselves (Wang et al. 2019).

    1 is a perfect order, 0 a random one; rows tied in the expectation share their amounts. None
    where all amounts are equal, or they do not sum to more than nothing.
    """
    if len(actual) < 2 or actual.sum() <= 0:
        return None
    best = _gini(actual, actual)
    return _gini(actual, expected) / best if best > 0 else None


def _gini(actual: Numbers, order: Numbers) -> float:
    """Return 1 - 2 x the area under the Lorenz curve of amounts, lowest expectation first."""
    _, ties = np.unique(order, return_inverse=True)
    amounts, sizes = np.bincount(ties, actual), np.bincount(ties)
    curve = np.concatenate([[0.0], np.cumsum(amounts) / actual.sum()])
    widths = sizes / len(actual)
    return float(1 - (widths * (curve[1:] + curve[:-1])).sum())


def _ratio(expected: Numbers, actual: Numbers) -> float | None:
    total = float(actual.sum())
    return float(expected.sum()) / total if total > 0 else None
