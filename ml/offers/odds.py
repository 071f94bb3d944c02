"""How probable it is that an offer is bought: that the customer buys, and that it is this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.evaluation import Numbers, Outcomes
from ml.features import Matrix
from ml.logistic import Logistic, learn_logistic
from ml.offers.baskets import Baskets, Integers
from ml.offers.lists import FLOOR, Offers, Taste

# Purchases of the shop's mean that are mixed into what somebody bought by category.
PRIOR_PURCHASES = 1.0
# Customers times categories that are counted at once, one place for each pair; more are sorted.
MOST_COUNTS = 4_000_000
FACTS = {
    "days_since_last": "Days since the last purchase",
    "days_since_first": "Days since the first purchase",
    "count_days": "Days with a purchase",
    "products_per_day": "Products per day with a purchase",
}


@dataclass(frozen=True)
class OfferOdds:
    """P(buys anything), and among buyers P(buys the product) by list; within the horizon."""

    buying: Logistic
    again: Logistic
    new: Logistic

    def purchase(self, facts: pd.DataFrame) -> Numbers:
        """Return the probability that each customer (rows of customer_facts) buys anything."""
        return self.buying.probability(buyer_design(facts))

    def fit(self, offers: Offers, facts: pd.DataFrame, baskets: Baskets, taste: Taste) -> Numbers:
        """Return the probability of each offer that it is bought by who buys anything.

        `facts` are the customer_facts of the baskets.
        """
        design = offer_design(offers, facts, baskets, taste)
        found = np.empty(len(design))
        for model, rows in ((self.new, _run(offers.is_new)), (self.again, _run(~offers.is_new))):
            found[rows] = model.probability(design[rows])
        return found

    def as_plain(self) -> dict[str, Any]:
        """Return what was learnt as plain data."""
        return {name: getattr(self, name).as_plain() for name in ("buying", "again", "new")}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> OfferOdds:
        """Return what plain data describes."""
        return cls(*(Logistic.from_plain(content[name]) for name in ("buying", "again", "new")))


def customer_facts(baskets: Baskets) -> pd.DataFrame:
    """Return one row per customer of the baskets with the columns of FACTS."""
    size = int(baskets.age_days.max(initial=0)) + 1
    # The distinct days of each customer, the newest one first.
    keys = np.sort(baskets.customer * size + baskets.age_days)
    customer, age = np.divmod(keys[np.flatnonzero(np.diff(keys, prepend=-1))], size)
    begins = np.flatnonzero(np.diff(customer, prepend=-1))
    ends = np.flatnonzero(np.diff(customer, append=-1))
    days, entries = ends - begins + 1, np.bincount(baskets.customer)
    columns = (age[begins], age[ends], days, entries / days)
    return pd.DataFrame(
        {name: column.astype(np.float64) for name, column in zip(FACTS, columns, strict=True)}
    )


def buyer_design(facts: pd.DataFrame) -> Matrix:
    """Return the logarithms that the odds of buying are learnt on."""
    design: Matrix = np.log1p(facts[list(FACTS)].to_numpy(float))
    return design


def offer_design(offers: Offers, facts: pd.DataFrame, baskets: Baskets, taste: Taste) -> Matrix:
    """Return what the odds of an offer are learnt on, as logarithms.

    Strength, lift of its category, popularity; purchase days and products per day of the customer.
    """
    floor = np.where(offers.is_new, FLOOR * taste.usual_affinity + 1e-12, 0.0)
    buyer = np.log1p(facts[["count_days", "products_per_day"]].to_numpy(float))
    columns = (
        np.log(np.maximum(offers.strength + floor, 1e-12)),
        category_lift(offers, baskets, taste),
        np.log(taste.popularity)[offers.item],
        *(column[offers.customer] for column in buyer.T),
    )
    # Column by column in memory, as the odds are summed.
    design = np.empty((len(offers.item), len(columns)), order="F")
    for place, column in enumerate(columns):
        design[:, place] = column
    return design


def category_lift(offers: Offers, baskets: Baskets, taste: Taste) -> Numbers:
    """Return log(share of an offer's category in own purchases / in the shop's); 0 without one.

    One purchase of the shop's mean is mixed in.
    """
    size = len(taste.category_share)
    entries = baskets.category[baskets.item]
    known = entries >= 0
    if not known.any():
        return np.zeros(len(offers.item))
    total = np.bincount(baskets.customer, minlength=len(baskets.customers))[offers.customer]
    category = baskets.category[offers.item]
    own = _counts(
        baskets.customer[known] * size + entries[known],
        offers.customer * size + category,
        most=len(baskets.customers) * size,
    )
    usual = np.maximum(taste.category_share[category], 1e-9)
    lift = np.log((own + PRIOR_PURCHASES * usual) / (total + PRIOR_PURCHASES) / usual)
    return np.where(category >= 0, lift, 0.0)


def _counts(keys: Integers, wanted: Integers, *, most: int) -> Integers:
    """Return how often each wanted key is there; keys are below `most`, and there is one."""
    if most <= MOST_COUNTS:
        counts: Integers = np.bincount(keys, minlength=most)[wanted]
        return counts
    there, times = np.unique(keys, return_counts=True)
    place = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    return np.where(there[place] == wanted, times[place], 0)


def _run(rows: Outcomes) -> Any:
    """Return flags as a slice where they are one run, so that what they choose is no copy."""
    places = np.flatnonzero(rows)
    if not len(places) or places[-1] - places[0] + 1 != len(places):
        return rows
    return slice(int(places[0]), int(places[-1]) + 1)


def was_bought(offers: Offers, bought: pd.DataFrame, baskets: Baskets) -> Outcomes:
    """Tell which offers are among the pairs of baskets.bought_within."""
    size = len(baskets.items)
    known = bought[bought["item"] >= 0]
    pairs = known["customer"].to_numpy(np.int64) * size + known["item"].to_numpy(np.int64)
    return np.isin(offers.customer * size + offers.item, pairs)


def learn_odds(offers: Offers, baskets: Baskets, taste: Taste, bought: pd.DataFrame) -> OfferOdds:
    """Learn from offers made at the moment of the baskets and what was bought in a window then."""
    facts = customer_facts(baskets)
    is_buyer = np.isin(np.arange(len(facts)), bought["customer"])
    design = offer_design(offers, facts, baskets, taste)
    actual = was_bought(offers, bought, baskets)
    of_buyer = is_buyer[offers.customer]
    again, new = (
        learn_logistic(design[rows], actual[rows])
        for rows in (of_buyer & ~offers.is_new, of_buyer & offers.is_new)
    )
    return OfferOdds(learn_logistic(buyer_design(facts), is_buyer), again, new)
