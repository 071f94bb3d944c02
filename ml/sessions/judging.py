"""How well next actions of visits are told: three named, each with an honest probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ml import evaluation
from ml.evaluation import Gate, Interval, Metrics, Numbers
from ml.sessions.next_steps import LEAST_TIMES, place_of

TOLD = 3
TEST_DAYS, LEAST_DAYS = 28, 28
LEAST_TRAINING, LEAST_TEST = 300, 100


def split(followed: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return visits that were over before a day, and those that began after it.

    The later ones are the newest 28 days, or the newest quarter of less than 112.
    """
    if followed.empty:
        return followed, followed
    times = followed["occurred_at"]
    span = (times.max() - times.min()) / pd.Timedelta(days=1)
    day = times.max() - pd.Timedelta(days=min(TEST_DAYS, span / 4))
    visits = followed.groupby("session_id")["occurred_at"]
    is_before, is_after = visits.transform("max") < day, visits.transform("min") >= day
    return (
        followed[is_before].reset_index(drop=True),
        followed[is_after].reset_index(drop=True),
    )


def gates(followed: pd.DataFrame, training: pd.DataFrame, test: pd.DataFrame) -> tuple[Gate, ...]:
    """Return what has to be there to learn from visits and to judge on later ones."""
    times = followed["occurred_at"]
    days = int((times.max() - times.min()).days) if len(followed) else 0
    counts = training["next_action"].value_counts()
    kinds = int((counts >= LEAST_TIMES).sum())
    needed = (
        ("days", days, LEAST_DAYS, "days of anonymous visits with consent"),
        ("training_visits", training["session_id"].nunique(), LEAST_TRAINING,
         "anonymous visits with consent to learn from"),
        ("test_visits", test["session_id"].nunique(), LEAST_TEST, "later ones to judge on"),
        ("count_actions", kinds, 2, f"next actions that were seen {LEAST_TIMES} times"),
    )  # fmt: skip
    return tuple(
        Gate(name, value, least, f"{value:,} {what}; at least {least:,} are needed.")
        for name, value, least, what in needed
    )


def measure(place: Any, probability: Numbers) -> Metrics:
    """Measure probabilities (steps x actions) against places of what came, -1 for none of them.

    A hit is an action among the three that are told: the rate and the mean probability are those
    of hits. Brier and calibration error are over all pairs of a step and an action told.
    """
    told = np.argsort(-probability, axis=1, kind="stable")[:, :TOLD]
    rows = np.arange(len(place))
    hits = (told == place[:, None]).any(axis=1)
    chances = np.take_along_axis(probability, told, axis=1)
    pairs = evaluation.measure((told == place[:, None]).ravel(), chances.ravel())
    mass = float(chances.sum(axis=1).mean())
    rate = float(hits.mean())
    return Metrics(
        count=len(rows),
        count_positives=int(hits.sum()),
        base_rate=rate,
        mean_probability=mass,
        auc=None,
        brier=pairs.brier,
        log_loss=float(losses(place, probability).mean()),
        expected_calibration_error=pairs.expected_calibration_error,
        calibration_ratio=mass / rate if rate else None,
        lift_at_10_percent=None,
    )


def losses(place: Any, probability: Numbers) -> Numbers:
    """Return the log loss of each step in nats; what no name exists for costs the most."""
    own = np.where(place >= 0, probability[np.arange(len(place)), np.maximum(place, 0)], 0.0)
    loss: Numbers = -np.log(np.maximum(own, evaluation.SMALLEST_PROBABILITY))
    return loss


def loss_difference(
    test: pd.DataFrame, place: Any, candidate: Numbers, reference: Numbers, *, seed: int
) -> Interval:
    """Return candidate's log loss per step minus reference's; visits are drawn, not steps."""
    difference = losses(place, candidate) - losses(place, reference)
    visits = pd.factorize(test["session_id"])[0]
    by_visit = np.bincount(visits, weights=difference)
    return evaluation.paired_interval(by_visit * len(by_visit) / len(test), seed=seed)


def by_action(
    test: pd.DataFrame, actions: tuple[str, ...], probability: Numbers
) -> list[dict[str, Any]]:
    """Return how often each action was expected and came."""
    place = place_of(test, actions)
    return [
        {
            "action": action,
            "count": int((place == number).sum()),
            "mean_probability": float(probability[:, number].mean()),
            "actual_rate": float((place == number).mean()),
        }
        for number, action in enumerate(actions)
    ]


def plain(metrics: Metrics) -> dict[str, Any]:
    """Return measures under the names they have for next actions."""
    values: Mapping[str, Any] = vars(metrics)
    return {
        "count": values["count"],
        "top3_accuracy": values["base_rate"],
        "top3_probability": values["mean_probability"],
        **{name: values[name] for name in ("log_loss", "brier", "expected_calibration_error")},
        "calibration_ratio": values["calibration_ratio"],
    }
