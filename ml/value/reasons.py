"""Why a customer's value is what it is: silence beside their own rhythm, the rest beside others.

The same silence says much of somebody who came every month and little of somebody who comes every
year. So it is told apart first; number, age and margin are then those of somebody in step.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ml.prediction import Reason, strongest
from ml.value.model import ValueModel

TARGET = "value"
# A value is compared no lower than this share of the usual one: losses have no ratio.
FLOOR = 0.01
SILENCE = "Days since the last purchase, beside their own rhythm"
SUBJECTS = {
    "repeats": "Purchases after the first one",
    "age_days": "Days since the first purchase",
    "mean_margin": "Mean margin of a purchase",
}


def usual_customer(known: pd.DataFrame) -> dict[str, float]:
    """Return the medians of a shop's customers (rows of histories.summarise)."""
    medians = {name: float(np.median(known[name])) for name in SUBJECTS}
    whole = {name: float(round(value)) for name, value in medians.items()}
    return {**whole, "mean_margin": medians["mean_margin"]}


def explain_value(
    model: ValueModel, known: pd.DataFrame, usual: Mapping[str, float], *, days: int
) -> tuple[Reason, ...]:
    """Return what moves the value of one customer (a row of histories.summarise), strongest first.

    The effect of a fact is the value over that of the same history with the usual fact instead;
    of silence, over that of a customer who came as lately as they use to.
    """
    row = known.iloc[0]
    own = {name: float(row[name]) for name in known.columns}
    own["silence"] = own["age_days"] - own["recency_days"]
    gap = float(round(own["recency_days"] / own["repeats"])) if own["repeats"] else own["silence"]
    in_step = {**own, "silence": min(own["silence"], gap)}
    variants = [{**in_step, name: usual[name]} for name in SUBJECTS]
    facts: list[dict[str, float]] = [own, in_step, *variants, {**usual, "silence": 0.0}]
    expected = model.expect(_histories(facts), days=days).value
    floor = max(FLOOR * float(expected[-1]), FLOOR)
    value, value_in_step, *values = np.maximum(expected[:-1], floor)
    reasons = [Reason(SILENCE, own["silence"], gap, float(value / value_in_step), TARGET)]
    reasons += [
        Reason(subject, own[name], usual[name], float(value_in_step / other), TARGET)
        for (name, subject), other in zip(SUBJECTS.items(), values, strict=True)
    ]
    return strongest(reasons)


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
