"""Which candidate is published: the rule that a model must earn its place by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import log
from typing import Any

from ml.evaluation import Interval, Metrics, is_calibrated
from ml.recipes import BASELINE, BOOSTING, LOGISTIC

EVIDENCE = "evidence"
NO_EVIDENCE = "no_evidence"


LOG_LOSS_SAVED = "log loss saved"


@dataclass(frozen=True)
class Gain:
    """How much better a kind is than the naive one, with its 95 % interval; above 0 is better.

    `against` names what it is compared with where that is not the naive kind.
    """

    kind: str
    measure: str
    mean: float
    lower: float
    upper: float
    against: str = ""


@dataclass(frozen=True)
class Choice:
    """The published kind, the runner-up, why, and each Gain over the naive kind as plain data."""

    status: str
    champion: str
    challenger: str
    reason: str
    gains: list[dict[str, Any]] = field(default_factory=list)


def saved(kind: str, difference: Interval, measure: str = LOG_LOSS_SAVED) -> dict[str, Any]:
    """Return the Gain of a kind whose losses differ from the naive one's: less is better."""
    gain = Gain(kind, measure, -difference.mean, -difference.upper, -difference.lower)
    return asdict(gain)


def choose(
    metrics: Mapping[str, Metrics],
    against_baseline: Mapping[str, Interval],
    boosting_against_logistic: Interval,
) -> Choice:
    """Choose what is published from measures on the test window.

    A learned model is eligible when its log loss is below the baseline's with 95 % confidence and
    its mean probability / actual rate lies within 0.8 and 1.25, or no farther from 1 than the
    baseline's. Logistic regression is preferred; gradient boosting replaces it only when its log
    loss is lower with 95 % confidence. Nothing eligible: the baseline is published.
    """
    gains = [saved(kind, against_baseline[kind]) for kind in (LOGISTIC, BOOSTING)]
    eligible = {
        kind
        for kind in (LOGISTIC, BOOSTING)
        if against_baseline[kind].upper < 0 and _is_level(metrics[kind], metrics[BASELINE])
    }
    if not eligible:
        best = min((LOGISTIC, BOOSTING), key=lambda kind: against_baseline[kind].mean)
        reason = _no_evidence(against_baseline[best])
        return Choice(NO_EVIDENCE, BASELINE, best, reason, gains)
    boosting_wins = BOOSTING in eligible and boosting_against_logistic.upper < 0
    stays = LOGISTIC in eligible and not boosting_wins
    champion, challenger = (LOGISTIC, BOOSTING) if stays else (BOOSTING, LOGISTIC)
    reason = _evidence(against_baseline[champion])
    return Choice(EVIDENCE, champion, challenger, reason, gains)


def choose_in_order(
    kinds: Sequence[str],
    metrics: Mapping[str, Metrics],
    compare: Callable[[str, str], Interval],
) -> Choice:
    """Choose among kinds from the simplest on; the first one is the baseline.

    A kind takes the place of the one chosen so far when its log loss is below it with 95 %
    confidence and its level is right, or no farther from right than the baseline's. `compare`
    returns the difference of two kinds' log losses with its interval. The runner-up is the best of
    the others.
    """
    baseline, champion = kinds[0], kinds[0]
    for kind in kinds[1:]:
        if compare(kind, champion).upper < 0 and _is_level(metrics[kind], metrics[baseline]):
            champion = kind
    others = [kind for kind in kinds if kind != champion]
    challenger = min(others, key=lambda kind: metrics[kind].log_loss or float("inf"))
    gains = [saved(kind, compare(kind, baseline)) for kind in kinds[1:]]
    if champion != baseline:
        reason = _evidence(compare(champion, baseline))
        return Choice(EVIDENCE, champion, challenger, reason, gains)
    reason = _no_evidence(compare(challenger, baseline))
    return Choice(NO_EVIDENCE, baseline, challenger, reason, gains)


def choose_by_gain(baseline: str, candidate: str, gain: Interval, measure: str) -> Choice:
    """Choose a candidate whose measure is above the baseline's with 95 % confidence.

    `gain` is the candidate's measure minus the baseline's, `measure` its name in a sentence.
    """
    told = f"{gain.mean:+.4f} (95 % interval {gain.lower:+.4f} to {gain.upper:+.4f})."
    gains = [asdict(Gain(candidate, measure, gain.mean, gain.lower, gain.upper))]
    if gain.lower > 0:
        reason = f"{measure} of {candidate} against {baseline}: {told}"
        return Choice(EVIDENCE, candidate, baseline, reason, gains)
    reason = f"{measure} of {candidate} is not above that of {baseline}: {told} The latter is used."
    return Choice(NO_EVIDENCE, baseline, candidate, reason, gains)


def _is_level(candidate: Metrics, baseline: Metrics) -> bool:
    """Tell whether a candidate's overall level is right, or no worse than the baseline's."""
    return is_calibrated(candidate) or _distance(candidate) <= _distance(baseline)


def _distance(metrics: Metrics) -> float:
    """Return how far mean probability / actual rate is from 1, the same for halves and doubles."""
    ratio = metrics.calibration_ratio
    return abs(log(ratio)) if ratio else float("inf")


def _evidence(interval: Interval) -> str:
    """Return the sentence for a model that is better than the baseline."""
    return (
        f"Log loss is {-interval.mean:.4f} below the baseline's "
        f"(95 % interval {-interval.upper:.4f} to {-interval.lower:.4f})."
    )


def _no_evidence(interval: Interval) -> str:
    """Return the sentence for a shop where no model is better than the baseline."""
    return (
        "No model is both better than the baseline and right in its level: the best one's "
        f"log loss differs by {interval.mean:+.4f} (95 % interval {interval.lower:+.4f} to "
        f"{interval.upper:+.4f}). The baseline's probabilities are published."
    )
