"""next_order: the probability that a customer orders again within a horizon of days."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array

from ml import drift, evaluation, importance, promotion, recipes
from ml.errors import FeatureError
from ml.evaluation import Gate, Metrics, Numbers
from ml.features import NAMES, fingerprint, matrix, validate
from ml.recipes import BASELINE, BOOSTING, LEARNED, LOGISTIC, Model
from ml.times import instant
from ml.windows import Window, complete_windows, known_occasions, split_newest, stack

NAME = "next_order"
RECIPE = 1
COUNT_REASONS = 5
KINDS = (BASELINE, *LEARNED)
SCORE_COLUMNS = {
    "customer_id": "str",
    "model_name": "str",
    "horizon_days": "int32",
    "as_of": "datetime64[us]",
    "probability": "float64",
    "model_version": "str",
    "scored_at": "datetime64[us]",
}


@dataclass(frozen=True)
class Refused:
    """No model: the data is too thin, with one reason per gate that is not passed."""

    model_name: str
    horizon_days: int
    as_of: pd.Timestamp
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Trained:
    """The published model, the runner-up, and the report both were judged by (plain JSON data)."""

    champion: Model
    challenger: Model
    status: str
    report: Mapping[str, Any]


def train(
    features: pd.DataFrame,
    occasions: pd.DataFrame,
    *,
    as_of: pd.Timestamp,
    horizon_days: int = 90,
    seed: int = 0,
) -> Trained | Refused:
    """Train on past snapshots, judge on the newest complete one, refit, and choose what to publish.

    Takes the feature frame (past and current snapshots) and occasions (customer_id, occurred_at);
    purchases at or after `as_of` are ignored. A window is a snapshot whose horizon ends by `as_of`.
    Test: the newest window. Training: the windows that end before it begins, so no outcome is seen
    twice. Judged: logistic regression and calibrated gradient boosting against the order rate by
    recency. After that the same recipes are fitted once more with every complete window, moved
    forward by one: what is published has seen the newest season; the measures are those of the
    recipe on a season it had not seen. Returns Refused with reasons when a gate is not passed.
    Raises FeatureError for a frame that breaks its contract. Equal data gives equal versions.
    """
    moment = instant(as_of)
    frame = validate(features)
    if (frame["as_of"] > moment).any():
        raise FeatureError(f"Snapshots lie after {moment}. Pass the clock of the feature frame.")
    known = known_occasions(occasions, known_until=moment)
    windows = complete_windows(frame, known, days=horizon_days, known_until=moment)
    training, test = split_newest(windows)
    gates = _gates(known, training, test, moment, horizon_days)
    reasons = evaluation.failures(gates)
    if reasons or test is None:
        return Refused(NAME, horizon_days, moment, reasons, gates)
    judged, choice = _judge(training, test, seed)
    identity = _identity(windows, moment, horizon_days, seed)
    champion, challenger = (
        _refit(kind, windows, moment, horizon_days, seed, identity)
        for kind in (choice.champion, choice.challenger)
    )
    report = {
        "model_name": NAME,
        "horizon_days": horizon_days,
        "as_of": moment.isoformat(),
        "seed": seed,
        "feature_fingerprint": fingerprint(),
        **asdict(choice),
        **judged,
        "windows": [_window_facts(window) for window in windows],
        "features": _leading_features(champion, test, seed),
        "drift": _drift(frame, test),
        "gates": [asdict(gate) for gate in gates],
    }
    return Trained(champion, challenger, choice.status, report)


def score(model: Model, current_features: pd.DataFrame, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return one row per current customer with the probability to order within the horizon.

    Columns: customer_id, model_name, horizon_days, as_of, probability (0 to 1), model_version,
    scored_at. Rows with is_current false are left out; an empty frame gives an empty, typed one.
    Raises FeatureError when the frame breaks its contract or the model knows other features.
    """
    if tuple(model.feature_names) != NAMES:
        raise FeatureError(
            f"Version {model.version} was trained on another feature list. Train it again."
        )
    frame = validate(current_features)
    frame = frame[frame["is_current"]].reset_index(drop=True)
    columns: dict[str, Any] = {
        "customer_id": frame["customer_id"],
        "model_name": model.name,
        "horizon_days": model.horizon_days,
        "as_of": frame["as_of"],
        "probability": recipes.predict(model.kind, model.parts, matrix(frame)),
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return pd.DataFrame(columns, index=frame.index).astype(SCORE_COLUMNS)


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


def _judge(
    training: Sequence[Window], test: Window, seed: int
) -> tuple[dict[str, Any], promotion.Choice]:
    """Fit every kind on the training windows, measure on the test window, and choose."""
    probability: dict[str, Numbers] = {}
    for kind in KINDS:
        parts = recipes.fit(kind, training, seed=seed)
        probability[kind] = recipes.predict(kind, parts, test.matrix)
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
        "metrics_base_rate": asdict(_measure_base_rate(training, test)),
        "against_baseline": {kind: asdict(value) for kind, value in against_baseline.items()},
        "boosting_against_logistic": asdict(boosting_against_logistic),
        "calibration": evaluation.calibration_table(test.actual, probability[champion]),
    }, choice


def _measure_base_rate(training: Sequence[Window], test: Window) -> Metrics:
    """Measure the most naive guess: everybody has the order rate of the training windows."""
    _, learnt, _ = stack(training)
    return evaluation.measure(test.actual, np.full(len(test.actual), learnt.mean()))


def _refit(
    kind: str,
    windows: Sequence[Window],
    moment: pd.Timestamp,
    horizon_days: int,
    seed: int,
    identity: str,
) -> Model:
    """Fit one kind on every complete window and name the version by date, kind and content."""
    parts = recipes.fit(kind, windows, seed=seed)
    name = f"{moment:%Y-%m-%d}-{kind}-{identity}"
    return Model(NAME, name, kind, horizon_days, moment, NAMES, parts)


def _identity(windows: Sequence[Window], moment: pd.Timestamp, horizon_days: int, seed: int) -> str:
    """Return 8 hex digits of everything a fit depends on, so that equal data gives equal names."""
    digest = hashlib.sha256()
    facts = [NAME, RECIPE, moment.isoformat(), horizon_days, seed, fingerprint()]
    facts.append(version("scikit-learn"))
    digest.update(json.dumps(facts).encode())
    for window in windows:
        digest.update(window.as_of.isoformat().encode())
        digest.update(hash_array(window.customers, categorize=False).tobytes())
        digest.update(window.matrix.tobytes())
        digest.update(window.actual.tobytes())
    return digest.hexdigest()[:8]


def _window_facts(window: Window) -> dict[str, Any]:
    """Return the dates and counts of a window."""
    return {
        "as_of": window.as_of.isoformat(),
        "ends_at": window.ends_at.isoformat(),
        "count": len(window.actual),
        "count_positives": int(window.actual.sum()),
    }


def _leading_features(model: Model, test: Window, seed: int) -> list[dict[str, Any]]:
    """Return the five features the published model leans on most."""
    ranked = importance.rank_features(model.kind, model.parts, test, seed=seed)
    return [asdict(item) for item in ranked[:COUNT_REASONS] if item.log_loss_increase > 0]


def _drift(frame: pd.DataFrame, test: Window) -> list[dict[str, Any]]:
    """Return the features whose current values differ from those of the newest window."""
    reference = frame[frame["as_of"] == test.as_of]
    found = drift.measure_drift(reference, frame[frame["is_current"]])
    return [asdict(item) for item in found if item.is_drifted]
