"""Which rows of leads belong to whom: joined by number, as names are dear to compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.names import coded, places_of

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LeadRows:
    """The rows of each customer: `order` has the rows by customer, `starts` and `counts` where."""

    customers: pd.Index
    order: Integers
    starts: Integers
    counts: Integers

    @property
    def count(self) -> int:
        """Return how many rows there are."""
        return len(self.order)

    @classmethod
    def of(cls, customers: pd.Series) -> LeadRows:
        """Return the rows of customers, one row per entry."""
        codes, names = coded(customers)
        counts = np.bincount(codes, minlength=len(names)).astype(np.int64)
        starts = np.cumsum(counts) - counts
        return cls(pd.Index(names), np.argsort(codes, kind="stable"), starts, counts)

    def place(self, customers: pd.Series) -> Integers:
        """Return the number of each customer, -1 for who has no row."""
        return places_of(customers, self.customers)

    def pairs(self, places: Integers) -> tuple[Integers, Integers]:
        """Return each entry of customers' numbers with each of its rows: entry and row."""
        lengths = self.counts[places]
        entry = np.repeat(np.arange(len(places)), lengths)
        within = np.arange(len(entry)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return entry, self.order[self.starts[places][entry] + within]
