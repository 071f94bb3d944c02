"""Columns that know the future: found by when they are filled and by how much they tell.

A leak is a column whose value for a past date was not known on that date. It makes all measures of
a training too good and helps nobody when scoring. Two signs are looked for. Arrival: the column is
filled for past dates and empty for today's. Plausibility: on top of what is known to be of the
past, it says more of what followed than being told every sixth outcome in advance would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt

import numpy as np
import pandas as pd

from ml.evaluation import Numbers, Outcomes, log_losses, paired_interval

ARRIVAL, PLAUSIBILITY = "arrival", "plausibility"
# The share of outcomes that a column may seem to have been told. On two real shops and four
# simulated ones honest columns said as much as a twentieth, copies of the outcome a third and more.
TOLD_SHARE = 1 / 6
# The same where nothing is known to be of the past, so that a column also says what that would.
TOLD_SHARE_ALONE = 1 / 2
# A column that is filled this many times less often today than on past dates is not there to score.
FEWER = 10
MAX_ROWS = 20_000
LEAST_OUTCOMES = 20
COUNT_BINS = 10
NORMAL_95 = 1.96
REMEDY = "Check the condition on time in the SQL of the column."


@dataclass(frozen=True)
class Leak:
    """A column that is not learnt from: the check that found it, and why in one sentence."""

    feature: str
    check: str
    reason: str


@dataclass(frozen=True)
class Watched:
    """Rows of some dates, and what followed.

    `matrix` is rows x columns under suspicion, `trusted` rows x columns that are known to be of the
    past (none is rows x 0), `actual` what came of each row.
    """

    matrix: Numbers
    trusted: Numbers
    actual: Outcomes

    def trusting(self, columns: Numbers) -> Watched:
        """Return the rows with more columns to trust."""
        return replace(self, trusted=np.hstack([self.trusted, columns]))

    def sampled(self, *, seed: int) -> Watched:
        """Return the rows, or 20,000 of them drawn by the seed."""
        if len(self.actual) <= MAX_ROWS:
            return self
        is_drawn = np.random.default_rng(seed).permutation(len(self.actual)) < MAX_ROWS
        return self.where(is_drawn)

    def where(self, is_meant: Outcomes) -> Watched:
        """Return the rows for which a flag is true."""
        return Watched(self.matrix[is_meant], self.trusted[is_meant], self.actual[is_meant])


def find_leaks(
    names: Sequence[str],
    learnt: Watched,
    test: Watched,
    current: Numbers,
    *,
    seed: int = 0,
) -> tuple[Leak, ...]:
    """Return the columns that know the future, in the order of names.

    Takes the rows to learn from, those of the newest closed window, and `current`, the matrix of
    today's rows, about which no future exists that a column could know. Few outcomes, or few of the
    other kind, say nothing about plausibility. Costs a small regression per column on at most
    20,000 rows.
    """
    late = _filled_later(names, test.matrix, current)
    suspects = [place for place, name in enumerate(names) if name not in late]
    rows = [some.sampled(seed=seed) for some in (learnt, test)]
    found = {**late, **_implausible(names, suspects, rows[0], rows[1], seed)}
    return tuple(found[name] for name in names if name in found)


def without(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Return a frame in which columns say nothing: 0 in every row, as nothing can be learnt of."""
    return frame.assign(**dict.fromkeys(names, 0.0))


def as_plain(leaks: Iterable[Leak]) -> list[dict[str, str]]:
    """Return leaks as plain JSON data, for a report."""
    return [asdict(leak) for leak in leaks]


def _filled_later(names: Sequence[str], past: Numbers, current: Numbers) -> dict[str, Leak]:
    """Return the columns that are filled for a past date and empty today."""
    if not len(past) or not len(current):
        return {}
    before, now = (np.nan_to_num(rows) != 0 for rows in (past, current))
    found = {}
    for place, name in enumerate(names):
        was, is_ = before[:, place], now[:, place]
        if _limits(is_)[1] * FEWER < _limits(was)[0]:
            reason = (
                f"{name} is filled in {was.mean():.1%} of the rows of the newest closed window and "
                f"in {is_.mean():.1%} of today's: it is filled later than the date it is about, or "
                f"its source has stopped. {REMEDY}"
            )
            found[name] = Leak(name, ARRIVAL, reason)
    return found


def _implausible(
    names: Sequence[str],
    suspects: Sequence[int],
    learnt: Watched,
    test: Watched,
    seed: int,
) -> dict[str, Leak]:
    """Return the columns that say more than being told every sixth outcome would."""
    if min(_fewest(rows.actual) for rows in (learnt, test)) < LEAST_OUTCOMES:
        return {}
    judge = _Judge(learnt, test, seed)
    strong = judge.beyond_limit(suspects)
    if not strong:
        return {}
    # What other, ordinary columns say as well is no secret of the future.
    plain = [place for place in suspects if place not in strong]
    more = [_side_by_side(rows, learnt, plain) for rows in (learnt, test)]
    wiser = _Judge(learnt.trusting(more[0]), test.trusting(more[1]), seed, judge.limit)
    return {
        names[place]: Leak(names[place], PLAUSIBILITY, wiser.sentence(names[place], place))
        for place in wiser.beyond_limit(strong)
    }


class _Judge:
    """How well the outcome of the test rows is told by what is trusted and something more."""

    def __init__(
        self, learnt: Watched, test: Watched, seed: int, limit: float | None = None
    ) -> None:
        self._rows, self._seed = (learnt, test), seed
        self.limit = limit or (TOLD_SHARE if learnt.trusted.shape[1] else TOLD_SHARE_ALONE)
        generator = np.random.default_rng(seed)
        self._luck = [generator.random(len(rows.actual)) for rows in self._rows]
        self._known = _log_odds(learnt.trusted, test.trusted, learnt.actual)
        self._open = float(self._losses(*self._known).mean())

    def beyond_limit(self, places: Sequence[int]) -> list[int]:
        """Return the columns whose loss is below that of the told, with 95 % confidence."""
        limit = self._being_told(self.limit)
        gains = {place: limit - self._knowing(place) for place in places}
        # The interval is costly, and pointless where the mean is below 0.
        return [
            place
            for place, gain in gains.items()
            if gain.mean() > 0 and paired_interval(gain, seed=self._seed).lower > 0
        ]

    def sentence(self, name: str, place: int) -> str:
        """Say how much a column closes of what is open, and what one would have to be told."""
        closed = self._closed(self._knowing(place))
        shares = np.arange(7) / 6
        gains = [0.0, *(self._closed(self._being_told(share)) for share in shares[1:])]
        told = float(np.interp(closed, gains, shares))
        return (
            f"{name} says as much about what came after its date as being told {told:.0%} of the "
            f"outcomes in advance would, on top of all else that is known; up to "
            f"{self.limit:.0%} are plausible. {REMEDY}"
        )

    def _closed(self, losses: Numbers) -> float:
        return 1 - float(losses.mean()) / self._open

    def _being_told(self, share: float) -> Numbers:
        """Return the losses of who is also told a share of the outcomes, drawn by lot."""
        told = [
            np.asarray(rows.actual & (luck < share), dtype=np.float64).reshape(-1, 1)
            for rows, luck in zip(self._rows, self._luck, strict=True)
        ]
        return self._losses(*map(_beside, self._known, told))

    def _knowing(self, place: int) -> Numbers:
        """Return the losses of who also knows a column."""
        columns = [_spread(rows, self._rows[0], place) for rows in self._rows]
        return self._losses(*map(_beside, self._known, columns))

    def _losses(self, learnt: Numbers, test: Numbers) -> Numbers:
        odds = _log_odds(learnt, test, self._rows[0].actual)[1][:, 0]
        return log_losses(self._rows[1].actual, 1 / (1 + np.exp(-odds)))


def _beside(left: Numbers, right: Numbers) -> Numbers:
    return np.hstack([left, right])


def _log_odds(learnt: Numbers, test: Numbers, actual: Outcomes) -> tuple[Numbers, Numbers]:
    """Return the log odds of a small regression for both sets of rows, as one column each."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    # One constant column, so that a regression on nothing gives the base rate.
    first, second = (_beside(np.ones((len(rows), 1)), rows) for rows in (learnt, test))
    scaler = StandardScaler().fit(first)
    classifier = LogisticRegression(C=1.0, max_iter=300, solver="newton-cholesky")
    classifier.fit(scaler.transform(first), actual)
    before, after = (
        np.clip(classifier.decision_function(scaler.transform(rows)), -30, 30).reshape(-1, 1)
        for rows in (first, second)
    )
    return before, after


def _side_by_side(rows: Watched, learnt: Watched, places: Sequence[int]) -> Numbers:
    """Return several columns spread out, one beside the other."""
    columns = [_spread(rows, learnt, place) for place in places]
    return np.hstack(columns) if columns else np.empty((len(rows.actual), 0))


def _spread(rows: Watched, learnt: Watched, place: int) -> Numbers:
    """Return a column as its size, whether it is null or 0, and which tenth of the learnt it is."""
    values, known = rows.matrix[:, place], learnt.matrix[:, place]
    known, filled = known[~np.isnan(known)], np.nan_to_num(values)
    steps = np.linspace(0, 1, COUNT_BINS + 1)[1:-1]
    edges = np.unique(np.quantile(known, steps)) if len(known) else np.empty(0)
    bins = np.searchsorted(edges, filled, side="right")
    size = np.sign(filled) * np.log1p(np.abs(filled))
    flags = np.column_stack([size, np.isnan(values), filled == 0])
    return np.hstack([flags, np.eye(len(edges) + 1)[bins]])


def _fewest(outcomes: Outcomes) -> int:
    """Return how many rows have the rarer outcome."""
    return int(min(outcomes.sum(), (~outcomes).sum()))


def _limits(flags: Outcomes) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    count, share, square = len(flags), float(flags.mean()), NORMAL_95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    around = sqrt(share * (1 - share) / count + square / (4 * count**2))
    around *= NORMAL_95 / (1 + square / count)
    return middle - around, middle + around
