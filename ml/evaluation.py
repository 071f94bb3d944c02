"""How good probabilities are: measures, intervals, and the gates that stop a thin shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.bool_]

SMALLEST_PROBABILITY = 1e-6
COUNT_BINS = 10
CALIBRATION_RANGE = (0.8, 1.25)


@dataclass(frozen=True)
class Metrics:
    """Measures of probabilities against outcomes; None where a measure is not defined."""

    count: int
    count_positives: int
    base_rate: float | None
    mean_probability: float | None
    auc: float | None
    brier: float | None
    log_loss: float | None
    expected_calibration_error: float | None
    calibration_ratio: float | None
    lift_at_10_percent: float | None


@dataclass(frozen=True)
class Interval:
    """A mean with its two-sided 95 % interval."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Gate:
    """One condition a shop must meet before a model is trained."""

    name: str
    value: int
    minimum: int
    reason: str

    @property
    def is_passed(self) -> bool:
        """Tell whether the value reaches the minimum."""
        return self.value >= self.minimum


def measure(actual: Outcomes, probability: Numbers) -> Metrics:
    """Measure n probabilities (0 to 1) against n outcomes; undefined measures are None."""
    count, positives = len(actual), int(actual.sum())
    if count == 0:
        return Metrics(0, 0, *[None] * 8)
    mean = float(probability.mean())
    return Metrics(
        count=count,
        count_positives=positives,
        base_rate=positives / count,
        mean_probability=mean,
        auc=_auc(actual, probability),
        brier=float(np.mean((probability - actual) ** 2)),
        log_loss=float(log_losses(actual, probability).mean()),
        expected_calibration_error=_calibration_error(actual, probability),
        calibration_ratio=mean * count / positives if positives else None,
        lift_at_10_percent=_lift(actual, probability, share=0.1) if positives else None,
    )


def calibration_table(actual: Outcomes, probability: Numbers) -> list[dict[str, float]]:
    """Return count, mean probability and actual rate per tenth of the rows by probability."""
    order = np.argsort(probability, kind="stable")
    return [
        {
            "count": len(rows),
            "mean_probability": float(probability[rows].mean()),
            "actual_rate": float(actual[rows].mean()),
        }
        for rows in np.array_split(order, COUNT_BINS)
        if len(rows)
    ]


def log_losses(actual: Outcomes, probability: Numbers) -> Numbers:
    """Return the log loss of each row in nats; probabilities are kept 1e-6 away from 0 and 1."""
    inside = np.clip(probability, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    losses: Numbers = -np.log(np.where(actual, inside, 1 - inside))
    return losses


def log_loss_difference(
    actual: Outcomes, candidate: Numbers, reference: Numbers, *, seed: int, repeats: int = 500
) -> Interval:
    """Return candidate's log loss minus reference's with its paired bootstrap interval.

    Below zero the candidate is better. No rows: an endless interval.
    """
    difference = log_losses(actual, candidate) - log_losses(actual, reference)
    return paired_interval(difference, seed=seed, repeats=repeats)


def paired_interval(
    difference: Numbers, *, seed: int, repeats: int = 500, level: float = 0.95
) -> Interval:
    """Return the mean of paired differences with its percentile bootstrap interval (Efron 1979).

    Rows must be independent (one per customer). No rows: an endless interval.
    """
    if len(difference) == 0:
        return Interval(0.0, -np.inf, np.inf)
    generator = np.random.default_rng(seed)
    draws = (generator.integers(0, len(difference), len(difference)) for _ in range(repeats))
    tails = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = np.quantile([difference[rows].mean() for rows in draws], tails)
    return Interval(float(difference.mean()), float(lower), float(upper))


def is_calibrated(metrics: Metrics) -> bool:
    """Tell whether mean probability / actual rate lies within 0.8 and 1.25."""
    lowest, highest = CALIBRATION_RANGE
    return metrics.calibration_ratio is not None and lowest <= metrics.calibration_ratio <= highest


def data_gates(occasions: pd.DataFrame, *, as_of: pd.Timestamp) -> tuple[Gate, ...]:
    """Return the gates that look at purchase history alone.

    Takes occasions (customer_id, occurred_at) known before `as_of`. Minima as Klaviyo publishes
    them for its predictive analytics: 500 buyers, 180 days of history, orders in the last 30 days,
    some customers with three or more orders.
    """
    times = occasions["occurred_at"]
    orders = occasions.groupby("customer_id").size()
    history = int((as_of - times.min()).days) if len(times) else 0
    recent = int((times >= as_of - pd.Timedelta(days=30)).sum())
    loyal = int((orders >= 3).sum())
    return (
        _gate("count_buyers", len(orders), 500, "customers with a purchase"),
        _gate("history_days", history, 180, "days since the first purchase"),
        _gate("count_recent_orders", recent, 1, "purchases in the last 30 days"),
        _gate("count_loyal_buyers", loyal, 1, "customers with three or more purchases"),
    )


def outcome_gates(name: str, actual: Outcomes, *, minimum: int) -> tuple[Gate, ...]:
    """Return the gates that ask for enough of both outcomes in a set of snapshots."""
    positives = int(actual.sum())
    others = len(actual) - positives
    return (
        _gate(f"{name}_positives", positives, minimum, f"{name} snapshots followed by an order"),
        _gate(f"{name}_negatives", others, minimum, f"{name} snapshots followed by no order"),
    )


def window_gate(count: int, *, horizon_days: int) -> Gate:
    """Return the gate that asks for one window to learn from and a later one to test on."""
    what = f"snapshots, each with {horizon_days} complete days after it and before the next one"
    return _gate("count_complete_windows", count, 2, what)


def failures(gates: Sequence[Gate]) -> tuple[str, ...]:
    """Return the reasons of the gates that are not passed."""
    return tuple(gate.reason for gate in gates if not gate.is_passed)


def _gate(name: str, value: int, minimum: int, what: str) -> Gate:
    """Return a gate whose reason holds both numbers."""
    return Gate(name, value, minimum, f"{value:,} {what}; at least {minimum:,} are needed.")


def _auc(actual: Outcomes, probability: Numbers) -> float | None:
    """Return the area under the ROC curve by ranks (Mann-Whitney), ties count half."""
    positives = int(actual.sum())
    negatives = len(actual) - positives
    if positives == 0 or negatives == 0:
        return None
    ranks = pd.Series(probability).rank().to_numpy()
    rank_sum = float(ranks[actual].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def _calibration_error(actual: Outcomes, probability: Numbers) -> float:
    """Return the expected calibration error over 10 bins of equal width (Guo et al. 2017)."""
    bins = np.minimum((probability * COUNT_BINS).astype(int), COUNT_BINS - 1)
    gaps = np.bincount(bins, weights=probability - actual, minlength=COUNT_BINS)
    return float(np.abs(gaps).sum() / len(actual))


def _lift(actual: Outcomes, probability: Numbers, *, share: float) -> float:
    """Return the rate among the highest share of probabilities / the overall rate.

    Rows tied at the border count with their mean outcome, so the order of rows does not matter.
    """
    size = max(1, round(len(actual) * share))
    border = np.partition(probability, len(probability) - size)[len(probability) - size]
    above, tied = probability > border, probability == border
    found = actual[above].sum() + (size - above.sum()) * actual[tied].mean()
    return float(found / size / actual.mean())
