"""Find the parameters of least cost: from anywhere by L-BFGS, from nearby in a few steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.btyd.histories import Numbers

Cost = Callable[[Numbers], tuple[float, Numbers]]
Limits = tuple[float, float]

# What a next step would move in the logarithms ends a polish: a hundredth of the standard error.
SMALL_STEP = 3e-5
MOST_STEPS = 8
DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Found:
    """Where a cost is least, and what it is there."""

    point: Numbers
    cost: float


def search(cost: Cost, starts: Sequence[Sequence[float]], limits: Limits) -> Found:
    """Return the least cost within limits, from the first start that does not end at one of them.

    Takes a function that returns a cost and its gradient. Limited-memory BFGS (Byrd, Lu, Nocedal &
    Zhu 1995).
    """
    from scipy.optimize import minimize

    found: Any = None
    for start in starts:
        options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7}
        bounds = [limits] * len(start)
        result = minimize(
            cost, np.array(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        found = result if found is None or result.fun < found.fun else found
        if result.success and not is_at_limit(result.x, limits):
            break
    return Found(found.x, float(found.fun))


def polish(some: Cost, every: Cost, start: Numbers) -> Found | None:
    """Return the least cost of all from a start where that of some of the data is least.

    Quasi-Newton steps with the curvature of the sample, which is a few per cent off, put right by
    each step (BFGS). They shrink by the same factor or faster, so that the next one is foretold by
    the last two. None where the sample has no curvature to go by, or steps do not shrink.
    """
    inverse = _inverse_curvature(some, start)
    if inverse is None:
        return None
    point, before, step, length = start, np.zeros(0), np.zeros(0), np.inf
    for _ in range(MOST_STEPS):
        cost, slope = every(point)
        if len(step):
            inverse = _updated(inverse, step, slope - before)
        step, before = -inverse @ slope, slope
        former, length, point = length, float(np.abs(step).max()), point + step
        if not length < 0.5 * former:
            return None
        foretold = length if np.isinf(former) else length**2 / former
        if foretold < SMALL_STEP:
            return Found(point, cost + float(slope @ step) / 2)
    return None


def is_at_limit(point: Numbers, limits: Limits) -> bool:
    """Tell whether any parameter stands at a limit."""
    lowest, highest = limits
    return bool((np.minimum(point - lowest, highest - point) < 1e-3).any())


def _inverse_curvature(cost: Cost, point: Numbers) -> Numbers | None:
    """Return the inverse Hessian by differences of gradients; None where it is not positive."""
    steps = DIFFERENCE * np.eye(len(point))
    rows = [(cost(point + step)[1] - cost(point - step)[1]) / (2 * DIFFERENCE) for step in steps]
    curvature = (np.array(rows) + np.array(rows).T) / 2
    if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature).min() < 1e-9:
        return None
    return np.asarray(np.linalg.inv(curvature))


def _updated(inverse: Numbers, step: Numbers, change: Numbers) -> Numbers:
    """Return the inverse curvature that a step has shown (Broyden, Fletcher, Goldfarb, Shanno)."""
    product = float(step @ change)
    if product <= 0:
        return inverse
    turn = np.eye(len(step)) - np.outer(step, change) / product
    return np.asarray(turn @ inverse @ turn.T + np.outer(step, step) / product)
