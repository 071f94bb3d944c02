"""next_offer: which products a customer will buy next, new ones and known ones, and how surely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array

from ml import evaluation, promotion
from ml.drift import told_drift
from ml.errors import LabelError
from ml.evaluation import Gate, Numbers, Outcomes
from ml.names import named
from ml.offers.baskets import LINES, Baskets, baskets_at, known_lines
from ml.offers.lists import (
    AGAIN,
    EASE,
    KINDS,
    NEW,
    POPULARITY,
    Offers,
    Taste,
    learn_taste,
    offer_again,
    offer_new,
    together,
)
from ml.offers.odds import FACTS, OfferOdds, customer_facts, learn_odds, was_bought
from ml.offers.reasons import explain_offers, usual_offers
from ml.offers.recall import measure_recalls
from ml.offers.report import card, describe
from ml.offers.windows import OfferWindow, offer_gates, window_before
from ml.prediction import (
    Column,
    Frames,
    Input,
    Model,
    Reason,
    Refused,
    Trained,
    content_name,
    typed,
)
from ml.times import instant

NAME = "next_offer"
NAIVE_RULE = "offer what most customers bought in the last 28 days"
KEY = ("customer_id", "sku")
HORIZON_DAYS = 90
RECIPE = 1
# Offers per customer and list, for rules and margins to choose among: with five the best ones
# brought 77 % of what the simulator's truth allows, with eight 82 %.
COUNT_OFFERS = 8
CUSTOMERS = Input("insight.customer_features", ("customer_id", "as_of"), "is_current")
TRAINING = {"lines": LINES}
SCORING = {"customers": CUSTOMERS, "lines": LINES}
RESULT = {
    "customer_id": Column("category"),
    "model_name": Column("category"),
    "horizon_days": Column("int32", lowest=1),
    "as_of": Column("datetime64[us]"),
    "sku": Column("category"),
    "offer_list": Column("category"),
    "list_position": Column("int32", lowest=1, highest=COUNT_OFFERS),
    "purchase_probability": Column("float64", lowest=0, highest=1),
    "product_fit": Column("float64", lowest=0, highest=1),
    "conversion_probability": Column("float64", lowest=0, highest=1),
    "because_sku": Column("category"),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Learn tastes as of a past date, judge the lists on what was bought after it, and refit.

    Takes `lines` (customer_id, sku, category, occurred_at); those at or after `as_of` are ignored.
    Of the two last horizons, the older one teaches the odds that the newer one is told with. EASE
    times recent popularity is published when it finds more of what is new to customers (recall at
    ten, 95 % confidence) than popularity alone. Returns Refused with reasons when data is too thin.
    """
    moment = instant(as_of)
    try:
        known = known_lines(frames["lines"], known_until=moment)
        window = window_before(known, moment, days=horizon_days, steps=1)
        gates = offer_gates(known, moment, window, days=horizon_days)
        failures = evaluation.failures(gates)
        if failures:
            return Refused(NAME, horizon_days, moment, failures, gates)
        return _train(known, moment, window, horizon_days, seed, gates)
    except LabelError as error:
        return Refused(NAME, horizon_days, moment, (str(error),))


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return up to eight products to buy again and eight new ones per customer of `customers`.

    Takes `lines`, and `customers` (customer_id, as_of), all of one moment; lines after it, and
    products that the model does not know, are ignored. Who bought none of them has no row.
    conversion_probability = purchase_probability x product_fit.
    """
    taste, odds, baskets = _read(model, frames)
    offers = make_offers(baskets, taste)
    facts = customer_facts(baskets)
    purchase, fits = odds.purchase(facts)[offers.customer], odds.fit(offers, facts, baskets, taste)
    columns: dict[str, Any] = {
        "customer_id": named(baskets.customers, offers.customer),
        "model_name": model.name,
        "horizon_days": model.horizon_days,
        "as_of": baskets.as_of,
        "sku": named(baskets.items, offers.item),
        "offer_list": named((AGAIN, NEW), offers.is_new.astype(np.int64)),
        "list_position": offers.position,
        "purchase_probability": purchase,
        "product_fit": fits,
        "conversion_probability": purchase * fits,
        "because_sku": named(baskets.items, offers.because),
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return what moves the odds of the first customer's likeliest offers against the usual."""
    taste, odds, baskets = _read(model, frames)
    if not len(baskets):
        return ()
    return explain_offers(make_offers(baskets, taste), baskets, taste, odds, model.parts["usual"])


def make_offers(baskets: Baskets, taste: Taste) -> Offers:
    """Return both lists of every customer of the baskets, first all of one list."""
    again = offer_again(baskets, taste.popularity, count=COUNT_OFFERS)
    return together([again, offer_new(baskets, taste, count=COUNT_OFFERS)])


def _read(model: Model, frames: Frames) -> tuple[Taste, OfferOdds, Baskets]:
    """Return what was learnt, and what the customers have bought by their moment."""
    customers = frames["customers"]
    moment = instant(customers["as_of"].max()) if len(customers) else model.as_of
    meant = customers["customer_id"]
    known = known_lines(frames["lines"], known_until=moment, customers=meant)
    parts = model.parts
    shares = (parts["popularity"], parts["category_share"])
    taste = Taste(*shares, parts["weights"], parts["usual_affinity"])
    items = (parts["items"], parts["category"])
    odds = OfferOdds.from_plain(parts["odds"])
    return taste, odds, baskets_at(known, as_of=moment, items=items)


def _train(
    known: pd.DataFrame,
    moment: pd.Timestamp,
    window: OfferWindow,
    horizon_days: int,
    seed: int,
    gates: tuple[Gate, ...],
) -> Trained:
    """Judge both kinds on the newest window, then refit on all that is known."""
    tastes = {kind: learn_taste(kind, window.baskets) for kind in KINDS}
    recalls = {
        kind: measure_recalls(window.baskets, taste, window.bought)
        for kind, taste in tastes.items()
    }
    gain = evaluation.paired_interval(recalls[EASE].new - recalls[POPULARITY].new, seed=seed)
    choice = promotion.choose_by_gain(POPULARITY, EASE, gain, "Recall at ten of new products")
    older = window_before(known, moment, days=horizon_days, steps=2)
    now = baskets_at(known, as_of=moment)
    identity = _identity(known, moment, horizon_days, seed)

    def publish(kind: str) -> Model:
        odds, taste = _learn_odds(window, tastes[kind]), learn_taste(kind, now)
        parts = {
            "items": now.items,
            "category": now.category,
            "popularity": taste.popularity,
            "category_share": taste.category_share,
            "weights": taste.weights,
            "usual_affinity": taste.usual_affinity,
            "odds": odds.as_plain(),
            "usual": usual_offers(make_offers(now, taste), customer_facts(now)),
        }
        version = f"{moment:%Y-%m-%d}-{kind}-{identity}"
        return Model(NAME, version, kind, horizon_days, moment, (), parts)

    told = _told(older, window, tastes[choice.champion], choice.champion)
    report = {
        "model_name": NAME,
        "horizon_days": horizon_days,
        "as_of": moment.isoformat(),
        **describe(choice, recalls, told, window.baskets, now),
        "drift": told_drift(customer_facts(window.baskets), customer_facts(now), tuple(FACTS)),
        "gates": [vars(gate) for gate in gates],
    }
    champion, challenger = publish(choice.champion), publish(choice.challenger)
    return Trained(champion, challenger, choice.status, {**report, "card": card(report)})


def _learn_odds(window: OfferWindow, taste: Taste) -> OfferOdds:
    offers = make_offers(window.baskets, taste)
    return learn_odds(offers, window.baskets, taste, window.bought)


def _told(
    older: OfferWindow, window: OfferWindow, taste: Taste, kind: str
) -> dict[str, tuple[Outcomes, Numbers]]:
    """Return by list what was bought of a window's offers, and the odds an older one taught."""
    odds = _learn_odds(older, learn_taste(kind, older.baskets))
    offers, facts = make_offers(window.baskets, taste), customer_facts(window.baskets)
    actual = was_bought(offers, window.bought, window.baskets)
    fits = odds.fit(offers, facts, window.baskets, taste)
    probability = odds.purchase(facts)[offers.customer] * fits
    lists = {NEW: offers.is_new, AGAIN: ~offers.is_new}
    return {name: (actual[rows], probability[rows]) for name, rows in lists.items()}


def _identity(known: pd.DataFrame, moment: pd.Timestamp, horizon_days: int, seed: int) -> str:
    """Return the name of everything a fit depends on."""
    facts = [NAME, RECIPE, moment.isoformat(), horizon_days, seed]
    columns = [known[name].cat for name in ("customer_id", "sku", "category")]
    names = [hash_array(one.categories.to_numpy(object), categorize=False) for one in columns]
    codes = [one.codes.to_numpy() for one in columns]
    return content_name(facts, (*names, *codes, known["day"].astype("int64").to_numpy()))
