"""How probable it is that an offer is bought: that the customer buys, and that it is this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.baskets import Baskets
from ml.evaluation import Numbers, Outcomes
from ml.features import Matrix
from ml.logistic import Logistic, learn_logistic
from ml.offers import FLOOR, Offers, Taste

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

    def fit(self, offers: Offers, taste: Taste, facts: pd.DataFrame) -> Numbers:
        """Return the probability of each offer that it is bought by who buys anything."""
        design = offer_design(offers, taste, facts)
        return np.where(offers.is_new, self.new.probability(design), self.again.probability(design))

    def as_plain(self) -> dict[str, Any]:
        """Return what was learnt as plain data."""
        return {name: getattr(self, name).as_plain() for name in ("buying", "again", "new")}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> OfferOdds:
        """Return what plain data describes."""
        return cls(*(Logistic.from_plain(content[name]) for name in ("buying", "again", "new")))


def customer_facts(baskets: Baskets) -> pd.DataFrame:
    """Return one row per customer of the baskets with the columns of FACTS."""
    days = pd.DataFrame({"customer": baskets.customer, "age": baskets.age_days})
    visits = days.drop_duplicates().groupby("customer")["age"].agg(["min", "max", "size"])
    entries = np.bincount(baskets.customer, minlength=len(baskets.customers))
    columns = (visits["min"], visits["max"], visits["size"], entries / visits["size"])
    return pd.DataFrame(
        {name: column.to_numpy(float) for name, column in zip(FACTS, columns, strict=True)}
    )


def buyer_design(facts: pd.DataFrame) -> Matrix:
    """Return the logarithms that the odds of buying are learnt on."""
    design: Matrix = np.log1p(facts[list(FACTS)].to_numpy(float))
    return design


def offer_design(offers: Offers, taste: Taste, facts: pd.DataFrame) -> Matrix:
    """Return per offer: log strength, log popularity, log purchase days, log products per day."""
    floor = np.where(offers.is_new, FLOOR * taste.usual_affinity + 1e-12, 0.0)
    buyer = facts[["count_days", "products_per_day"]].to_numpy(float)[offers.customer]
    return np.column_stack(
        [
            np.log(np.maximum(offers.strength + floor, 1e-12)),
            np.log(taste.popularity[offers.item]),
            np.log1p(buyer),
        ]
    )


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
    design, actual = offer_design(offers, taste, facts), was_bought(offers, bought, baskets)
    of_buyer = is_buyer[offers.customer]
    again, new = (
        learn_logistic(design[rows], actual[rows])
        for rows in (of_buyer & ~offers.is_new, of_buyer & offers.is_new)
    )
    return OfferOdds(learn_logistic(buyer_design(facts), is_buyer), again, new)
