"""uplift: for whom does a contact change anything, learnt from a randomised experiment."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array

from ml import evaluation, leaks, window_leaks
from ml.errors import FeatureError, LabelError
from ml.evaluation import Gate, Interval, Numbers
from ml.features import KEYS, NAMES, current, fingerprint, matrix, validate
from ml.leaks import Leak
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
from ml.trials.crossfit import CrossFit, cross_fit, predict_arms
from ml.trials.learners import COLUMNS, RESPONSE, T_LOGIT, Learnt, learn
from ml.trials.policy import expected_gain, value_policy
from ml.trials.qini import band_intervals, best_line, judge_rankings
from ml.trials.reasons import explain_uplift, usual_row
from ml.trials.report import card, describe
from ml.trials.trial import CONTACTS, TAKEN, Trial, first_ready, read_trials, usual_margins
from ml.value.windows import PURCHASES, known_purchases

NAME = "uplift"
NAIVE_RULE = "contact all or nobody; only an experiment tells which of the two pays"
KEY = ("customer_id",)
HORIZON_DAYS = 30
RECIPE = 2
BANDS = 5
MAX_ROWS = 200_000
FEATURES = Input("insight.customer_features", (*KEYS, *NAMES), "is_current")
TRAINING = {"contacts": CONTACTS, "features": TAKEN, "purchases": PURCHASES}
SCORING = {"features": FEATURES, "purchases": PURCHASES}
RESULT = {
    "customer_id": Column("str"),
    "model_name": Column("category"),
    "horizon_days": Column("int32", lowest=1),
    "as_of": Column("datetime64[us]"),
    "order_probability": Column("float64", lowest=0, highest=1),
    "uplift": Column("float64", lowest=-1, highest=1),
    "uplift_band": Column("int32", lowest=1, highest=BANDS),
    "band_uplift_lower": Column("float64"),
    "band_uplift_upper": Column("float64"),
    "usual_margin": Column("float64"),
    "contact_cost": Column("float64", lowest=0),
    "expected_gain": Column("float64"),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Learn from the newest experiment whom a contact moves, or say that nothing proves it.

    Takes `contacts` (who was drawn, when, into which arm), `features` as of the draws, and
    `purchases`; draws whose days are not over by `as_of` are ignored. Every way to rank is judged
    out of fold by its Qini; two logistic regressions are used unless another is better by more
    than a standard error, and published when the joint interval of all lies above 0.
    Refused: too little of anything, arms that differ beforehand, no ranking better than chance.
    """
    moment = instant(as_of)
    try:
        known = known_purchases(frames["purchases"], known_until=moment)
    except LabelError as error:
        return Refused(NAME, horizon_days, moment, (str(error),))
    found = read_trials(
        frames["contacts"], frames["features"], known, days=horizon_days, known_until=moment
    )
    trial, gates = first_ready(list(found), days=horizon_days)
    if trial is None:
        return Refused(NAME, horizon_days, moment, evaluation.failures(gates), gates)
    trial = trial.sampled(MAX_ROWS, seed=seed)
    found_leaks = window_leaks.find_in_trial(trial, known, seed=seed)
    trial = window_leaks.cleared_trial(trial, found_leaks)
    told = predict_arms(trial, seed=seed)
    if told.upper < 0:
        reason = (
            f"Who was contacted in experiment {trial.experiment} can be told from what was known "
            "before: it was not left to chance. Draw the arms at random."
        )
        return Refused(NAME, horizon_days, moment, (reason,), gates)
    fitted = cross_fit(trial, seed=seed)
    intervals, ranked = judge_rankings(fitted.scores, fitted.effect, preferred=T_LOGIT, seed=seed)
    if intervals[ranked[0]].lower <= 0:
        reasons = (
            _no_evidence(trial, fitted, ranked[0], intervals[ranked[0]]),
            *(leak.reason for leak in found_leaks),
        )
        return Refused(NAME, horizon_days, moment, reasons, gates)
    return _train(trial, fitted, intervals, ranked, moment, seed, gates, found_leaks)


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return one row per current customer: what a contact changes and is expected to bring.

    Takes `features` and `purchases`. `uplift` is the probability of an order that a contact adds;
    the limits are those of the fifth of the experiment that the customer ranks with.
    """
    frame, values = _current(model, frames)
    learnt = Learnt.from_plain(model.parts["learnt"])
    purchases = known_purchases(frames["purchases"], known_until=_moment(model, frame))
    shop = float(model.parts["shop_margin"])
    margin = usual_margins(frame["customer_id"], purchases, frame["as_of"], shop=shop)
    uplift, band = _uplift(model, learnt, values)
    lower, upper = (
        np.asarray(model.parts[name])[band] for name in ("band_lower", "band_upper")
    )  # fmt: skip
    cost = float(model.parts["contact_cost"])
    columns: dict[str, Any] = {
        "customer_id": frame["customer_id"],
        "model_name": model.name,
        "horizon_days": model.horizon_days,
        "as_of": frame["as_of"],
        "order_probability": learnt.outcomes(values)[0],
        "uplift": uplift,
        "uplift_band": band + 1,
        "band_uplift_lower": lower,
        "band_uplift_upper": upper,
        "usual_margin": margin,
        "contact_cost": cost,
        "expected_gain": expected_gain(uplift, margin, cost),
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return what moves the uplift of the first current customer most, strongest first."""
    _, values = _current(model, frames)
    if not len(values):
        return ()
    learnt = Learnt.from_plain(model.parts["learnt"])
    usual = np.asarray(model.parts["usual"], dtype=np.float64)
    return explain_uplift(lambda rows: _line(model, learnt, rows), learnt, values[:1], usual)


def _line(model: Model, learnt: Learnt, values: Numbers) -> Numbers:
    """Return the uplift of rows by the published line."""
    intercept, slope = model.parts["line"]
    line: Numbers = intercept + slope * learnt.score(model.kind, values)
    return line


def _uplift(model: Model, learnt: Learnt, values: Numbers) -> tuple[Numbers, Any]:
    """Return the uplift of rows, within what their band was measured to have, and the bands."""
    score = learnt.score(model.kind, values)
    band = np.searchsorted(np.asarray(model.parts["edges"]), score, side="right")
    lower, upper = (np.asarray(model.parts[name]) for name in ("band_lower", "band_upper"))
    return np.clip(_line(model, learnt, values), lower[band], upper[band]), band


def _current(model: Model, frames: Frames) -> tuple[pd.DataFrame, Numbers]:
    """Return the current rows and their matrix."""
    if tuple(model.feature_names) != NAMES or model.parts.get("columns") != list(COLUMNS):
        raise FeatureError(
            f"Version {model.version} was trained on another feature list. Train it again."
        )
    frame = current(validate(frames["features"]))
    return frame, matrix(leaks.without(frame, model.parts.get("left_out", ())))


def _moment(model: Model, frame: pd.DataFrame) -> pd.Timestamp:
    return instant(frame["as_of"].max()) if len(frame) else model.as_of


def _no_evidence(trial: Trial, fitted: CrossFit, kind: str, best: Interval) -> str:
    """Say that nobody was found who differs, and what the contact did on average."""
    average = evaluation.paired_interval(fitted.effect, seed=0)
    return (
        f"In experiment {trial.experiment} no ranking puts those first whom {trial.variant} moves: "
        f"the best, {kind}, has a Qini of {1000 * best.mean:+.2f} per 1,000 persons (joint 95 % "
        f"interval {1000 * best.lower:+.2f} to {1000 * best.upper:+.2f}). On average a contact "
        f"adds {average.mean:+.2%} orders ({average.lower:+.2%} to {average.upper:+.2%}): contact "
        "all or nobody, or draw more persons."
    )


def _train(
    trial: Trial,
    fitted: CrossFit,
    intervals: dict[str, Interval],
    ranked: list[str],
    moment: pd.Timestamp,
    seed: int,
    gates: tuple[Gate, ...],
    found_leaks: tuple[Leak, ...],
) -> Trained:
    """Refit on the whole experiment and publish the best ranking and the one after it."""
    learnt = learn(trial.matrix, trial.is_contacted, trial.ordered)
    identity = _identity(trial, moment, seed, [leak.feature for leak in found_leaks])

    def publish(kind: str) -> tuple[Model, tuple[Interval, ...], np.ndarray]:
        score = fitted.scores[kind]
        band = _bands(score)
        told = band_intervals(band, fitted.effect, count=int(band.max()) + 1, seed=seed)
        # The same shares of the persons of the experiment, as the model of all of them ranks them.
        shares = np.cumsum(np.bincount(band))[:-1] / len(band)
        parts = {
            "columns": list(COLUMNS),
            "learnt": learnt.as_plain(),
            "line": list(best_line(score, fitted.effect)),
            "edges": np.quantile(learnt.score(kind, trial.matrix), shares).tolist(),
            "band_lower": [max(one.lower, -1.0) for one in told],
            "band_upper": [min(one.upper, 1.0) for one in told],
            "contact_cost": trial.cost,
            "shop_margin": trial.shop_margin,
            "usual": usual_row(trial.matrix),
            "left_out": [leak.feature for leak in found_leaks],
        }
        version = f"{moment:%Y-%m-%d}-{kind}-{identity}"
        return Model(NAME, version, kind, trial.days, moment, NAMES, parts), told, band

    champion, told, band = publish(ranked[0])
    report = {
        "model_name": NAME,
        "horizon_days": trial.days,
        "as_of": moment.isoformat(),
        "seed": seed,
        "feature_fingerprint": fingerprint(),
        **describe(trial, fitted, intervals, ranked, learnt.rule),
        "baseline": RESPONSE,
        "bands": _told_bands(told, band, fitted.without),
        "policy": asdict(value_policy(trial, fitted, ranked[0], seed=seed)),
        "gates": [vars(gate) for gate in gates],
        "left_out": leaks.as_plain(found_leaks),
    }
    return Trained(
        champion, publish(ranked[1])[0], report["status"], {**report, "card": card(report)}
    )


def _told_bands(
    told: tuple[Interval, ...], band: np.ndarray, without: Numbers
) -> list[dict[str, Any]]:
    """Return a row per band: how many it has, who of them orders anyway, what a contact adds."""
    return [
        {
            "band": number + 1,
            "count": int((band == number).sum()),
            "order_rate_without": float(without[band == number].mean()),
            "uplift": one.mean,
            "lower": one.lower,
            "upper": one.upper,
        }
        for number, one in enumerate(told)
    ]


def _bands(score: Numbers) -> Any:
    """Return the band of each row, from 0 on: about fifths, fewer where scores are few."""
    shares = np.linspace(0, 1, BANDS + 1)[1:-1]
    edges = np.unique(np.quantile(score, shares, method="higher"))
    return np.searchsorted(edges[edges > score.min()], score, side="right")


def _identity(trial: Trial, moment: pd.Timestamp, seed: int, left_out: list[str]) -> str:
    """Return the name of everything a fit depends on."""
    facts = [NAME, RECIPE, moment.isoformat(), trial.days, seed, fingerprint(), trial.cost]
    names = hash_array(trial.customers, categorize=False)
    numbers = (trial.matrix, trial.is_contacted, trial.ordered, trial.margin, trial.usual_margin)
    return content_name([*facts, trial.experiment, trial.variant, *left_out], (names, *numbers))
