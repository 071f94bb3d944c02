"""What a fitted model expects of each history: whether it goes on, how many orders, any at all."""

from __future__ import annotations

import numpy as np

from ml.btyd.dropout import DAYS_PER_UNIT, MBG_NBD, Dropout
from ml.btyd.histories import Histories, Numbers

# The closed form divides by a - 1; this close to 1 it is evaluated beside it.
CLOSEST_TO_ONE = 1e-7
BESIDE = 1e-8
# With more than this in a + b all customers leave with practically the same chance.
CONCENTRATED = 1_000.0


def forecast(
    model: Dropout, histories: Histories, *, days: float
) -> tuple[Numbers, Numbers, Numbers]:
    """Return order_probability, expected_orders and alive_probability of each customer at once."""
    alive = _alive(model, histories)
    found = (_probability(model, histories, days, alive), _orders(model, histories, days, alive))
    probability, orders, still = (one[histories.customers] for one in (*found, alive))
    return probability, orders, still


def alive_probability(model: Dropout, histories: Histories) -> Numbers:
    """Return each customer's probability of not having left, in their order.

    BG/NBD: Fader & Hardie 2008, "Computing P(alive) using the BG/NBD model"; it is 1 for everybody
    without a repeat purchase, so do not rank by it. MBG/NBD: Batislam et al. 2007.
    """
    return _alive(model, histories)[histories.customers]


def order_probability(model: Dropout, histories: Histories, *, days: float) -> Numbers:
    """Return each customer's probability of at least one order within the next days.

    P(alive) * (1 - ((alpha + T) / (alpha + T + h)) ** (r + x)): whoever is there orders at a rate
    distributed as Gamma(r + x, alpha + T).
    """
    probability = _probability(model, histories, days, _alive(model, histories))
    return probability[histories.customers]


def expected_orders(model: Dropout, histories: Histories, *, days: float) -> Numbers:
    """Return each customer's expected number of orders within the next days.

    Fader, Hardie & Lee 2005, eq. 10, after Euler's transformation of 2F1, so that no power of x
    is left and thousands of purchases overflow nothing: (a + b + x - 1) / (a - 1) *
    (1 - (1 - z) ** (a - 1) * 2F1(a + b - 1 - r, a - 1; a + b + x - 1; z)) * P(alive) with
    z = h / (alpha + T + h); b + 1 for b in the MBG/NBD.
    """
    return _orders(model, histories, days, _alive(model, histories))[histories.customers]


def _probability(model: Dropout, histories: Histories, days: float, alive: Numbers) -> Numbers:
    at_age = model.alpha + histories.age_days / DAYS_PER_UNIT
    log_none = -(model.r + histories.repeats) * np.log1p(days / DAYS_PER_UNIT / at_age)
    probability: Numbers = alive * -np.expm1(log_none)
    return probability


def _orders(model: Dropout, histories: Histories, days: float, alive: Numbers) -> Numbers:
    if days <= 0:
        return np.zeros(len(histories.counts))
    expected: Numbers = _expected_if_alive(model, histories, days / DAYS_PER_UNIT) * alive
    return expected


def _expected_if_alive(model: Dropout, histories: Histories, horizon: float) -> Numbers:
    # It does not depend on recency, and there are fewer pairs than histories.
    x, age, places = histories.by_repeats_and_age
    return _expected_of_pairs(model, x, model.alpha + age / DAYS_PER_UNIT, horizon)[places]


def _expected_of_pairs(model: Dropout, x: Numbers, at_age: Numbers, horizon: float) -> Numbers:
    b = model.b + float(model.kind == MBG_NBD)
    a = model.a if abs(model.a - 1) > CLOSEST_TO_ONE else 1 + 2 * CLOSEST_TO_ONE
    if a + b > CONCENTRATED:
        return _expected_at_chance(model.a / (model.a + b + x), model.r + x, horizon / at_age)
    z, c = horizon / (at_age + horizon), a + b + x - 1
    with np.errstate(over="ignore", invalid="ignore"):
        share = np.exp((a - 1) * np.log1p(-z)) * _series(a + b - 1 - model.r, a - 1, c, z)
        expected: Numbers = c / (a - 1) * (1 - share)
    return expected


def _series(first: float, second: float, third: Numbers, z: Numbers) -> Numbers:
    """Return 2F1; where scipy returns infinity, for whole first parameters, just beside them."""
    from scipy.special import hyp2f1

    values: Numbers = hyp2f1(first, second, third, z)
    is_broken = ~np.isfinite(values)
    if is_broken.any():
        values[is_broken] = hyp2f1(first + BESIDE, second, third[is_broken], z[is_broken])
    return values


def _expected_at_chance(chance: Numbers, shape: Numbers, growth: Numbers) -> Numbers:
    """Return the expectation when everybody leaves with one known chance after a purchase."""
    expected: Numbers = -np.expm1(-shape * np.log1p(chance * growth)) / chance
    return expected


def _alive(model: Dropout, histories: Histories) -> Numbers:
    """Return P(alive) of the distinct histories."""
    from scipy.special import expit

    x = histories.repeats.astype(np.float64)
    at_recency, at_age = (
        model.alpha + days / DAYS_PER_UNIT for days in (histories.recency_days, histories.age_days)
    )
    is_modified = model.kind == MBG_NBD
    base = np.where(is_modified | (x > 0), model.b + x + is_modified - 1, 1.0)
    odds = np.log(model.a) - np.log(base) + (model.r + x) * np.log(at_age / at_recency)
    alive: Numbers = expit(-odds)
    return alive if is_modified else np.where(x > 0, alive, 1.0)
