"""How well a ranking puts those first whom a contact moves, with intervals that hold for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ml.evaluation import Interval, Numbers, Outcomes

COVERAGE = 0.95
REPEATS = 400


def effect_scores(
    is_contacted: Outcomes, outcome: Numbers, expected_without: Numbers, expected_with: Numbers
) -> Numbers:
    """Return one number per person whose mean over any group is the effect in that group.

    Expectations of models that did not see the person make it less noisy and, because the draw was
    random, never biased (augmented inverse propensity, Robins, Rotnitzky & Zhao 1994).
    """
    share = is_contacted.mean()
    surprise = np.where(
        is_contacted,
        (outcome - expected_with) / share,
        -(outcome - expected_without) / (1 - share),
    )
    scores: Numbers = expected_with - expected_without + surprise
    return scores


def qini(score: Numbers, effect: Numbers, weights: Numbers | None = None) -> float:
    """Return the area between what contacting from the top brings and a straight line to all.

    In effects per person, as Radcliffe (2007) draws the curve; persons of equal score are taken
    at once. 0 for a ranking by chance.
    """
    _, group = np.unique(-score, return_inverse=True)
    return _area(group, effect, np.ones(len(score)) if weights is None else weights)


def _area(group: np.ndarray, effect: Numbers, weights: Numbers) -> float:
    total = weights.sum()
    width = np.bincount(group, weights=weights) / total
    gain = np.bincount(group, weights=weights * effect) / total
    reached = np.cumsum(gain)
    return float((width * (reached - gain / 2)).sum() - reached[-1] / 2)


def judge_rankings(
    scores: Mapping[str, Numbers], effect: Numbers, *, preferred: str, seed: int
) -> tuple[dict[str, Interval], list[str]]:
    """Return the Qini of rankings of the same persons with their joint interval, and their order.

    The one to use comes first, then the others by their Qini. Differences between good rankings
    are mostly luck: the preferred one gives way only to one whose Qini is higher by more than a
    standard error of the difference.
    """
    groups = [np.unique(-score, return_inverse=True)[1] for score in scores.values()]

    def areas(weights: Numbers) -> Numbers:
        return np.array([_area(group, effect, weights) for group in groups])

    point, drawn = _bootstrap(areas, len(effect), seed=seed)
    intervals = dict(zip(scores, _joint(point, drawn), strict=True))
    place = list(scores).index(preferred)
    error = (drawn - drawn[:, [place]]).std(axis=0)
    is_better = dict(zip(scores, point - point[place] > error, strict=True))
    ranked = sorted(scores, key=lambda kind: -intervals[kind].mean)
    best = next((kind for kind in ranked if is_better[kind]), preferred)
    return intervals, [best, *(kind for kind in ranked if kind != best)]


def band_intervals(
    band: np.ndarray, effect: Numbers, *, count: int, seed: int
) -> tuple[Interval, ...]:
    """Return the mean effect in each band of persons, with their joint interval."""

    def means(weights: Numbers) -> Numbers:
        size = np.bincount(band, weights=weights, minlength=count)
        total = np.bincount(band, weights=weights * effect, minlength=count)
        return np.asarray(total / np.maximum(size, 1e-9))

    return tuple(_joint(*_bootstrap(means, len(effect), seed=seed)))


def _joint(point: Numbers, drawn: Numbers) -> list[Interval]:
    """Return figures with intervals that all hold at once in 95 %.

    Bootstrap of the largest deviation in standard errors (Romano & Wolf 2005): with more figures
    the intervals grow, so that the best of many is not taken for proven by luck.
    """
    error = np.maximum(drawn.std(axis=0), 1e-12)
    largest = (np.abs(drawn - point) / error).max(axis=1)
    width = np.quantile(largest, COVERAGE) * error
    return [
        Interval(float(value), float(value - half), float(value + half))
        for value, half in zip(point, width, strict=True)
    ]


def _bootstrap(
    measure: Callable[[Numbers], Numbers], count: int, *, seed: int
) -> tuple[Numbers, Numbers]:
    """Return figures by weights of all persons, and of persons drawn anew (repeats x figures)."""
    generator = np.random.default_rng(seed)
    drawn = (generator.integers(0, count, count) for _ in range(REPEATS))
    counted = (np.bincount(rows, minlength=count).astype(np.float64) for rows in drawn)
    return measure(np.ones(count)), np.array([measure(weights) for weights in counted])


def best_line(score: Numbers, effect: Numbers) -> tuple[float, float]:
    """Return intercept and slope of the effect by score, the best line there is.

    The best linear predictor of the effect (Chernozhukov, Demirer, Duflo & Fernández-Val 2018):
    it turns whatever ranks into effects of the right level.
    """
    spread = float(np.var(score))
    if spread < 1e-18:
        return float(effect.mean()), 0.0
    slope = float(np.mean((score - score.mean()) * effect) / spread)
    return float(effect.mean() - slope * score.mean()), slope
