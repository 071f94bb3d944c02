"""second_purchase: whether and when who bought once will come back, and what that is worth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array

from ml import evaluation, promotion
from ml.drift import told_drift
from ml.errors import HistoryError, LabelError
from ml.evaluation import Gate, Numbers, Outcomes
from ml.names import is_among
from ml.prediction import (
    Column,
    Frames,
    Input,
    Model,
    Reason,
    Refused,
    Trained,
    content_name,
    strongest,
    typed,
)
from ml.second.first_buyers import Curve, draw_curve, first_buyers
from ml.second.odds import KINDS, SHOP_CURVE, SecondOdds, learn_odds
from ml.second.report import card
from ml.second.value import SecondValue, learn_value
from ml.times import instant
from ml.value.windows import HISTORY_DAYS, PURCHASES, known_purchases

NAME = "second_purchase"
NAIVE_RULE = "take the shop's own curve of second purchases for everybody"
KEY = ("customer_id",)
HORIZON_DAYS = 90
RECIPE = 1
# The expected day is told for who comes back within a year.
WAIT_DAYS = 365
MINIMUM_OUTCOMES = 50
DRIFTING = ("first_margin", "age_days")
TOLD_DAYS = (10, 30, 90, 180, 365)
CUSTOMERS = Input("insight.customer_features", ("customer_id", "as_of"), "is_current")
TRAINING = {"purchases": PURCHASES}
SCORING = {"customers": CUSTOMERS, "purchases": PURCHASES}
RESULT = {
    "customer_id": Column("str"),
    "model_name": Column("category"),
    "horizon_days": Column("int32", lowest=1),
    "as_of": Column("datetime64[us]"),
    "probability": Column("float64", lowest=0, highest=1),
    "expected_at": Column("datetime64[us]"),
    "value_of_second_purchase": Column("float64"),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Draw the curve, fit the rivals as of a past date, judge them on what came, and refit.

    Takes `purchases` (customer_id, occurred_at, margin_amount); those at or after `as_of` are
    ignored. Judged on everybody who had bought once two horizons ago, and on who first bought in
    the horizon after that, by the days that followed. The shop's curve is published unless BG/NBD,
    or curves by first basket, have a lower log loss with 95 % confidence and the right level.
    Returns Refused with reasons when the data is too thin.
    """
    moment = instant(as_of)
    try:
        known = known_purchases(frames["purchases"], known_until=moment)
        window = _newest_window(known, moment, horizon_days)
        gates = _gates(known, moment, window)
        failures = evaluation.failures(gates)
        if failures:
            return Refused(NAME, horizon_days, moment, failures, gates)
        return _train(known, moment, window, seed)
    except (HistoryError, LabelError) as error:
        return Refused(NAME, horizon_days, moment, (str(error),))


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return one row per customer of `customers` who bought once.

    Takes `purchases`, and `customers` (customer_id, as_of), all of one moment; purchases after it
    are ignored. `value_of_second_purchase` is null where too few complete years taught it.
    """
    odds, value, buyers, moment = _read(model, frames)
    waits = pd.to_timedelta(odds.wait(buyers, within=WAIT_DAYS), unit="D")
    columns: dict[str, Any] = {
        "customer_id": buyers.index.to_numpy(),
        "model_name": model.name,
        "horizon_days": model.horizon_days,
        "as_of": moment,
        "probability": odds.odds(buyers, days=model.horizon_days),
        "expected_at": (moment + waits).to_numpy(),
        "value_of_second_purchase": value.of(buyers["first_margin"].to_numpy(float)),
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return what moves the odds of the first customer against the usual first-time buyer."""
    odds, _, buyers, _ = _read(model, frames)
    if buyers.empty:
        return ()
    own, usual = buyers.iloc[:1], model.parts["usual"]
    variants = {
        "Days since the first purchase": own.assign(age_days=int(usual["age_days"])),
        "Margin of the first purchase": own.assign(first_margin=float(usual["first_margin"])),
    }
    columns = ("age_days", "first_margin")
    chance = _log_odds(odds, own, model.horizon_days)
    return strongest(
        Reason(
            subject,
            float(own[column].iloc[0]),
            float(usual[column]),
            float(np.exp(chance - _log_odds(odds, variant, model.horizon_days))),
            "odds",
        )
        for (subject, variant), column in zip(variants.items(), columns, strict=True)
    )


def _log_odds(odds: SecondOdds, buyers: pd.DataFrame, days: int) -> float:
    chance = float(np.clip(odds.odds(buyers, days=days)[0], 1e-6, 1 - 1e-6))
    return float(np.log(chance / (1 - chance)))


def _read(
    model: Model, frames: Frames
) -> tuple[SecondOdds, SecondValue, pd.DataFrame, pd.Timestamp]:
    """Return what was learnt, and who of the customers has bought once at their moment."""
    customers = frames["customers"]
    moment = instant(customers["as_of"].max()) if len(customers) else model.as_of
    purchases = known_purchases(frames["purchases"], known_until=moment)
    buyers = first_buyers(purchases, as_of=moment)
    is_meant = is_among(buyers.index, customers["customer_id"])
    odds = SecondOdds.from_plain(model.parts["odds"])
    value = SecondValue.from_plain(model.parts["value"])
    return odds, value, buyers[is_meant & buyers["second_day"].isna()], moment


@dataclass(frozen=True)
class Window:
    """Customers with one purchase, each at one moment, and whether they came back within the days.

    `buyers` (first_margin, age_days): who had bought once when the window began, as of then, and
    who bought first in its first half, as of that day.
    """

    begins: pd.Timestamp
    days: int
    buyers: pd.DataFrame
    actual: Outcomes


def _newest_window(known: pd.DataFrame, moment: pd.Timestamp, days: int) -> Window:
    """Return the newest window in which the days after every customer's moment are over."""
    today = (moment - pd.Timedelta(microseconds=1)).normalize()
    begins = today + pd.Timedelta(days=1 - 2 * days)
    everybody = first_buyers(known, as_of=moment)
    before = first_buyers(known, as_of=begins)
    old = before.loc[before["second_day"].isna(), ["first_margin", "age_days"]]
    is_new = everybody["first_day"].between(begins, begins + pd.Timedelta(days=days), "left")
    new = everybody.loc[is_new, ["first_margin"]].assign(age_days=0)
    buyers = pd.concat([old, new])
    rows = everybody.loc[buyers.index]
    waits = (rows["second_day"] - rows["first_day"]).dt.days
    actual = np.asarray(waits <= buyers["age_days"] + days, dtype=bool)
    return Window(begins, days, buyers, actual)


def _gates(known: pd.DataFrame, moment: pd.Timestamp, window: Window) -> tuple[Gate, ...]:
    """Return every readiness gate."""
    history = int((moment - known["occurred_at"].min()).days) if len(known) else 0
    minimum = HISTORY_DAYS + 2 * window.days
    reason = f"{history} days since the first purchase; at least {minimum} are needed."
    return (
        *evaluation.data_gates(known, as_of=moment),
        Gate("history_days_with_window", history, minimum, reason),
        *evaluation.outcome_gates("test", window.actual, minimum=MINIMUM_OUTCOMES),
    )


def _train(known: pd.DataFrame, moment: pd.Timestamp, window: Window, seed: int) -> Trained:
    """Judge every kind on the newest window and refit what is published on all that is known."""
    actual, horizon_days = window.actual, window.days
    probability = {
        kind: learn_odds(kind, known, as_of=window.begins).odds(window.buyers, days=horizon_days)
        for kind in KINDS
    }
    metrics = {kind: evaluation.measure(actual, odds) for kind, odds in probability.items()}

    def compare(candidate: str, reference: str) -> evaluation.Interval:
        return evaluation.log_loss_difference(
            actual, probability[candidate], probability[reference], seed=seed
        )

    choice = promotion.choose_in_order(KINDS, metrics, compare)
    value, now = learn_value(known, as_of=moment), first_buyers(known, as_of=moment)
    then = first_buyers(known, as_of=window.begins)
    identity = _identity(known, moment, horizon_days, seed)
    usual = _usual(now)

    def publish(kind: str) -> Model:
        odds = learn_odds(kind, known, as_of=moment)
        parts = {"odds": odds.as_plain(), "value": value.as_plain(), "usual": usual}
        version = f"{moment:%Y-%m-%d}-{kind}-{identity}"
        return Model(NAME, version, kind, horizon_days, moment, (), parts)

    report = {
        "model_name": NAME,
        "horizon_days": horizon_days,
        "as_of": moment.isoformat(),
        **asdict(choice),
        "measure": "log_loss",
        "baseline": SHOP_CURVE,
        "metrics": {kind: asdict(measured) for kind, measured in metrics.items()},
        "window": {
            "as_of": window.begins.isoformat(),
            "days": horizon_days,
            "count": len(actual),
            "count_new": int((window.buyers["age_days"] == 0).sum()),
        },
        "calibration": evaluation.calibration_table(actual, probability[choice.champion]),
        "drift": told_drift(_waiting(then), _waiting(now), DRIFTING),
        "curve": _told(draw_curve(now)),
        "value": value.as_plain(),
        "gates": [asdict(gate) for gate in _gates(known, moment, window)],
    }
    champion, challenger = publish(choice.champion), publish(choice.challenger)
    return Trained(champion, challenger, choice.status, {**report, "card": card(report)})


def _told(curve: Curve) -> dict[str, Any]:
    """Return the shares that came back within the usual numbers of days, as far as it goes."""
    shares = [
        {"days": days, "share": float(1 - curve.at(days))}
        for days in TOLD_DAYS
        if days <= curve.end
    ]
    return {"count": curve.count, "end": curve.end, "shares": shares}


def _waiting(buyers: pd.DataFrame) -> pd.DataFrame:
    """Return who bought once."""
    return buyers[buyers["second_day"].isna()]


def _usual(buyers: pd.DataFrame) -> dict[str, float]:
    """Return the median age and first margin of who bought once, or of all where nobody did."""
    once = _waiting(buyers)
    rows = once if len(once) else buyers
    return {
        "age_days": float(round(rows["age_days"].median())),
        "first_margin": float(rows["first_margin"].median()),
    }


def _identity(known: pd.DataFrame, moment: pd.Timestamp, horizon_days: int, seed: int) -> str:
    """Return the name of everything a fit depends on."""
    facts = [NAME, RECIPE, moment.isoformat(), horizon_days, seed]
    names = hash_array(known["customer_id"].to_numpy(object), categorize=False)
    times = known["occurred_at"].astype("int64").to_numpy()
    margins: Numbers = known["margin_amount"].to_numpy(float)
    return content_name(facts, (names, times, margins))
