"""Why a customer's value is what it is: each fact of their history put at what is usual here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ml.btyd.histories import Numbers
from ml.prediction import Reason, strongest
from ml.value import ValueModel

TARGET = "value"
# A value is compared no lower than this share of the usual one: losses have no ratio.
FLOOR = 0.01
SUBJECTS = {
    "repeats": "Purchases after the first one",
    "silence": "Days since the last purchase",
    "age_days": "Days since the first purchase",
    "mean_margin": "Mean margin of a purchase",
}


def usual_customer(known: pd.DataFrame) -> dict[str, float]:
    """Return the medians of a shop's customers (rows of histories.summarise)."""
    facts = {**known, "silence": known["age_days"] - known["recency_days"]}
    medians = {name: float(np.median(facts[name])) for name in SUBJECTS}
    whole = {name: float(round(value)) for name, value in medians.items()}
    return {**whole, "mean_margin": medians["mean_margin"]}


def explain_value(
    model: ValueModel, known: pd.DataFrame, usual: Mapping[str, float], *, days: int
) -> tuple[Reason, ...]:
    """Return what moves the value of one customer (a row of histories.summarise), strongest first.

    The effect of a fact is the value over that of the same history with the usual fact instead.
    """
    row = known.iloc[0]
    own = {name: float(row[name]) for name in known.columns}
    own["silence"] = own["age_days"] - own["recency_days"]
    variants = [{**own, name: usual[name]} for name in SUBJECTS]
    facts: list[dict[str, float]] = [own, *variants, dict(usual)]
    values = model.expect(_histories(facts), days=days).value
    floor = max(FLOOR * float(values[-1]), FLOOR)
    reasons = (
        Reason(subject, float(own[name]), float(usual[name]), factor, TARGET)
        for (name, subject), factor in zip(SUBJECTS.items(), _factors(values, floor), strict=True)
    )
    return strongest(reasons)


def _factors(values: Numbers, floor: float) -> list[float]:
    own = max(float(values[0]), floor)
    return [own / max(float(value), floor) for value in values[1:-1]]


def _histories(facts: list[dict[str, float]]) -> pd.DataFrame:
    """Return histories that can have happened: nobody is silent for longer than they are known."""
    frame = pd.DataFrame(facts)
    has_repeats = frame["repeats"] > 0
    age = np.where(has_repeats, np.maximum(frame["age_days"], frame["silence"]), frame["age_days"])
    return pd.DataFrame(
        {
            "repeats": frame["repeats"],
            "recency_days": np.where(has_repeats, age - frame["silence"], 0),
            "age_days": age,
            "mean_margin": frame["mean_margin"],
        }
    )
