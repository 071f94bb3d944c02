"""Drift is reported when features moved, and not when a small sample wobbles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ml.drift import measure_drift
from ml.features import FEATURES, NAMES


def frame_of(count: int, seed: int) -> pd.DataFrame:
    """Return features drawn at random, with ties and nulls where the contract has them."""
    generator = np.random.default_rng(seed)
    draw: dict[str, Callable[[], np.ndarray]] = {
        "boolean": lambda: (generator.random(count) < 0.3).astype(float),
        "integer": lambda: generator.poisson(2, count).astype(float),
        "number": lambda: generator.lognormal(0, 1, count),
    }
    frame = pd.DataFrame({feature.name: draw[feature.kind]() for feature in FEATURES})
    frame.loc[generator.random(count) < 0.4, "mean_gap_days"] = np.nan
    return frame


def test_equal_worlds_rarely_raise_an_alarm_even_in_small_samples() -> None:
    """With 150 rows a fixed limit of 0.1 would cry wolf; the limit used grows with chance."""
    found = [
        item
        for seed in range(10)
        for item in measure_drift(frame_of(150, seed), frame_of(3_000, seed + 100))
    ]

    alarms = sum(item.is_drifted for item in found)
    assert alarms <= 0.1 * len(found)
    assert sum(item.stability_index > 0.1 for item in found) > alarms


@pytest.mark.parametrize(
    ("feature", "change"),
    [
        ("revenue_total", lambda values: values * 3),
        ("count_orders", lambda values: np.where(values == 2, 3, values)),
        ("has_app", lambda values: 1 - values),
        ("mean_gap_days", lambda values: values.fillna(5.0)),
    ],
)
def test_a_feature_that_moved_is_first(
    feature: str, change: Callable[[pd.Series], pd.Series]
) -> None:
    """A shift of a range, of one frequent value, of a flag or of nulls is found and named."""
    before, after = frame_of(2_000, 1), frame_of(2_000, 2)

    found = measure_drift(before, after.assign(**{feature: change(after[feature])}))

    assert found[0].feature == feature
    assert found[0].is_drifted


def test_constant_and_empty_features_do_not_drift() -> None:
    """Absent silos are the same before and after."""
    before = pd.DataFrame(0.0, index=range(50), columns=list(NAMES))
    before["days_since_last_event"] = np.nan

    found = measure_drift(before, before.iloc[:20])

    assert not any(item.is_drifted for item in found)
    assert measure_drift(before, before.iloc[:0]) == ()
