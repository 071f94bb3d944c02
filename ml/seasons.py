"""How many times the usual purchases some days bring, and what that makes of a probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation import Numbers
from ml.windows import Window

MONTHS = 12
COLUMNS = ("valid_from", "month_start", "season_index")
UNKNOWN = pd.DataFrame({name: pd.Series(dtype="datetime64[us]") for name in COLUMNS})
# Of a month set by hand in which nobody buys: nothing could be learnt from it otherwise.
LOWEST = 0.01
# Orders expected of one customer: from none to certainty, finer than any probability is told.
RATES = np.concatenate([[0.0], np.geomspace(1e-7, 1e4, 5_000)])

Level = tuple[float, float]
"""A season, and the share of the rows that were learnt in it."""


@dataclass(frozen=True)
class Seasons:
    """The index of each month, January first: how many times the usual purchases it brings."""

    indices: tuple[float, ...] = (1.0,) * MONTHS

    def over(self, begins_at: pd.Timestamp, *, days: int) -> float:
        """Return the mean index of so many days from a moment on."""
        months = pd.date_range(begins_at.normalize(), periods=days, freq="D").month
        return float(np.asarray(self.indices)[months.to_numpy() - 1].mean())


def known(frame: pd.DataFrame, moment: pd.Timestamp) -> Seasons:
    """Return the seasons as they were known at a moment; a month without an index is usual.

    Takes COLUMNS of `int_season_months_dated`: what each version of the rules said of each month.
    """
    rows = frame[(frame["valid_from"] <= moment)]
    newest = rows["valid_from"].max()
    rows = rows[(rows["valid_from"] == newest) & (rows["month_start"] >= newest)]
    coming = rows.sort_values("month_start").head(MONTHS)
    indices = [1.0] * MONTHS
    for month, index in zip(coming["month_start"].dt.month, coming["season_index"], strict=True):
        indices[month - 1] = max(float(index), LOWEST)
    return Seasons(tuple(indices))


def levels(windows: Sequence[Window], months: Seasons) -> list[Level]:
    """Return the season of each window, with its share of all rows."""
    count = sum(len(window.actual) for window in windows)
    return [
        (
            months.over(window.as_of, days=(window.ends_at - window.as_of).days),
            len(window.actual) / count,
        )
        for window in windows
    ]


def mean(levels: Sequence[Level]) -> float:
    """Return the season that was learnt from on average."""
    return sum(level * share for level, share in levels)


def moved(probability: Numbers, learnt: Sequence[Level], season: float) -> Numbers:
    """Return what probabilities of an order become in another season than they were learnt in.

    A season multiplies the rate at which somebody orders (docs/decisions/0032), so with the rate r
    no order comes with the probability exp(-r x season). What was learnt from several seasons is
    the mean over them; r is found from it, and told for the season that comes. The order of
    customers stays, and so do probabilities learnt in no other season.
    """
    if all(level == season for level, _ in learnt):
        return probability
    before = sum(share * -np.expm1(-RATES * level) for level, share in learnt)
    moved_to: Numbers = np.interp(probability, before, -np.expm1(-RATES * season))
    return moved_to
