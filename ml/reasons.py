"""Why a probability is what it is: how far each topic moves the odds from the usual customer's.

Features of one topic say nearly the same and lean on one another: alone, their effects contradict
each other; together they are what the model makes of the topic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ml.evaluation import Numbers
from ml.features import FEATURES, NULLABLE, Matrix
from ml.prediction import Parts, Reason, strongest
from ml.recipes import BASELINE, BOOSTING, LOGISTIC, RECENCY, linear_design, predict
from ml.rhythm import COLUMNS, RHYTHM_NAMES

TARGET = "odds"
TOPICS = {
    "Rhythm of purchases": (
        "days_since_last_order", "days_since_first_order", "days_first_to_last_order",
        "count_orders", "mean_gap_days", "last_gap_days", "overdue_ratio", *RHYTHM_NAMES,
        "count_orders_30d", "count_orders_90d", "count_orders_180d", "count_orders_365d",
    ),
    "Spending": ("revenue_90d", "revenue_365d", "revenue_total", "average_order_value"),
    "Way of buying": (
        "count_categories", "discount_share", "return_share", "count_store_orders_365d",
        "is_business",
    ),
    "Visits": (
        "has_app", "count_sessions_30d", "count_sessions_90d", "count_product_views_30d",
        "count_carts_30d", "days_since_last_event", "activity_trend_ratio",
    ),
    "E-mails": ("count_sends_90d", "count_clicks_90d", "count_human_opens_90d"),
    "Service": ("count_cases_180d", "has_open_case"),
}  # fmt: skip
FACTS = {feature.name: feature.description.replace("as_of", "now") for feature in FEATURES} | {
    "rhythm_order_probability": "Probability of an order by their own rhythm",
    "rhythm_expected_orders": "Orders to expect from their own rhythm",
    "rhythm_alive_probability": "Probability that they have not left, by their own rhythm",
}


def explain(kind: str, parts: Parts, row: Matrix) -> tuple[Reason, ...]:
    """Return one reason per topic for one row (1 x COLUMNS), strongest first.

    logistic: the exact difference of its terms to the shop's median customer. gradient_boosting:
    how the odds change when the topic is the median customer's. recency_baseline: recency alone.
    Each reason shows the fact of its topic that contributes most in its direction.
    """
    movers: dict[str, Callable[[Parts, Matrix], Numbers]] = {
        LOGISTIC: _terms,
        BOOSTING: _occlusions,
        BASELINE: _rates,
    }
    effects, usual = movers[kind](parts, row), parts["usual"]
    return strongest(_reason(topic, places, effects, row[0], usual) for topic, places in _topics())


def _topics() -> Iterator[tuple[str, list[int]]]:
    for topic, names in TOPICS.items():
        yield topic, [COLUMNS.index(name) for name in names]


def _reason(
    topic: str, places: list[int], effects: Numbers, row: Numbers, usual: Numbers
) -> Reason:
    total = float(effects[places].sum())
    shown = max(places, key=lambda place: effects[place] * np.sign(total))
    value, normal = (None if np.isnan(side[shown]) else float(side[shown]) for side in (row, usual))
    subject = f"{topic} ({FACTS[COLUMNS[shown]]})"
    return Reason(subject, value, normal, float(np.exp(total)), TARGET)


def _terms(parts: Parts, row: Matrix) -> Numbers:
    """Return the log odds that each column adds to those of the median customer."""
    rows = np.vstack([row, parts["usual"]])
    design = parts["scaler"].transform(linear_design(rows, parts["medians"]))
    terms = (design[0] - design[1]) * parts["classifier"].coef_[0]
    effects: Numbers = terms[: len(COLUMNS)].copy()
    for flag, name in zip(terms[len(COLUMNS) :], NULLABLE, strict=True):
        effects[COLUMNS.index(name)] += flag
    return effects


def _occlusions(parts: Parts, row: Matrix) -> Numbers:
    """Return how the log odds fall when a topic is the median customer's.

    The topic's effect is given to the fact whose own replacement changes them most.
    """
    effects = np.zeros(len(COLUMNS))
    for _, places in _topics():
        variants = np.repeat(row, len(places) + 2, axis=0)
        variants[0, places] = parts["usual"][places]
        for number, place in enumerate(places, start=1):
            variants[number, place] = parts["usual"][place]
        logits = _logits(predict(BOOSTING, parts, variants))
        changes = logits[-1] - logits[:-1]
        leading = places[int(np.argmax(changes[1:] * np.sign(changes[0])))]
        effects[leading] = changes[0]
    return effects


def _rates(parts: Parts, row: Matrix) -> Numbers:
    """Return the log odds of the row's recency against those of the whole shop."""
    rates = np.array([predict(BASELINE, parts, row)[0], parts["base_rate"]])
    logits = _logits(rates)
    effects = np.zeros(len(COLUMNS))
    effects[RECENCY] = logits[0] - logits[1]
    return effects


def _logits(probability: Numbers) -> Numbers:
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    logits: Numbers = np.log(inside / (1 - inside))
    return logits
