"""Groups of customers who are alike: how many there are, where they lie, and who is in which."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.evaluation import Numbers

Codes = npt.NDArray[np.int64]

MOST_GROUPS = 8
# Tibshirani and Walther find 0.8 to 0.9; a group smaller than 3 % is no segment.
LEAST_STRENGTH, LEAST_SHARE = 0.8, 0.03
REPEATS, REFERENCES, STARTS = 5, 19, 4
MOST_ROWS = 6_000


@dataclass(frozen=True)
class Scale:
    """How facts become comparable: signed logarithms, less their mean, by their deviation.

    `columns` are those that vary; a null counts as the median.
    """

    columns: tuple[str, ...]
    medians: Numbers
    means: Numbers
    deviations: Numbers

    def apply(self, values: Numbers) -> Numbers:
        """Return facts (rows x columns) on the common scale."""
        filled = np.where(np.isnan(values), self.medians, values)
        return np.asarray((signed_log(filled) - self.means) / self.deviations)

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        numbers = {name: getattr(self, name).tolist() for name in ("medians", "means")}
        return {
            "columns": list(self.columns),
            **numbers,
            "deviations": self.deviations.tolist(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Scale:
        """Return what `as_plain` described."""
        medians, means, deviations = (
            np.asarray(plain[name], dtype=np.float64) for name in ("medians", "means", "deviations")
        )
        return cls(tuple(plain["columns"]), medians, means, deviations)


@dataclass(frozen=True)
class Trial:
    """What a number of groups is worth: prediction strength, smallest share, spread that is left.

    `reference` is the least spread that as many groups leave in worlds of fewer; inf where it was
    not looked at, as for groups that are not stable.
    """

    count: int
    strength: float
    smallest_share: float
    spread: float
    reference: float

    @property
    def is_stable(self) -> bool:
        """Tell whether another half of the customers gives the same groups, none of them tiny."""
        return self.strength >= LEAST_STRENGTH and self.smallest_share >= LEAST_SHARE

    @property
    def is_proven(self) -> bool:
        """Tell whether the groups are stable, and more than slices of fewer."""
        return self.is_stable and np.isfinite(self.reference) and self.spread < self.reference


def signed_log(values: Numbers) -> Numbers:
    """Return log(1 + |x|) with the sign of x, so that negative amounts are no error."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def learn_scale(values: Numbers, names: tuple[str, ...]) -> tuple[Scale, Codes]:
    """Return the scale of the columns that vary, and where those are among all."""
    known = np.where(np.isnan(values).all(axis=0), 0.0, values)
    medians = np.nanmedian(known, axis=0)
    logs = signed_log(np.where(np.isnan(known), medians, known))
    deviations = logs.std(axis=0)
    kept = np.flatnonzero(deviations > 1e-9)
    columns = tuple(names[position] for position in kept)
    return Scale(columns, medians[kept], logs.mean(axis=0)[kept], deviations[kept]), kept


def find_centres(points: Numbers, count: int, *, seed: int) -> Numbers:
    """Return the centres of k-means (Lloyd), the best of some starts; alike ones are repeated."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    if count == 1:
        return np.asarray(points.mean(axis=0, keepdims=True))
    with warnings.catch_warnings():
        # Fewer different customers than groups: the smallest share, 0, says so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(count, n_init=STARTS, random_state=seed).fit(points)
    return np.asarray(found.cluster_centers_, dtype=np.float64)


def nearest(points: Numbers, centres: Numbers) -> Codes:
    """Return the position of the nearest centre of each point."""
    closeness = points @ centres.T - 0.5 * (centres**2).sum(axis=1)
    return np.asarray(closeness.argmax(axis=1), dtype=np.int64)


def try_counts(points: Numbers, *, seed: int) -> list[Trial]:
    """Try two to eight groups on at most 6,000 points.

    Stability is the prediction strength of Tibshirani and Walther (2005, "Cluster Validation by
    Prediction Strength"), the mean over halves drawn five times. A group that is cut in two may be
    stable as well, so more groups must leave less spread than in all of 19 worlds drawn from the
    groups proven so far, each a normal cloud (parametric bootstrap, McLachlan 1987; p = 0.05).
    """
    generator = np.random.default_rng(seed)
    rows = generator.permutation(len(points))[:MOST_ROWS]
    drawn = points[np.sort(rows)]
    trials, proven = [], np.zeros(len(drawn), dtype=np.int64)
    for count in range(2, MOST_GROUPS + 1):
        trial, group = _try(drawn, count, proven, generator, seed)
        trials.append(trial)
        if trial.is_proven:
            proven = group
    return trials


def choose_count(trials: list[Trial]) -> int:
    """Return the largest number of groups that is proven, 1 for none."""
    return max((trial.count for trial in trials if trial.is_proven), default=1)


def spread_left(points: Numbers, centres: Numbers) -> float:
    """Return the share of the squared distances from the middle that is left within groups."""
    apart = points - centres[nearest(points, centres)]
    around = points - points.mean(axis=0)
    return float((apart**2).sum() / max(float((around**2).sum()), 1e-12))


def strength_of(points: Numbers, count: int, *, generator: np.random.Generator) -> float:
    """Return the prediction strength of one split into halves.

    The share of pairs of one half's group that the other half's centres put together as well, in
    the worst of the groups.
    """
    order = generator.permutation(len(points))
    half = len(points) // 2
    first, second = points[order[:half]], points[order[half:]]
    seed = int(generator.integers(2**31))
    told = nearest(second, find_centres(first, count, seed=seed))
    own = nearest(second, find_centres(second, count, seed=seed))
    table = np.zeros((count, count))
    np.add.at(table, (own, told), 1)
    sizes = table.sum(axis=1)
    pairs = sizes * (sizes - 1)
    together = (table * (table - 1)).sum(axis=1)
    return float(np.divide(together, pairs, out=np.zeros(count), where=pairs > 0).min())


def _try(
    points: Numbers, count: int, proven: Codes, generator: np.random.Generator, seed: int
) -> tuple[Trial, Codes]:
    """Return what a number of groups is worth beside those proven so far, and who is in which."""
    splits = [strength_of(points, count, generator=generator) for _ in range(REPEATS)]
    centres = find_centres(points, count, seed=seed)
    group = nearest(points, centres)
    share = float(np.bincount(group, minlength=count).min() / len(points))
    trial = Trial(count, float(np.mean(splits)), share, spread_left(points, centres), np.inf)
    if not trial.is_stable:
        return trial, group
    worlds = (_clouds(points, proven, generator) for _ in range(REFERENCES))
    least = min(spread_left(one, find_centres(one, count, seed=seed)) for one in worlds)
    return replace(trial, reference=least), group


def _clouds(points: Numbers, group: Codes, generator: np.random.Generator) -> Numbers:
    """Return as many points, each group a normal cloud of its own middle and covariance."""
    return np.concatenate(
        [
            generator.multivariate_normal(
                inside.mean(axis=0), np.atleast_2d(np.cov(inside.T)), len(inside), method="eigh"
            )
            for inside in (points[group == one] for one in np.unique(group))
        ]
    )
