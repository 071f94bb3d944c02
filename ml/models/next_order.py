"""next_order: the probability that a customer orders again within a horizon of days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import pandas as pd
from pandas.util import hash_array

from ml import (
    drift,
    evaluation,
    importance,
    leaks,
    promotion,
    reasons,
    recipes,
    seasons,
    window_leaks,
)
from ml.errors import FeatureError
from ml.evaluation import Gate, Metrics, Numbers
from ml.features import KEYS, NAMES, current, fingerprint, matrix, validate
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
from ml.recipes import BASELINE, BOOSTING, LEARNED, LOGISTIC
from ml.rhythm import Rhythm, learn
from ml.seasons import Seasons
from ml.times import instant
from ml.windows import Window, complete_windows, known_occasions, split_newest, stack

NAME = "next_order"
NAIVE_RULE = "rank customers by the days since their last order"
KEY = ("customer_id",)
HORIZON_DAYS = 90
RECIPE = 3
KINDS = (BASELINE, *LEARNED)
FEATURES = Input("insight.customer_features", (*KEYS, *NAMES))
TRAINING = {
    "features": FEATURES,
    "purchases": Input("intermediate.int_purchase_occasions", ("customer_id", "occurred_at")),
    "seasons": Input("intermediate.int_season_months_dated", seasons.COLUMNS),
}
SCORING = {"features": Input(FEATURES.relation, FEATURES.columns, "is_current")}
RESULT = {
    "customer_id": Column("str"),
    "model_name": Column("category"),
    "horizon_days": Column("int32", lowest=1),
    "as_of": Column("datetime64[us]"),
    "probability": Column("float64", lowest=0, highest=1),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Train on past snapshots, judge on the newest complete one, refit, and choose what to publish.

    Takes `features` (past and current snapshots), `purchases` (customer_id, occurred_at), of which
    those at or after `as_of` are ignored, and, where the shop's are known, `seasons` (COLUMNS of
    ml.seasons). A window is a snapshot whose horizon ends by `as_of`.
    Test: the newest window. Training: the windows that end before it begins, so no outcome is seen
    twice. Judged: logistic regression and calibrated gradient boosting against the order rate by
    recency. After that the same recipes are fitted once more with every complete window, moved
    forward by one: what is published has seen the newest season; the measures are those of the
    recipe on a season it had not seen. Returns Refused with reasons when a gate is not passed.
    A column that knows the future is left out of fit and scores, told in the report's `left_out`;
    where the naive rule stands on it, the training is refused.
    Raises FeatureError for a frame that breaks its contract. Equal data gives equal versions.
    """
    moment = instant(as_of)
    frame = validate(frames["features"])
    if (frame["as_of"] > moment).any():
        raise FeatureError(f"Snapshots lie after {moment}. Pass the clock of the feature frame.")
    known = known_occasions(frames["purchases"], known_until=moment)
    windows = complete_windows(frame, known, days=horizon_days, known_until=moment)
    training, test = split_newest(windows)
    gates = _gates(known, training, test, moment, horizon_days)
    failures = evaluation.failures(gates)
    if failures or test is None:
        return Refused(NAME, horizon_days, moment, failures, gates)
    today = frame[frame["is_current"]]
    found = window_leaks.find_in_windows(training, test, today, known, seed=seed)
    failures = window_leaks.refusals(found)
    if failures:
        return Refused(NAME, horizon_days, moment, failures, gates)
    names = [leak.feature for leak in found]
    calendar = frames.get("seasons", seasons.UNKNOWN)
    frame, windows = leaks.without(frame, names), window_leaks.cleared(windows, names)
    trained = _train(frame, windows, calendar, moment, seed, names)
    told = {"left_out": leaks.as_plain(found), "gates": [asdict(gate) for gate in gates]}
    return replace(trained, report={**trained.report, **told})


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return one row per current customer with the probability to order within the horizon.

    Takes `features`; rows with is_current false are left out, and an empty frame gives an empty,
    typed one. Raises FeatureError when the frame breaks its contract or the model knows other
    features.
    """
    frame, values = _current(model, frames)
    columns: dict[str, Any] = {
        "customer_id": frame["customer_id"],
        "model_name": model.name,
        "horizon_days": model.horizon_days,
        "as_of": frame["as_of"],
        "probability": _foretell(model, frame["as_of"], values),
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return what moves the odds of the first current customer most, strongest first."""
    _, values = _current(model, frames)
    return reasons.explain(model.kind, model.parts, values[:1]) if len(values) else ()


def _foretell(model: Model, as_of: pd.Series[pd.Timestamp], values: Numbers) -> Numbers:
    """Return the probabilities of current rows, all of one date, in the season that follows it."""
    probability = recipes.predict(model.kind, model.parts, values)
    if "seasons" not in model.parts or not len(values):
        return probability
    told = model.parts["seasons"]
    coming = Seasons(tuple(told["indices"])).over(as_of.iloc[0], days=model.horizon_days)
    return seasons.moved(probability, told["learnt"], coming)


def _current(model: Model, frames: Frames) -> tuple[pd.DataFrame, Numbers]:
    """Return the current rows and their matrix, extended as the model knows it."""
    if tuple(model.feature_names) != NAMES or "rhythm" not in model.parts:
        raise FeatureError(
            f"Version {model.version} was trained on another feature list. Train it again."
        )
    frame = current(validate(frames["features"]))
    frame = leaks.without(frame, model.parts.get("left_out", ()))
    return frame, Rhythm.from_plain(model.parts["rhythm"]).extend(matrix(frame))


def _gates(
    known: pd.DataFrame,
    training: Sequence[Window],
    test: Window | None,
    moment: pd.Timestamp,
    horizon_days: int,
) -> tuple[Gate, ...]:
    """Return every readiness gate; outcomes are only counted where there is a test window."""
    gates = (
        *evaluation.data_gates(known, as_of=moment),
        evaluation.window_gate(len(training) + (test is not None), horizon_days=horizon_days),
    )
    if test is None or not training:
        return gates
    _, learnt, _ = stack(training)
    minimum = recipes.MINIMUM_OUTCOMES
    return (
        *gates,
        *evaluation.outcome_gates("training", learnt, minimum=minimum),
        *evaluation.outcome_gates("test", test.actual, minimum=minimum),
    )


def _train(
    frame: pd.DataFrame,
    windows: Sequence[Window],
    calendar: pd.DataFrame,
    moment: pd.Timestamp,
    seed: int,
    left_out: Sequence[str],
) -> Trained:
    """Judge every kind on the newest window and refit what is published on all of them."""
    training, test = split_newest(windows)
    if test is None:
        raise ValueError("There is no window to train on. Ask the gates first.")
    judged, choice = _judge(training, test, seasons.known(calendar, test.as_of), seed)
    horizon_days = (test.ends_at - test.as_of).days
    months = seasons.known(calendar, moment)
    rhythm = learn(matrix(frame[frame["is_current"]]), horizon_days=horizon_days)
    identity = _identity(windows, moment, rhythm, months, seed, left_out)
    champion, challenger = (
        _refit(kind, windows, moment, rhythm, months, seed, identity, left_out)
        for kind in (choice.champion, choice.challenger)
    )
    report = {
        "model_name": NAME,
        "horizon_days": horizon_days,
        "as_of": moment.isoformat(),
        "seed": seed,
        "feature_fingerprint": fingerprint(),
        **asdict(choice),
        "measure": "auc",
        "baseline": BASELINE,
        **judged,
        "rhythm": rhythm.as_plain(),
        "season": months.over(moment, days=horizon_days),
        "season_learnt": seasons.mean(recipes.levels(champion.kind, windows, months)),
        "windows": [window.facts() for window in windows],
        "features": importance.leading_features(champion, test, seed=seed),
        "drift": drift.told_drift(frame[frame["as_of"] == test.as_of], frame[frame["is_current"]]),
    }
    return Trained(champion, challenger, choice.status, report)


def _judge(
    training: Sequence[Window], test: Window, months: Seasons, seed: int
) -> tuple[dict[str, Any], promotion.Choice]:
    """Fit every kind on the training windows, measure on the test window, and choose."""
    probability: dict[str, Numbers] = {}
    coming = months.over(test.as_of, days=(test.ends_at - test.as_of).days)
    for kind in KINDS:
        parts = recipes.fit(kind, training, seed=seed)
        learnt = recipes.levels(kind, training, months)
        found = recipes.predict(kind, parts, test.matrix)
        probability[kind] = seasons.moved(found, learnt, coming)
    metrics: dict[str, Metrics] = {
        kind: evaluation.measure(test.actual, values) for kind, values in probability.items()
    }

    def compare(candidate: str, reference: str) -> evaluation.Interval:
        return evaluation.log_loss_difference(
            test.actual, probability[candidate], probability[reference], seed=seed
        )

    against_baseline = {kind: compare(kind, BASELINE) for kind in LEARNED}
    boosting_against_logistic = compare(BOOSTING, LOGISTIC)
    choice = promotion.choose(metrics, against_baseline, boosting_against_logistic)
    champion = choice.champion
    return {
        "test_as_of": test.as_of.isoformat(),
        "training_as_of": [window.as_of.isoformat() for window in training],
        "metrics": {kind: asdict(values) for kind, values in metrics.items()},
        "metrics_base_rate": asdict(recipes.measure_base_rate(training, test)),
        "against_baseline": {kind: asdict(value) for kind, value in against_baseline.items()},
        "boosting_against_logistic": asdict(boosting_against_logistic),
        "calibration": evaluation.calibration_table(test.actual, probability[champion]),
    }, choice


def _refit(
    kind: str,
    windows: Sequence[Window],
    moment: pd.Timestamp,
    rhythm: Rhythm,
    months: Seasons,
    seed: int,
    identity: str,
    left_out: Sequence[str],
) -> Model:
    """Fit one kind on every complete window and name the version by date, kind and content."""
    levels = recipes.levels(kind, windows, months)
    learnt = {
        "rhythm": rhythm.as_plain(),
        "seasons": {"indices": list(months.indices), "learnt": [list(level) for level in levels]},
        "left_out": list(left_out),
    }
    parts = {**recipes.fit(kind, windows, seed=seed), **learnt}
    name = f"{moment:%Y-%m-%d}-{kind}-{identity}"
    return Model(NAME, name, kind, rhythm.horizon_days, moment, NAMES, parts)


def _identity(
    windows: Sequence[Window],
    moment: pd.Timestamp,
    rhythm: Rhythm,
    months: Seasons,
    seed: int,
    left_out: Sequence[str],
) -> str:
    """Return the name of everything a fit depends on."""
    facts = (NAME, RECIPE, moment.isoformat(), seed, fingerprint(), version("scikit-learn"))
    dates = [window.as_of.isoformat() for window in windows]

    def arrays() -> Iterator[Any]:
        for window in windows:
            yield hash_array(window.customers, categorize=False)
            yield window.matrix
            yield window.actual

    return content_name([*facts, rhythm.as_plain(), months.indices, dates, *left_out], arrays())
