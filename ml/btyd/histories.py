"""All that a purchase history says to these models: repeats, recency, age; equal ones are one row.

Schmittlein, Morrison & Colombo 1987, "Counting your customers", show that nothing else is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.errors import HistoryError
from ml.purchase_days import purchase_days

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

DAY_BITS = 20
LONGEST = 2**DAY_BITS - 1
# Flags for every whole number, or pair of two, that there may be; where they are more, what is
# there is sorted.
MOST_FLAGS = 4_000_000


@dataclass(frozen=True)
class Axis:
    """The distinct values of one column and where each row finds its own."""

    values: Numbers
    places: npt.NDArray[np.intp]

    def sums(self, amounts: Numbers) -> Numbers:
        """Return the sum of row amounts per distinct value."""
        sums = np.bincount(self.places, amounts, minlength=len(self.values))
        return np.asarray(sums, dtype=np.float64)


@dataclass(frozen=True)
class Histories:
    """Distinct histories in days, how many customers have each, and which one a customer has."""

    repeats: Integers
    recency_days: Integers
    age_days: Integers
    counts: Numbers
    customers: npt.NDArray[np.intp]

    @cached_property
    def by_repeats(self) -> Axis:
        """Return the distinct numbers of repeat purchases."""
        return _axis(self.repeats)

    @cached_property
    def by_recency(self) -> Axis:
        """Return the distinct days from the first to the last purchase."""
        return _axis(self.recency_days)

    @cached_property
    def by_age(self) -> Axis:
        """Return the distinct days from the first purchase until now."""
        return _axis(self.age_days)

    @cached_property
    def by_repeats_and_age(self) -> tuple[Numbers, Numbers, npt.NDArray[np.intp]]:
        """Return the distinct pairs of repeats and age, and where each row finds its own."""
        repeats, age = self.by_repeats, self.by_age
        pair = repeats.places * len(age.values) + age.places
        pairs, places = _distinct(pair, len(repeats.values) * len(age.values))
        own, at = np.divmod(pairs, max(len(age.values), 1))
        return repeats.values[own], age.values[at], places

    def thinned(self, at_most: int) -> Histories:
        """Return about so many of the histories, evenly from all kinds; nobody is told theirs."""
        step = max(-(-len(self.counts) // at_most), 1)
        return Histories(
            self.repeats[::step],
            self.recency_days[::step],
            self.age_days[::step],
            self.counts[::step],
            np.zeros(0, dtype=np.intp),
        )

    @cached_property
    def customers_by_repeats(self) -> Numbers:
        """Return the customers per distinct number of repeat purchases."""
        return self.by_repeats.sums(self.counts)

    @cached_property
    def customers_by_age(self) -> Numbers:
        """Return the customers per distinct age."""
        return self.by_age.sums(self.counts)

    @cached_property
    def repeats_by_age(self) -> Numbers:
        """Return the repeat purchases of all customers per distinct age."""
        return self.by_age.sums(self.counts * self.repeats)


def group(
    repeats: npt.ArrayLike, recency_days: npt.ArrayLike, age_days: npt.ArrayLike
) -> Histories:
    """Group customers with equal histories.

    Takes whole numbers per customer: purchase days after the first one, days from the first to the
    last, and days from the first until now. Raises HistoryError where time goes backwards.
    """
    columns = [np.asarray(values) for values in (repeats, recency_days, age_days)]
    x, recency, age = (_whole(values) for values in columns)
    _check(x, recency, age)
    keys = (x << 2 * DAY_BITS) | (recency << DAY_BITS) | age
    distinct, customers, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return Histories(
        repeats=distinct >> 2 * DAY_BITS,
        recency_days=(distinct >> DAY_BITS) & LONGEST,
        age_days=distinct & LONGEST,
        counts=counts.astype(np.float64),
        customers=customers,
    )


def summarise(purchases: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return one row per customer who bought before a moment, by customer_id.

    Takes purchases (customer_id, occurred_at, margin_amount). Purchases of one day are one.
    Columns: repeats, recency_days, age_days, mean_margin (per day with a purchase) and
    margin_deviation, the sum of the days' squared differences from it.
    """
    days = purchase_days(purchases, as_of=as_of)
    first, last = days.firsts, days.lasts
    count = last - first + 1
    mean = np.bincount(days.customer, days.margin, minlength=len(first)) / count
    squares = (days.margin - mean[days.customer]) ** 2
    today = as_of.normalize().to_datetime64().astype("datetime64[D]").astype(np.int64)
    return pd.DataFrame(
        {
            "repeats": count - 1,
            "recency_days": days.day[last] - days.day[first],
            "age_days": today - days.day[first],
            "mean_margin": mean,
            "margin_deviation": np.bincount(days.customer, squares, minlength=len(first)),
        },
        index=pd.Index(days.customers, dtype="str", name="customer_id"),
    )


def _axis(values: Integers) -> Axis:
    distinct, places = _distinct(values, int(values.max(initial=0)) + 1)
    return Axis(distinct.astype(np.float64), places)


def _distinct(keys: Integers, size: int) -> tuple[Integers, npt.NDArray[np.intp]]:
    """Return the distinct ones of keys from 0 to below a size, and where each finds its own."""
    if size > MOST_FLAGS:
        return np.unique(keys, return_inverse=True)
    is_there = np.zeros(size, dtype=bool)
    is_there[keys] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[keys]


def _whole(values: npt.NDArray[Any]) -> Integers:
    """Return whole numbers, refusing nulls and fractions."""
    is_whole = np.isfinite(values) & (values == np.floor(values))
    if not is_whole.all():
        count = int((~is_whole).sum())
        raise HistoryError(f"{count} values of histories are no whole numbers. Count days.")
    return values.astype(np.int64)


def _check(repeats: Integers, recency_days: Integers, age_days: Integers) -> None:
    """Refuse what cannot have happened."""
    backwards = (repeats < 0) | (recency_days < 0) | (recency_days > age_days)
    if backwards.any():
        raise HistoryError(
            f"Time goes backwards in {int(backwards.sum())} of {len(repeats)} histories. "
            "The last purchase must lie between the first one and now."
        )
    if len(repeats) and (repeats.max() >= 2**22 or age_days.max() > LONGEST):
        raise HistoryError("A history has over four million purchases or days. Check its times.")
