"""How much of what customers bought stood on the lists that they would have been offered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation import Numbers
from ml.offers.baskets import Baskets, Integers
from ml.offers.lists import Offers, Taste, joined, offer_again, offer_new
from ml.offers.odds import was_bought

COUNT_JUDGED = 10


@dataclass(frozen=True)
class Recalls:
    """Recall at ten of each customer who bought something new, and of each who bought at all.

    Products found among the first ten / products bought, at most ten. Lists of new products are
    judged on what was new to the customer, the list of all (own purchases first) on everything.
    """

    new: Numbers
    all: Numbers


def measure_recalls(baskets: Baskets, taste: Taste, bought: pd.DataFrame) -> Recalls:
    """Judge a taste by what was bought after the moment of the baskets (bought_within).

    What nobody had bought before is left out: no list can hold it.
    """
    known = bought[bought["item"] >= 0]
    customers = known["customer"].unique().astype(np.int64)
    new = offer_new(baskets, taste, count=COUNT_JUDGED, customers=customers)
    again = offer_again(baskets, taste.popularity, count=COUNT_JUDGED)
    again = _chosen(again, np.isin(again.customer, customers))
    combined = joined([again, new])
    rank = pd.Series(combined.customer).groupby(combined.customer).cumcount().to_numpy()
    every = _chosen(combined, rank < COUNT_JUDGED)
    is_owned = _is_owned(known, baskets)
    return Recalls(
        _recall(new, known[~is_owned], baskets),
        _recall(every, known, baskets),
    )


def _recall(offers: Offers, bought: pd.DataFrame, baskets: Baskets) -> Numbers:
    """Return the recall of each customer with a purchase, in the order of their places."""
    size = len(baskets.customers)
    found = np.bincount(offers.customer[was_bought(offers, bought, baskets)], minlength=size)
    wanted = np.bincount(bought["customer"].to_numpy(np.int64), minlength=size)
    is_judged = wanted > 0
    recall: Numbers = found[is_judged] / np.minimum(wanted[is_judged], COUNT_JUDGED)
    return recall


def _is_owned(bought: pd.DataFrame, baskets: Baskets) -> np.ndarray:
    size = len(baskets.items)
    pairs: Integers = bought["customer"].to_numpy(np.int64) * size + bought["item"]
    return np.isin(pairs, baskets.customer * size + baskets.item)


def _chosen(offers: Offers, rows: np.ndarray) -> Offers:
    return Offers(**{name: values[rows] for name, values in vars(offers).items()})
