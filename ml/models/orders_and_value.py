"""orders_and_value: how often a customer will order in a year, and what margin that will leave."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pandas as pd
from pandas.util import hash_array

from ml import evaluation
from ml.btyd.histories import summarise
from ml.btyd.spending import NO_MEAN
from ml.drift import told_drift
from ml.errors import HistoryError, LabelError
from ml.evaluation import Gate
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
    typed,
)
from ml.times import instant
from ml.value.model import KINDS, SHOP_MEAN, ValueModel, learn, scaled
from ml.value.reasons import explain_value, usual_customer
from ml.value.report import card, choose, describe
from ml.value.trial import try_calibration
from ml.value.windows import (
    PURCHASES,
    Spread,
    ValueWindow,
    history_gate,
    known_purchases,
    measure_spread,
    newest_window,
    window_days,
)

NAME = "orders_and_value"
NAIVE_RULE = "take the shop's mean orders and margin for everybody"
KEY = ("customer_id",)
HORIZON_DAYS = 365
RECIPE = 3
YEARLY_DISCOUNT = 0.1
DRIFTING = ("repeats", "recency_days", "age_days", "mean_margin")
CUSTOMERS = Input("insight.customer_features", ("customer_id", "as_of"), "is_current")
TRAINING = {"purchases": PURCHASES}
SCORING = {"customers": CUSTOMERS, "purchases": PURCHASES}
RESULT = {
    "customer_id": Column("str"),
    "model_name": Column("category"),
    "horizon_days": Column("int32", lowest=1),
    "as_of": Column("datetime64[us]"),
    "expected_orders": Column("float64", lowest=0),
    "expected_margin_per_order": Column("float64"),
    "expected_value": Column("float64"),
    "expected_value_lower": Column("float64"),
    "expected_value_upper": Column("float64"),
    "alive_probability": Column("float64", lowest=0, highest=1),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Fit rhythm and spending as of a past date, judge and calibrate them on what came, and refit.

    Takes `purchases` (customer_id, occurred_at, margin_amount); those at or after `as_of` are
    ignored. The newest window is as long as the horizon, or as half a year before it leaves.
    MBG/NBD is published; BG/NBD instead where its Poisson deviance is lower with 95 % confidence;
    the mean of the shop where neither is better than that. Returns Refused with reasons when the
    data is too thin or has amounts that no average can be expected of.
    """
    moment = instant(as_of)
    try:
        known = known_purchases(frames["purchases"], known_until=moment)
        gates = _gates(known, moment)
        failures = evaluation.failures(gates)
        if failures:
            return Refused(NAME, horizon_days, moment, failures, gates)
        return _train(known, moment, horizon_days, seed, gates)
    except (HistoryError, LabelError) as error:
        return Refused(NAME, horizon_days, moment, (str(error),))


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return one row per customer of `customers` with what is expected of them within the horizon.

    Takes `purchases`, and `customers` (customer_id, as_of), all of one moment; purchases after it
    are ignored.
    """
    learned, spread, known, moment = _read(model, frames)
    days = model.horizon_days
    expected = learned.expect(known, days=days)
    window = learned.expect_margin(known, days=spread.days)
    lower, upper = spread.around(window, expected.value)
    columns: dict[str, Any] = {
        "customer_id": known.index.to_numpy(),
        "model_name": model.name,
        "horizon_days": days,
        "as_of": moment,
        "expected_orders": expected.orders,
        "expected_margin_per_order": expected.margin_per_order,
        "expected_value": expected.value,
        "expected_value_lower": lower,
        "expected_value_upper": upper,
        "alive_probability": learned.alive(known),
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return what moves the value of the first customer most against the usual one."""
    learned, _, known, _ = _read(model, frames)
    if known.empty:
        return ()
    return explain_value(learned, known.iloc[:1], model.parts["usual"], days=model.horizon_days)


def _read(model: Model, frames: Frames) -> tuple[ValueModel, Spread, pd.DataFrame, pd.Timestamp]:
    """Return what was learnt, and the histories of the customers at their moment."""
    customers = frames["customers"]
    moment = instant(customers["as_of"].max()) if len(customers) else model.as_of
    purchases = known_purchases(frames["purchases"], known_until=moment)
    known = summarise(purchases, as_of=moment)
    known = known[is_among(known.index, customers["customer_id"])]
    learned = ValueModel.from_plain(model.parts["value"])
    return learned, Spread.from_plain(model.parts["spread"]), known, moment


def _gates(known: pd.DataFrame, moment: pd.Timestamp) -> tuple[Gate, ...]:
    """Return every readiness gate."""
    history = history_gate(_history(known, moment))
    return (*evaluation.data_gates(known, as_of=moment), history)


def _train(
    purchases: pd.DataFrame,
    moment: pd.Timestamp,
    horizon_days: int,
    seed: int,
    gates: tuple[Gate, ...],
) -> Trained | Refused:
    """Judge every kind on the newest window and refit what is published on all that is known."""
    days = window_days(_history(purchases, moment), horizon_days=horizon_days)
    window = newest_window(purchases, until=moment, days=days)
    known = summarise(purchases, as_of=moment)
    judged = {kind: _judge(kind, window) for kind in KINDS}
    choice = choose(judged, window, seed=seed)
    tried = {
        kind: try_calibration(judged[kind], window, horizon_days=horizon_days, seed=seed)
        for kind in (choice.champion, choice.challenger)
    }
    learned = {kind: _refit(kind, known, best.model) for kind, best in tried.items()}
    if not all(model.spending.has_mean for model in (*judged.values(), *learned.values())):
        return Refused(NAME, horizon_days, moment, (NO_MEAN,), gates)
    identity = _identity(known, window, moment, horizon_days, seed)
    usual = usual_customer(known)

    def publish(kind: str) -> Model:
        spread = measure_spread(window, tried[kind].model.expect_margin(window.known, days=days))
        spread = replace(spread, growth=_growth(learned[kind], known, days, horizon_days))
        parts = {"value": learned[kind].as_plain(), "spread": asdict(spread), "usual": usual}
        version = f"{moment:%Y-%m-%d}-{kind}-{identity}"
        return Model(NAME, version, kind, horizon_days, moment, (), parts)

    report = {
        "model_name": NAME,
        "horizon_days": horizon_days,
        "as_of": moment.isoformat(),
        **describe(choice, judged, tried[choice.champion], learned[choice.champion], window, known),
        "drift": told_drift(window.known, known, DRIFTING),
        "gates": [asdict(gate) for gate in gates],
    }
    champion, challenger = publish(choice.champion), publish(choice.challenger)
    return Trained(champion, challenger, choice.status, {**report, "card": card(report)})


def _growth(learned: ValueModel, known: pd.DataFrame, days: int, horizon_days: int) -> float:
    """Return how many times the margin of so many days all are worth over the horizon."""
    total = float(learned.expect_margin(known, days=days).sum())
    value = float(learned.expect(known, days=horizon_days).value.sum())
    return value / total if total > 0 else 1.0


def _identity(
    known: pd.DataFrame, window: ValueWindow, moment: pd.Timestamp, horizon_days: int, seed: int
) -> str:
    """Return the name of everything a fit depends on."""
    facts = [NAME, RECIPE, moment.isoformat(), horizon_days, seed, YEARLY_DISCOUNT]
    names = hash_array(known.index.to_numpy(object), categorize=False)
    return content_name(facts, (names, known.to_numpy(float), window.orders, window.margin))


def _learn(kind: str, known: pd.DataFrame) -> ValueModel:
    return learn(kind, known, yearly_discount=YEARLY_DISCOUNT)


def _refit(kind: str, known: pd.DataFrame, taught: ValueModel) -> ValueModel:
    """Return a kind fitted to all that is known, with what the window taught of its level.

    Curves belong to the rhythm that they were learnt on, so that stays with them.
    """
    if not taught.calibration.curves:
        return replace(_learn(kind, known), scale=taught.scale)
    spent = _learn(SHOP_MEAN, known)
    return replace(taught, spending=spent.spending, daily_orders=spent.daily_orders)


def _judge(kind: str, window: ValueWindow) -> ValueModel:
    """Return a kind fitted to what was known when the window began, on the window's level."""
    fitted = _learn(kind, window.known)
    return scaled(fitted, window.known, window.orders, window.margin, days=window.days)


def _history(known: pd.DataFrame, moment: pd.Timestamp) -> int:
    """Return the days since the first purchase."""
    return int((moment - known["occurred_at"].min()).days) if len(known) else 0
