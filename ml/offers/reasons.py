"""Why an offer is what it is: what moves the odds of buying, and of this product."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ml.offers.baskets import Baskets
from ml.offers.lists import Offers, Taste
from ml.offers.odds import FACTS, OfferOdds, buyer_design, customer_facts, offer_design
from ml.prediction import Reason, strongest

BUYING = "odds of a purchase"
PRODUCT = "odds of this product"
STRENGTH, CATEGORY_LIFT = 0, 1


def usual_offers(offers: Offers, facts: pd.DataFrame) -> dict[str, Any]:
    """Return the median customer, and the median strength of the offers of each list."""
    medians = {name: float(facts[name].median()) for name in FACTS}
    again, new = (offers.strength[rows] for rows in (~offers.is_new, offers.is_new))
    return {
        "customer": medians,
        "again": float(np.median(again)) if len(again) else 1.0,
        "new": float(np.median(new)) if len(new) else 0.0,
    }


def explain_offers(
    offers: Offers, baskets: Baskets, taste: Taste, odds: OfferOdds, usual: dict[str, Any]
) -> tuple[Reason, ...]:
    """Return what moves the first customer's odds and those of each list's best, strongest first.

    Each is the exact difference of terms of the log odds to those of the median customer, or of an
    offer with the median strength of its list and no more of its category than usual.
    """
    facts = customer_facts(baskets)
    reasons = _of_customer(facts, odds, usual["customer"])
    fits = odds.fit(offers, facts, baskets, taste)
    for of_list in (offers.is_new, ~offers.is_new):
        mine = np.flatnonzero((offers.customer == 0) & of_list)
        if len(mine):
            best = _copies(offers, mine[np.argmax(fits[mine])])
            reasons.append(_of_offer(best, facts, baskets, taste, odds, usual))
    return strongest(reasons)


def _of_customer(facts: pd.DataFrame, odds: OfferOdds, usual: dict[str, float]) -> list[Reason]:
    both = pd.DataFrame([facts.iloc[0].to_dict(), usual])
    own, normal = odds.buying.terms(buyer_design(both))
    return [
        Reason(
            subject, float(both[name][0]), usual[name],
            float(np.exp(own[column] - normal[column])), BUYING,
        )
        for column, (name, subject) in enumerate(FACTS.items())
    ]  # fmt: skip


def _of_offer(
    twice: Offers,
    facts: pd.DataFrame,
    baskets: Baskets,
    taste: Taste,
    odds: OfferOdds,
    usual: dict[str, Any],
) -> Reason:
    """Return how strength and category of an offer (there twice) move its odds from the usual."""
    is_new, because = bool(twice.is_new[0]), int(twice.because[0])
    twice.strength[1] = usual["new" if is_new else "again"]
    model = odds.new if is_new else odds.again
    design = offer_design(twice, facts, baskets, taste)
    design[1, CATEGORY_LIFT] = 0.0
    own, normal = model.terms(design)[:, [STRENGTH, CATEGORY_LIFT]].sum(axis=1)
    name = baskets.items[twice.item[0]]
    after = f" after {baskets.items[because]}" if because >= 0 else ""
    subject = f"Affinity to {name}{after}" if is_new else f"Own purchases of {name}, fading"
    value, normal_value = (float(strength) for strength in twice.strength)
    return Reason(subject, value, normal_value, float(np.exp(own - normal)), PRODUCT)


def _copies(offers: Offers, row: int) -> Offers:
    """Return one offer twice."""
    return Offers(**{name: np.repeat(values[row], 2) for name, values in vars(offers).items()})
