"""What purchases alone say of customers at a date of their own: columns that cannot know more."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation import Numbers
from ml.windows import Customers

SPANS = (30, 90, 180, 365)
Moments = npt.NDArray[np.datetime64]


def history_columns(purchases: pd.DataFrame, customers: Customers, moments: Moments) -> Numbers:
    """Return rows x 8 logarithms: days since last and first, count, mean gap, recent counts.

    Takes purchases (customer_id, occurred_at), and a customer with a date per row: only purchases
    before the date are looked at. Who bought nothing has zeros.
    """
    values = np.zeros((len(customers), 4 + len(SPANS)))
    for moment, rows in _by_moment(moments):
        values[rows] = _columns_at(purchases, customers[rows], moment)
    return values


def _columns_at(purchases: pd.DataFrame, customers: Customers, as_of: pd.Timestamp) -> Numbers:
    known = purchases[purchases["occurred_at"] < as_of]
    grouped = known.groupby("customer_id")["occurred_at"]
    last, first, count = grouped.max(), grouped.min(), grouped.size()
    columns = {
        "last": (as_of - last).dt.days,
        "first": (as_of - first).dt.days,
        "count": count,
        "gap": (last - first).dt.days / (count - 1).clip(lower=1),
    }
    for span in SPANS:
        recent = known[known["occurred_at"] >= as_of - pd.Timedelta(days=span)]
        columns[f"count_{span}"] = recent.groupby("customer_id").size().reindex(count.index)
    rows = pd.DataFrame(columns).reindex(customers).fillna(0.0)
    values: Numbers = np.log1p(rows.to_numpy(np.float64))
    return values


def _by_moment(moments: Moments) -> Iterator[tuple[pd.Timestamp, npt.NDArray[np.intp]]]:
    distinct, places = np.unique(moments, return_inverse=True)
    for number, moment in enumerate(distinct):
        yield pd.Timestamp(moment), np.flatnonzero(places == number)
