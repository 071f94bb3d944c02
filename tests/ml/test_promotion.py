"""A model earns its place against the baseline, or the baseline keeps it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml.evaluation import Interval, Metrics
from ml.promotion import choose
from ml.recipes import BASELINE, BOOSTING, LOGISTIC

LEVEL = Metrics(1_000, 200, 0.2, 0.2, 0.7, 0.15, 0.45, 0.02, 1.0, 2.0)
BETTER, UNSURE, WORSE = (
    Interval(-0.05, -0.07, -0.03),
    Interval(-0.01, -0.03, 0.01),
    Interval(0.05, 0.03, 0.07),
)


@pytest.mark.parametrize(
    ("logistic", "boosting", "boosting_over_logistic", "champion", "challenger"),
    [
        (BETTER, BETTER, UNSURE, LOGISTIC, BOOSTING),
        (BETTER, BETTER, WORSE, LOGISTIC, BOOSTING),
        (BETTER, BETTER, BETTER, BOOSTING, LOGISTIC),
        (BETTER, UNSURE, BETTER, LOGISTIC, BOOSTING),
        (UNSURE, BETTER, UNSURE, BOOSTING, LOGISTIC),
        (UNSURE, UNSURE, BETTER, BASELINE, LOGISTIC),
        (WORSE, UNSURE, BETTER, BASELINE, BOOSTING),
    ],
)
def test_the_winner_is_who_has_proof(
    logistic: Interval,
    boosting: Interval,
    boosting_over_logistic: Interval,
    champion: str,
    challenger: str,
) -> None:
    """Logistic regression stays unless boosting is surely better; without proof nobody wins."""
    metrics = {BASELINE: LEVEL, LOGISTIC: LEVEL, BOOSTING: LEVEL}

    choice = choose(metrics, {LOGISTIC: logistic, BOOSTING: boosting}, boosting_over_logistic)

    assert (choice.champion, choice.challenger) == (champion, challenger)
    assert choice.status == ("no_evidence" if champion == BASELINE else "evidence")
    assert "95 % interval" in choice.reason


@pytest.mark.parametrize(
    ("ratio", "baseline_ratio", "champion"),
    [
        (0.79, 1.0, BASELINE),
        (1.26, 1.0, BASELINE),
        (0.81, 1.0, LOGISTIC),
        (1.24, 1.0, LOGISTIC),
        (0.75, 0.70, LOGISTIC),
        (1.30, 0.75, LOGISTIC),
    ],
)
def test_a_model_off_its_level_is_not_published(
    ratio: float, baseline_ratio: float, champion: str
) -> None:
    """Mean probability / actual outside 0.8 to 1.25 fails unless the baseline is farther off."""
    metrics = {
        BASELINE: replace(LEVEL, calibration_ratio=baseline_ratio),
        LOGISTIC: replace(LEVEL, calibration_ratio=ratio),
        BOOSTING: replace(LEVEL, calibration_ratio=ratio),
    }

    choice = choose(metrics, {LOGISTIC: BETTER, BOOSTING: BETTER}, UNSURE)

    assert choice.champion == champion
