"""What an order of a customer is worth: the Gamma-Gamma model of average amounts.

Fader, Hardie & Lee 2005, "RFM and CLV: using iso-value curves for customer base analysis"; Fader &
Hardie 2013, "The Gamma-Gamma model of monetary value": amounts of a customer are Gamma(p, nu), nu
differs over customers as Gamma(q, v).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.btyd.histories import Numbers
from ml.errors import HistoryError

LOWEST, HIGHEST = -9.0, 12.0
START = (np.log(2.0), np.log(2.0), 0.0)
LEAST_CUSTOMERS = 20
# Averages that lie closer together, in units of their mean, are the same: the likelihood then goes
# on rising so slowly that where a search for its top ends depends on the processor.
SMALLEST_SPREAD = 1e-6
# Orders that the shop's mean weighs like, at least and at most.
LEAST_CREDIBLE, MOST_CREDIBLE = 0.01, 1_000.0
NO_MEAN = (
    "A few customers spend so much more than all others that no average can be expected. "
    "Look at the largest amounts."
)
ALL_EQUAL = "All customers have nearly the same average amount."


@dataclass(frozen=True)
class Spending:
    """A fitted model; `loss_share` and `loss_mean` tell of customers whose average is not positive.

    The likelihood cannot hold those. But the expectation is linear in the average, it is Bühlmann's
    credibility: where there are losses, `loss_strength` says how much the shop's mean weighs in it.
    """

    p: float
    q: float
    v: float
    log_likelihood: float
    loss_share: float = 0.0
    loss_mean: float = 0.0
    loss_strength: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def has_mean(self) -> bool:
        """Tell whether an expectation exists."""
        return self.q > 1 and NO_MEAN not in self.warnings

    @property
    def mean(self) -> float:
        """Return the average amount over all customers."""
        gains = self.p * self.v / (self.q - 1)
        return (1 - self.loss_share) * gains + self.loss_share * self.loss_mean

    @property
    def strength(self) -> float:
        """Return how many orders of their own say as much as the shop's mean does."""
        return (self.q - 1) / self.p if self.loss_strength is None else self.loss_strength

    def expected(self, orders: Numbers, mean_amount: Numbers) -> Numbers:
        """Return the expected amount of a further order of each customer.

        p (v + x m) / (p x + q - 1), written as the mean of x own orders and `strength` of the shop.
        """
        expected: Numbers = (orders * mean_amount + self.strength * self.mean) / (
            orders + self.strength
        )
        return expected

    def as_plain(self) -> dict[str, Any]:
        """Return the model as plain JSON data."""
        return {**asdict(self), "warnings": list(self.warnings)}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Spending:
        """Return the model that plain data describes."""
        return cls(**{**content, "warnings": tuple(content["warnings"])})


def fit(
    orders: npt.ArrayLike, mean_amount: npt.ArrayLike, deviation: npt.ArrayLike = 0.0
) -> Spending:
    """Return the parameters under which the averages of customers are most likely.

    Takes per customer the orders, the first one included, their average amount, and the sum of
    their squared differences from it (used where there are losses). Raises HistoryError when fewer
    than 20 customers have a positive average.
    """
    x, m = np.asarray(orders, np.float64), np.asarray(mean_amount, np.float64)
    is_gain = m > 0
    if is_gain.sum() < LEAST_CUSTOMERS:
        raise HistoryError(
            f"{int(is_gain.sum())} customers have a positive average amount; at least "
            f"{LEAST_CUSTOMERS} are needed. Check amounts and costs."
        )
    logarithms, reached = _maximised(x[is_gain], m[is_gain])
    p, q, v = (float(value) for value in np.exp(logarithms))
    unit, losses = float(m[is_gain].mean()), m[~is_gain]
    return Spending(
        p=p,
        q=q,
        v=v * unit,
        log_likelihood=reached - float(is_gain.sum() * np.log(unit)),
        loss_share=len(losses) / len(m),
        loss_mean=float(losses.mean()) if len(losses) else 0.0,
        loss_strength=_credibility(x, m, deviation) if len(losses) else None,
        warnings=_warnings(logarithms, float(np.ptp(m[is_gain])) / unit),
    )


def _maximised(orders: Numbers, gains: Numbers) -> tuple[Numbers, float]:
    """Return log(p, q, v) and the log-likelihood of amounts in units of their mean."""
    from scipy.optimize import minimize

    count, amounts = len(gains), gains / gains.mean()

    def cost(logarithms: Numbers) -> tuple[float, Numbers]:
        value, gradient = log_likelihood(logarithms, orders, amounts)
        return -value / count, -gradient / count

    options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7}
    bounds = [(LOWEST, HIGHEST)] * 3
    found = minimize(
        cost, np.array(START), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    return np.asarray(found.x, np.float64), float(-found.fun * count)


def _credibility(orders: Numbers, mean_amount: Numbers, deviation: npt.ArrayLike) -> float:
    """Return the variance within customers / between them (Bühlmann & Straub 1970).

    Without repeat orders nothing is known within, and the shop's mean weighs like one order.
    """
    total, further = orders.sum(), (orders - 1).sum()
    if further <= 0:
        return 1.0
    within = float(np.sum(deviation)) / further
    mean = (orders * mean_amount).sum() / total
    spread = (orders * (mean_amount - mean) ** 2).sum() - (len(orders) - 1) * within
    between = spread / (total - (orders**2).sum() / total)
    if between <= 0:
        return MOST_CREDIBLE
    return float(np.clip(within / between, LEAST_CREDIBLE, MOST_CREDIBLE))


def log_likelihood(
    logarithms: Numbers, orders: Numbers, mean_amount: Numbers
) -> tuple[float, Numbers]:
    """Return the log-likelihood of positive averages and its gradient by log(p, q, v).

    Fader & Hardie 2013, eq. 1a; the special functions are computed per distinct number of orders.
    """
    from scipy.special import digamma, gammaln

    p, q, v = np.exp(logarithms)
    x, places = np.unique(orders, return_inverse=True)
    per_x, count = np.bincount(places), len(orders)
    totals = orders * mean_amount
    log_total, powers = np.log(totals + v), p * orders + q
    sum_logs, sum_log_amounts = (orders * np.log(totals)).sum(), np.log(mean_amount).sum()
    value = (
        (per_x * (gammaln(p * x + q) - gammaln(p * x))).sum()
        + count * (q * np.log(v) - gammaln(q))
        + p * sum_logs
        - sum_log_amounts
        - (powers * log_total).sum()
    )
    psi = digamma(p * x + q)
    slopes = (
        (per_x * x * (psi - digamma(p * x))).sum() + sum_logs - (orders * log_total).sum(),
        (per_x * psi).sum() + count * (np.log(v) - digamma(q)) - log_total.sum(),
        count * q / v - (powers / (totals + v)).sum(),
    )
    return float(value), np.array(slopes) * np.exp(logarithms)


def _warnings(logarithms: Numbers, spread: float) -> tuple[str, ...]:
    """Say when averages hardly differ, or differ so much that there is no mean.

    `spread` is from the smallest to the largest average, in units of their mean.
    """
    _, log_q, _ = logarithms
    at_limit = np.minimum(logarithms - LOWEST, HIGHEST - logarithms).min() < 1e-3
    if np.exp(log_q) <= 1.05:
        return (NO_MEAN,)
    return (ALL_EQUAL,) if at_limit or spread < SMALLEST_SPREAD else ()
