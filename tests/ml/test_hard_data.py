"""Hard data: every prediction refuses it clearly or gives sane results, and never guesses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.errors import MlError
from ml.models import PREDICTIONS
from ml.prediction import Prediction, Refused, Trained
from tests.ml.hard_cases import CASES, ORDERS, Frames
from tests.ml.test_prediction import few_of, frames_of

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.ml.conftest import Shop

# Null by design: one purchase tells nothing of leaving.
MAY_BE_NULL = {"alive_probability"}
SCORED_AT = pd.Timestamp("2026-11-01 04:00")
# Where nothing can be learnt, nothing may be: with a reason that names what is missing or broken.
REFUSED = {
    "everybody_comes": {"next_order", "second_purchase", "uplift", "lead_score", "next_action"},
    "nobody_comes": {
        *("next_order", "orders_and_value", "second_purchase", "next_offer", "uplift"),
        *("lead_score", "next_action"),
    },
    "negative_margins": {"orders_and_value", "lead_score"},
    "backwards": {"next_order", "uplift", "segments"},
    "all_null": {
        *("next_order", "orders_and_value", "second_purchase", "uplift"),
        *("channel_and_time", "segments", "lead_score"),
    },
}
# Where a shop is as good as any, it must be learnt from.
PLAIN = {"next_order", "orders_and_value", "second_purchase", "next_offer"}
NEWER = {"channel_and_time", "segments", "lead_score", "next_action"}
LEARNT = {
    "null_where_allowed": PLAIN | NEWER,
    "new_category": PLAIN | NEWER,
    "some_negative_margins": PLAIN | NEWER,
    "constant": {"segments"},
    "backwards": {"lead_score", "next_action", "channel_and_time"},
}


@pytest.fixture(scope="module", params=PREDICTIONS, ids=lambda prediction: prediction.NAME)
def prediction(request: pytest.FixtureRequest) -> Prediction:
    """Each prediction in turn."""
    return request.param


@pytest.fixture(scope="module")
def trained(prediction: Prediction, shop: Shop) -> Trained:
    """What it learnt from a shop that has something to teach."""
    result = prediction.fit(frames_of(prediction, shop), as_of=shop.clock)
    assert isinstance(result, Trained)
    return result


def attempt(prediction: Prediction, frames: Frames, shop: Shop) -> Trained | tuple[str, ...]:
    """Train, and return what was learnt or the sentences it was refused with."""
    try:
        outcome = prediction.fit(frames, as_of=shop.clock)
    except MlError as error:
        return (str(error),)
    return outcome.reasons if isinstance(outcome, Refused) else outcome


def check_rows(prediction: Prediction, rows: pd.DataFrame) -> None:
    """Check that numbers are numbers within their limits, and keys are whole."""
    assert not rows.duplicated(list(prediction.KEY)).any()
    for name, column in prediction.RESULT.items():
        values = rows[name]
        if column.dtype in ("float64", "int32", "int64"):
            known = values.dropna().to_numpy(float)
            assert np.isfinite(known).all(), name
            assert column.lowest is None or (known >= column.lowest).all(), name
            assert column.highest is None or (known <= column.highest).all(), name
        if name.endswith("probability") and name not in MAY_BE_NULL:
            assert values.notna().all(), name


def check_reasons(reasons: tuple[str, ...], shop: Shop) -> None:
    """Check that a refusal says something, in sentences, about nobody."""
    assert reasons
    customers = set(shop.occasions["customer_id"])
    for reason in reasons:
        assert re.search(r"[.!]$", reason)
        assert len(reason) > 20
        assert "nan" not in reason.lower().split()
        assert customers.isdisjoint(re.findall(r"\w+", reason))


def test_forty_of_anything_are_too_few(prediction: Prediction, shop: Shop) -> None:
    """Nothing is learnt, and the reasons have numbers."""
    frames = few_of(prediction, frames_of(prediction, shop), 40)

    reasons = attempt(prediction, frames, shop)

    assert not isinstance(reasons, Trained)
    check_reasons(reasons, shop)
    assert re.search(r"\d", reasons[0])


@pytest.mark.parametrize("case", CASES)
def test_hard_data_is_refused_or_learnt_from_sanely(
    case: str, prediction: Prediction, shop: Shop
) -> None:
    """What is learnt scores within its limits; what is not learnt has reasons."""
    frames = CASES[case](frames_of(prediction, shop), shop)

    outcome = attempt(prediction, frames, shop)

    if isinstance(outcome, Trained):
        assert prediction.NAME not in REFUSED.get(case, ())
        for model in (outcome.champion, outcome.challenger):
            check_rows(prediction, prediction.predict(model, frames, scored_at=SCORED_AT))
    else:
        assert prediction.NAME not in LEARNT.get(case, ()), outcome
        check_reasons(outcome, shop)


@pytest.mark.parametrize("case", CASES)
def test_a_good_model_meets_hard_data_when_scoring(
    case: str, prediction: Prediction, trained: Trained, shop: Shop
) -> None:
    """What was learnt in good times gives sane rows, or says what is wrong with the frame."""
    frames = CASES[case](frames_of(prediction, shop), shop)

    try:
        rows = prediction.predict(trained.champion, frames, scored_at=SCORED_AT)
    except MlError as error:
        check_reasons((str(error),), shop)
    else:
        check_rows(prediction, rows)


def test_what_comes_after_the_clock_changes_nothing(
    prediction: Prediction, trained: Trained, shop: Shop
) -> None:
    """Rows of the future may be landed: versions stay the same, to the last bit."""
    frames = {
        name: pd.concat(
            [frame, frame.assign(occurred_at=frame["occurred_at"] + pd.Timedelta(days=2_000))],
            ignore_index=True,
        )
        if name in ORDERS
        else frame
        for name, frame in frames_of(prediction, shop).items()
    }

    outcome = prediction.fit(frames, as_of=shop.clock)

    assert isinstance(outcome, Trained)
    assert outcome.champion.version == trained.champion.version


def test_a_clock_that_is_set_back_is_no_guess(prediction: Prediction, shop: Shop) -> None:
    """A year before, fewer rows are known; later ones are refused by name or not looked at."""
    frames = frames_of(prediction, shop)
    before = shop.clock - pd.Timedelta(days=365)
    known = {
        name: frame[frame["occurred_at"] < before] if name in ORDERS else frame
        for name, frame in frames.items()
    }

    versions = []
    for given in (frames, known):
        try:
            outcome = prediction.fit(given, as_of=before)
        except MlError as error:
            check_reasons((str(error),), shop)
            continue
        if isinstance(outcome, Refused):
            check_reasons(outcome.reasons, shop)
        else:
            versions.append(outcome.champion.version)

    assert len(versions) in (0, 2)
    assert len(set(versions)) <= 1
