"""Days on which customers bought, as arrays: what every summary of purchases starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.names import coded
from ml.times import naive_utc

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

DAY_BITS = 24


@dataclass(frozen=True)
class PurchaseDays:
    """One entry per customer and day with a purchase, by customer and day.

    `customers` are the ids, in order; `customer` is the place of an entry's own among them, `day`
    counts from 1970 on, `margin` is the sum of that day.
    """

    customers: npt.NDArray[Any]
    customer: Integers
    day: Integers
    margin: Numbers

    @property
    def firsts(self) -> Integers:
        """Return where the entries of each customer begin."""
        return np.flatnonzero(_begins(self.customer))

    @property
    def lasts(self) -> Integers:
        """Return where the entries of each customer end."""
        return np.flatnonzero(_begins(self.customer[::-1])[::-1])


def purchase_days(purchases: pd.DataFrame, *, as_of: pd.Timestamp) -> PurchaseDays:
    """Return the days of purchases before a moment; purchases of one day are one.

    Takes purchases (customer_id, occurred_at, margin_amount). The margins of a day are summed in
    the order they are given in.
    """
    times = naive_utc(purchases["occurred_at"])
    is_known = (times < as_of).to_numpy()
    customer, customers = coded(purchases["customer_id"])
    day = times.to_numpy("datetime64[D]").astype(np.int64)
    # One number per customer and day, so that one sort of whole numbers does.
    key = ((customer << DAY_BITS) | (day + 2 ** (DAY_BITS - 1)))[is_known]
    margin = purchases["margin_amount"].to_numpy(np.float64)[is_known]
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key, kind="stable")
        key, margin = key[order], margin[order]
    begins = _begins(key)
    entry = np.cumsum(begins) - 1
    own, day = key[begins] >> DAY_BITS, (key[begins] & (2**DAY_BITS - 1)) - 2 ** (DAY_BITS - 1)
    # Whose purchases are all of later is nobody yet.
    seen, place = np.unique(own, return_inverse=True)
    sums = np.bincount(entry, margin, minlength=len(own)).astype(np.float64, copy=False)
    return PurchaseDays(customers[seen], place, day, sums)


def as_dates(days: Integers) -> npt.NDArray[np.datetime64]:
    """Return days since 1970 as timestamps."""
    return days.astype("datetime64[D]").astype("datetime64[us]")


def _begins(values: Integers) -> npt.NDArray[np.bool_]:
    """Say which values differ from the one before; the first one does."""
    if not len(values):
        return np.zeros(0, dtype=bool)
    return np.append(True, values[1:] != values[:-1])
