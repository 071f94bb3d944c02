"""Each recipe learns what it should from windows and copes with what shops really hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.features import NAMES, NULLABLE
from ml.importance import rank_features
from ml.recipes import (
    BASELINE,
    BOOSTING,
    LOGISTIC,
    RECENCY,
    calibrate,
    fit,
    fit_calibrator,
    predict,
)
from ml.rhythm import COLUMNS
from ml.windows import Window

CLOCK = pd.Timestamp("2026-11-01")
KINDS = (BASELINE, LOGISTIC, BOOSTING)


def rate_of(recency: np.ndarray) -> np.ndarray:
    """Return the true probability to order after a number of days without an order."""
    return 0.05 + 0.6 * np.exp(-recency / 60)


def window_of(days_ago: int, *, rows: int = 3_000, seed: int = 0) -> Window:
    """Return a window where recency alone decides and every nullable feature is sometimes null."""
    generator = np.random.default_rng([seed, days_ago])
    values = generator.poisson(3, (rows, len(COLUMNS))).astype(float)
    values[:, RECENCY] = generator.integers(1, 365, rows)
    for name in NULLABLE:
        values[generator.random(rows) < 0.5, NAMES.index(name)] = np.nan
    begins = CLOCK - pd.Timedelta(days=days_ago)
    customers = np.array([f"c{row}" for row in range(rows)], dtype=object)
    actual = generator.random(rows) < rate_of(values[:, RECENCY])
    return Window(begins, begins + pd.Timedelta(days=90), customers, values, actual)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("starts", [(90,), (270, 180, 90)])
def test_probabilities_come_close_to_the_truth(kind: str, starts: tuple[int, ...]) -> None:
    """With one window or several, each recipe finds the rate that made the outcomes."""
    windows = [window_of(start) for start in starts]
    fresh = window_of(10, seed=1)

    probability = predict(kind, fit(kind, windows, seed=0), fresh.matrix)

    truth = rate_of(fresh.matrix[:, RECENCY])
    assert np.abs(probability - truth).mean() < 0.06
    assert probability.mean() == pytest.approx(truth.mean(), rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_silo_that_appears_after_training_is_no_obstacle(kind: str) -> None:
    """A column that was null or constant in training may hold anything at scoring."""
    window = window_of(90)
    window.matrix[:, NAMES.index("days_since_last_event")] = np.nan
    window.matrix[:, NAMES.index("count_sessions_30d")] = 0
    fresh = window_of(10, seed=1)

    probability = predict(kind, fit(kind, [window], seed=0), fresh.matrix)

    truth = rate_of(fresh.matrix[:, RECENCY])
    assert np.abs(probability - truth).mean() < 0.06


@pytest.mark.parametrize("kind", KINDS)
def test_equal_rows_have_equal_probabilities_and_the_baseline_sees_recency_only(kind: str) -> None:
    """Changing revenue moves a learned probability at most; the baseline's stays."""
    window = window_of(90)
    parts = fit(kind, [window], seed=0)
    row = window.matrix[:1]
    richer = row.copy()
    richer[0, NAMES.index("revenue_total")] = 1e6

    twice = predict(kind, parts, np.vstack([row, row, richer]))

    assert twice[0] == twice[1]
    assert kind != BASELINE or twice[2] == twice[0]
    assert predict(kind, parts, row[:0]).shape == (0,)


@pytest.mark.parametrize("rows", [400, 20_000])
def test_calibration_repairs_scores_that_are_too_sure(rows: int) -> None:
    """Sigmoid for few positives, isotonic for many: both bring back the rate, in order."""
    generator = np.random.default_rng(2)
    truth = generator.uniform(0.05, 0.6, rows)
    actual = generator.random(rows) < truth
    too_sure = 1 / (1 + np.exp(-3 * np.log(truth / (1 - truth))))

    calibrated = calibrate(fit_calibrator(too_sure, actual), too_sure)

    order = np.argsort(too_sure)
    assert np.abs(calibrated - truth).mean() < 0.05
    assert (np.diff(calibrated[order]) >= 0).all()
    assert 0 < calibrated.min() <= calibrated.max() < 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_feature_that_decides_ranks_first(kind: str) -> None:
    """Permutation importance ranks recency first and says that probability falls with it."""
    window = window_of(90)

    ranked = rank_features(kind, fit(kind, [window], seed=0), window, seed=0)

    assert (ranked[0].feature, ranked[0].direction) == ("days_since_last_order", "falls")
    assert len(ranked) == len(COLUMNS)
    assert ranked[0].log_loss_increase > 5 * max(abs(item.log_loss_increase) for item in ranked[5:])
