"""How often customers order and when they leave: BG/NBD and MBG/NBD by maximum likelihood.

A customer orders at a rate drawn from Gamma(r, alpha) and leaves after a purchase with a chance
drawn from Beta(a, b). In the BG/NBD (Fader, Hardie & Lee 2005, "Counting your customers the easy
way") nobody leaves before a second purchase; in the modified one (Batislam, Denizel & Filiztekin
2007, "Empirical validation and comparison of models for customer base analysis") also after the
first. Time is in weeks, as in the published tables.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ml.btyd.histories import Histories, Numbers
from ml.btyd.search import Cost, Found, is_at_limit, polish, search
from ml.errors import HistoryError

Kind = Literal["bg_nbd", "mbg_nbd"]
BG_NBD: Kind = "bg_nbd"
MBG_NBD: Kind = "mbg_nbd"

DAYS_PER_UNIT = 7.0
# Limits of the logarithms of the parameters: beyond them a distribution is as good as a point.
LOWEST, HIGHEST = LIMITS = (-9.0, 9.0)
STARTS = ((0.0, 1.0, 0.0, 0.5), (-1.0, 2.0, 0.0, 1.0))
# Distinct histories that are searched alone, before all are.
FEW_HISTORIES = 10_000
LEAST_DROPOUT = 0.005
NO_DROPOUT = "This history shows no sign yet that anybody leaves for good."
AT_THE_LIMIT = "The likelihood still rises at the limit of {names}: these customers hardly differ."


@dataclass(frozen=True)
class Dropout:
    """A fitted model; `warnings` says what the history could not tell."""

    kind: Kind
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    warnings: tuple[str, ...] = ()

    @property
    def has_dropout(self) -> bool:
        """Tell whether the history shows that customers leave."""
        return NO_DROPOUT not in self.warnings

    def as_plain(self) -> dict[str, Any]:
        """Return the model as plain JSON data."""
        return {**asdict(self), "warnings": list(self.warnings)}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Dropout:
        """Return the model that plain data describes."""
        return cls(**{**content, "warnings": tuple(content["warnings"])})


def fit(histories: Histories, kind: Kind = MBG_NBD) -> Dropout:
    """Return the parameters under which the histories are most likely.

    Raises HistoryError when nobody was watched for a day: there is nothing to learn from.
    """
    if not len(histories.age_days) or histories.age_days.max() == 0:
        raise HistoryError("No customer has been watched for a day. Wait for later purchases.")
    total = float(histories.counts.sum())
    found = _found_near(histories, kind) or search(_cost(histories, kind), STARTS, LIMITS)
    r, alpha, a, b = (float(value) for value in np.exp(found.point))
    return Dropout(kind, r, alpha, a, b, float(-found.cost * total), _warnings(found.point))


def _found_near(histories: Histories, kind: Kind) -> Found | None:
    """Return what every n-th history leads to, put right by all: a fifth of the time for a million.

    None where there are few histories, they differ too much, or it runs to a limit.
    """
    thin = histories.thinned(FEW_HISTORIES)
    if len(thin.counts) == len(histories.counts) or thin.age_days.max() == 0:
        return None
    some, every = _cost(thin, kind), _cost(histories, kind)
    near = search(some, STARTS, LIMITS)
    found = None if is_at_limit(near.point, LIMITS) else polish(some, every, near.point)
    return None if found is None or is_at_limit(found.point, LIMITS) else found


def _cost(histories: Histories, kind: Kind) -> Cost:
    """Return the mean negative log-likelihood of a customer and its gradient, as a function."""
    total = histories.counts.sum()

    def cost(logarithms: Numbers) -> tuple[float, Numbers]:
        value, gradient = log_likelihood(logarithms, histories, kind)
        return -value / total, -gradient / total

    return cost


def log_likelihood(logarithms: Numbers, histories: Histories, kind: Kind) -> tuple[float, Numbers]:
    """Return the log-likelihood of all customers and its gradient by log(r, alpha, a, b).

    Each special function and logarithm depends on one column alone, so it is computed for the
    distinct values of that column. Odds of having left: a / (b + x - 1) * ((alpha + T) /
    (alpha + t_x)) ** (r + x); MBG/NBD has b + 1 for b and lets them leave at x = 0, too.
    """
    from scipy.special import gammaln

    r, alpha, a, b = np.exp(logarithms)
    extra = float(kind == MBG_NBD)
    x, per_x = histories.by_repeats.values, histories.customers_by_repeats
    at_age, at_recency = (
        alpha + axis.values / DAYS_PER_UNIT for axis in (histories.by_age, histories.by_recency)
    )
    log_age = np.log(at_age)
    silence = log_age[histories.by_age.places] - np.log(at_recency)[histories.by_recency.places]
    left_last = _log_odds_left_last(a, b + extra, x, extra)
    odds = left_last[histories.by_repeats.places] + (r + histories.repeats) * silence
    # One exponential gives log(1 + exp(odds)) and P(left); odds are -inf for who cannot leave.
    small = np.exp(-np.abs(odds))
    value = (
        (per_x * (gammaln(r + x) + gammaln(b + x + extra) - gammaln(a + b + x + extra))).sum()
        + histories.counts.sum() * (r * np.log(alpha) - gammaln(r) + gammaln(a + b) - gammaln(b))
        - ((r * histories.customers_by_age + histories.repeats_by_age) * log_age).sum()
        + (histories.counts * (np.maximum(odds, 0.0) + np.log1p(small))).sum()
    )
    left = histories.counts * np.where(odds >= 0, 1.0, small) / (1.0 + small)
    slopes = (
        *_rate_slopes(r, alpha, histories, left, silence),
        *_leaving_slopes(a, b, extra, histories, left),
    )
    return float(value), np.array(slopes) * np.exp(logarithms)


def _rate_slopes(
    r: float, alpha: float, histories: Histories, left: Numbers, silence: Numbers
) -> tuple[float, float]:
    """Return the derivatives by r and alpha; `left` is P(left) times customers per history."""
    from scipy.special import digamma

    by_age, by_recency = histories.by_age, histories.by_recency
    x, count = histories.by_repeats.values, histories.counts.sum()
    at_age, at_recency = (alpha + axis.values / DAYS_PER_UNIT for axis in (by_age, by_recency))
    shaped = left * (r + histories.repeats)
    powers = r * histories.customers_by_age + histories.repeats_by_age
    by_r = (
        (histories.customers_by_repeats * digamma(r + x)).sum()
        + count * (np.log(alpha) - digamma(r))
        - (histories.customers_by_age * np.log(at_age)).sum()
        + (left * silence).sum()
    )
    by_alpha = (
        count * r / alpha
        - ((powers - by_age.sums(shaped)) / at_age).sum()
        - (by_recency.sums(shaped) / at_recency).sum()
    )
    return float(by_r), float(by_alpha)


def _leaving_slopes(
    a: float, b: float, extra: float, histories: Histories, left: Numbers
) -> tuple[float, float]:
    """Return the derivatives by a and b; `left` is P(left) times customers per history."""
    from scipy.special import digamma

    x, per_x = histories.by_repeats.values, histories.customers_by_repeats
    left_per_x, count = histories.by_repeats.sums(left), histories.counts.sum()
    psi_all = digamma(a + b + x + extra)
    base = np.where(left_per_x > 0, b + x + extra - 1, 1.0)
    by_a = count * digamma(a + b) - (per_x * psi_all).sum() + left_per_x.sum() / a
    by_b = (
        count * (digamma(a + b) - digamma(b))
        + (per_x * (digamma(b + x + extra) - psi_all)).sum()
        - (left_per_x / base).sum()
    )
    return float(by_a), float(by_b)


def _log_odds_left_last(a: float, b: float, repeats: Numbers, extra: float) -> Numbers:
    """Return the log odds of leaving at the last purchase, before any silence is heard."""
    base = b + repeats - 1
    can_leave = (repeats > 0) | (extra > 0)
    return np.where(can_leave, np.log(a) - np.log(np.where(can_leave, base, 1.0)), -np.inf)


def _warnings(logarithms: Numbers) -> tuple[str, ...]:
    """Say where the fit ran to a limit, and when nobody seems to leave."""
    _, _, a, b = np.exp(logarithms)
    distances = np.minimum(logarithms - LOWEST, HIGHEST - logarithms)
    names = ("r", "alpha", "a", "b")
    limits = [name for name, far in zip(names, distances, strict=True) if far < 1e-3]
    told = [NO_DROPOUT] if a / (a + b) < LEAST_DROPOUT else []
    told += [AT_THE_LIMIT.format(names=", ".join(limits))] if limits else []
    return tuple(told)
