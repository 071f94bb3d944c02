"""Answers that are known before they come are refused instead of learnt from."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.models import channel_and_time
from ml.prediction import Refused, Trained
from tests.ml.answering import CLOCK, answers_of

pytestmark = pytest.mark.slow

HALF = CLOCK - pd.Timedelta(days=90)


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """Answers without any habit: what meets more than the shop's hour has looked ahead."""
    return answers_of(3_000, seed=11)[0]


def test_answers_that_are_known_too_early_are_refused(answers: pd.DataFrame) -> None:
    """A load that stamps late answers with an old moment lets habits learn from their judges."""
    late = answers[answers["answered_at"] >= HALF]
    early = late.assign(answered_at=late["answered_at"] - pd.Timedelta(days=120))
    planted = pd.concat([answers, early], ignore_index=True)

    honest = channel_and_time.fit({"answers": answers}, as_of=CLOCK)
    outcome = channel_and_time.fit({"answers": planted}, as_of=CLOCK)

    assert isinstance(honest, Trained)
    assert isinstance(outcome, Refused)
    assert outcome.reasons == (
        f"answer_date is after answered_at in {len(early)} answers, as if known before they came. "
        "Date both by the same event in insight.customer_answers.",
    )


@pytest.mark.parametrize("hours", [-14, 14])
def test_a_time_zone_is_no_other_day(answers: pd.DataFrame, hours: int) -> None:
    """Local days begin up to 14 hours earlier or later than those of UTC."""
    moved = answers.assign(answered_at=answers["answered_at"] + pd.Timedelta(hours=hours))
    known = moved[moved["answered_at"] < CLOCK]

    assert isinstance(channel_and_time.fit({"answers": known}, as_of=CLOCK), Trained)
