"""What a second purchase is worth: the margin of the year it begins, by the first purchase's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.btyd.histories import Numbers
from ml.second.first_buyers import first_buyers

VALUE_DAYS = 365
# Fewer returned customers with a complete year tell nothing.
LEAST_RETURNED = 50
STEPS = 5
# Customers that the shop's mean stands for in every step.
PRIOR_CUSTOMERS = 20.0


@dataclass(frozen=True)
class SecondValue:
    """Margin of the year that a second purchase begins, by step of the first purchase's margin."""

    edges: tuple[float, ...]
    values: tuple[float, ...]
    count: int

    def of(self, first_margin: Numbers) -> Numbers:
        """Return the value of a second purchase of each customer; none where nothing was learnt."""
        if not self.values:
            return np.full(len(first_margin), np.nan)
        steps = np.searchsorted(np.asarray(self.edges), first_margin, side="right")
        values: Numbers = np.asarray(self.values, dtype=np.float64)[steps]
        return values

    def as_plain(self) -> dict[str, Any]:
        """Return what was learnt as plain JSON data."""
        return {"edges": list(self.edges), "values": list(self.values), "count": self.count}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> SecondValue:
        """Return what plain data describes."""
        return cls(tuple(content["edges"]), tuple(content["values"]), content["count"])


def learn_value(purchases: pd.DataFrame, *, as_of: pd.Timestamp) -> SecondValue:
    """Learn from those whose year after the second purchase, itself included, is over.

    Takes known purchases. Means per fifth of the first margin, drawn to the mean of all. With too
    few of them nothing is learnt: an unfinished year would make it look cheap.
    """
    buyers = first_buyers(purchases, as_of=as_of)
    year = pd.Timedelta(days=VALUE_DAYS)
    returned = buyers[buyers["second_day"] + year <= as_of]
    if len(returned) < LEAST_RETURNED:
        return SecondValue((), (), len(returned))
    seconds = returned["second_day"].reindex(purchases["customer_id"]).to_numpy()
    times = purchases["occurred_at"].to_numpy()
    is_inside = (times >= seconds) & (times < seconds + year.to_timedelta64())
    sums = purchases[is_inside].groupby("customer_id")["margin_amount"].sum()
    margin = sums.reindex(returned.index, fill_value=0.0).to_numpy(np.float64)
    first = returned["first_margin"].to_numpy(np.float64)
    edges = np.unique(np.quantile(first, np.linspace(0, 1, STEPS + 1)[1:-1]))
    steps = np.searchsorted(edges, first, side="right")
    counts = np.bincount(steps, minlength=len(edges) + 1)
    totals = np.bincount(steps, weights=margin, minlength=len(edges) + 1)
    values = (totals + PRIOR_CUSTOMERS * margin.mean()) / (counts + PRIOR_CUSTOMERS)
    return SecondValue(tuple(edges.tolist()), tuple(values.tolist()), len(returned))
