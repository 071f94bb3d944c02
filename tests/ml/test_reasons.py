"""Reasons add up to what the model says, and speak of every feature once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.features import NAMES
from ml.reasons import FACTS, TOPICS, explain
from ml.recipes import BASELINE, BOOSTING, LOGISTIC, RECENCY, fit, predict
from ml.rhythm import COLUMNS
from ml.windows import Window

KINDS = (BASELINE, LOGISTIC, BOOSTING)
SENDS = NAMES.index("count_sends_90d")


@pytest.fixture(scope="module")
def window() -> Window:
    """Snapshots where recency decides most and e-mails a little."""
    generator = np.random.default_rng(8)
    values = generator.poisson(3, (3_000, len(COLUMNS))).astype(float)
    values[:, RECENCY] = generator.integers(1, 365, 3_000)
    values[generator.random(3_000) < 0.7, NAMES.index("mean_gap_days")] = np.nan
    logits = 1.0 - values[:, RECENCY] / 60 + 0.3 * values[:, SENDS]
    actual = generator.random(3_000) < 1 / (1 + np.exp(-logits))
    begins = pd.Timestamp("2026-08-01")
    customers = np.array([f"c{row}" for row in range(3_000)], dtype=object)
    return Window(begins, begins + pd.Timedelta(days=90), customers, values, actual)


def test_every_column_belongs_to_one_topic_and_has_words() -> None:
    """A new feature has to be given a topic."""
    listed = [name for names in TOPICS.values() for name in names]

    assert sorted(listed) == sorted(COLUMNS)
    assert set(FACTS) == set(COLUMNS)


def test_the_reasons_of_the_logistic_add_up_to_its_odds(window: Window) -> None:
    """Together they are the odds against those of the usual customer, exactly but for the small."""
    parts = fit(LOGISTIC, [window], seed=0)
    row = window.matrix[:1].copy()
    row[0, [RECENCY, SENDS]] = 300, 9

    reasons = explain(LOGISTIC, parts, row)

    both = predict(LOGISTIC, parts, np.vstack([row, parts["usual"]]))
    logits = np.log(both / (1 - both))
    told = sum(np.log(reason.factor) for reason in reasons)
    assert told == pytest.approx(logits[0] - logits[1], abs=0.05 * len(TOPICS))


@pytest.mark.parametrize("kind", KINDS)
def test_what_decides_comes_first_and_points_the_right_way(window: Window, kind: str) -> None:
    """Somebody who has long been silent is told so, with what is usual."""
    parts = fit(kind, [window], seed=0)
    row = parts["usual"].copy()[None, :]
    row[0, RECENCY] = 350

    first = explain(kind, parts, row)[0]

    assert first.subject.startswith("Rhythm of purchases (Days from the last purchase")
    assert (first.value, first.target) == (350.0, "odds")
    assert first.usual == pytest.approx(np.median(window.matrix[:, RECENCY]))
    assert first.factor < 0.5


@pytest.mark.parametrize("kind", [LOGISTIC, BOOSTING])
def test_the_usual_customer_needs_no_reason(window: Window, kind: str) -> None:
    """Who is like the median in everything has nothing to explain, nulls included."""
    parts = fit(kind, [window], seed=0)

    assert np.isnan(parts["usual"][NAMES.index("mean_gap_days")])
    assert explain(kind, parts, parts["usual"][None, :]) == ()


def test_a_second_fact_is_a_second_reason(window: Window) -> None:
    """E-mails that matter are told beside recency by both learned kinds."""
    for kind in (LOGISTIC, BOOSTING):
        parts = fit(kind, [window], seed=0)
        row = parts["usual"].copy()[None, :]
        row[0, [RECENCY, SENDS]] = 10, 9

        subjects = [reason.subject.split(" (")[0] for reason in explain(kind, parts, row)]

        assert subjects[:2] == ["Rhythm of purchases", "E-mails"]
