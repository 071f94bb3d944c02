"""Hard data: every prediction refuses it clearly or gives sane results, and never guesses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.errors import MlError
from ml.models import PREDICTIONS
from ml.prediction import Prediction, Refused, Trained
from tests.ml.test_prediction import few_of, frames_of

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.ml.conftest import Shop

ORDERS = ("purchases", "lines")
Frames = dict[str, pd.DataFrame]
# Dates, keys and texts; every other column is a number or a flag that a prediction may learn from.
NOT_LEARNT = {
    "customer_id", "as_of", "is_current", "occurred_at", "assigned_at", "experiment", "variant",
    "is_control", "sku", "category",
}  # fmt: skip
# Null by design: one purchase tells nothing of leaving.
MAY_BE_NULL = {"alive_probability"}
SCORED_AT = pd.Timestamp("2026-11-01 04:00")


def learnt_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that a prediction may learn from."""
    return [
        name
        for name in frame.columns
        if name not in NOT_LEARNT and not pd.api.types.is_datetime64_any_dtype(frame[name].dtype)
    ]


def changed(frames: Frames, change: Callable[[pd.Series], object]) -> Frames:
    """Return frames whose learnt columns were changed one by one."""
    return {
        name: frame.assign(**{column: change(frame[column]) for column in learnt_columns(frame)})
        for name, frame in frames.items()
    }


def everybody_comes(frames: Frames, shop: Shop) -> Frames:
    """Every customer buys every twenty days: there is no other outcome."""
    customers = np.sort(shop.occasions["customer_id"].unique())
    days = pd.date_range(shop.clock - pd.Timedelta(days=1_000), shop.clock, freq="20D")[:-1]
    pairs = pd.MultiIndex.from_product([customers, days]).to_frame(index=False)
    pairs.columns = ["customer_id", "occurred_at"]
    values = {"net_amount": 20.0, "margin_amount": 8.0, "sku": "g0-1", "category": "group 0"}
    return {
        name: pairs.assign(**{key: values[key] for key in values if key in frame.columns})
        if name in ORDERS
        else frame
        for name, frame in frames.items()
    }


def nobody_comes(frames: Frames, shop: Shop) -> Frames:
    """Nobody has bought anything for a year."""
    last = shop.clock - pd.Timedelta(days=400)
    return {
        name: frame[frame["occurred_at"] < last] if name in ORDERS else frame
        for name, frame in frames.items()
    }


def all_null(frames: Frames, shop: Shop) -> Frames:
    """No column that could be learnt from says anything."""
    return changed(frames, lambda column: np.nan)


def null_where_allowed(frames: Frames, shop: Shop) -> Frames:
    """The columns that may be null are null everywhere."""
    return changed(frames, lambda column: np.nan if column.isna().any() else column)


def constant(frames: Frames, shop: Shop) -> Frames:
    """Every column that could be learnt from has one value."""

    def first(column: pd.Series) -> object:
        known = column.dropna()
        return known.iloc[0] if len(known) else np.nan

    return changed(frames, first)


def new_category(frames: Frames, shop: Shop) -> Frames:
    """Everybody buys what nobody has bought before, today."""
    grown = dict(frames)
    for name, frame in frames.items():
        if {"sku", "occurred_at"} <= set(frame.columns):
            rows = frame.drop_duplicates("customer_id").assign(
                sku="never seen", category="new", occurred_at=shop.clock - pd.Timedelta(hours=3)
            )
            grown[name] = pd.concat([frame, rows], ignore_index=True)
    return grown


def negative_margins(frames: Frames, shop: Shop) -> Frames:
    """Every purchase costs the shop money."""
    names = ("margin_amount", "net_amount")
    return {
        key: frame.assign(**{name: -frame[name].abs() for name in names if name in frame.columns})
        for key, frame in frames.items()
    }


def some_negative_margins(frames: Frames, shop: Shop) -> Frames:
    """Every third purchase does."""
    sign = {
        key: np.where(np.arange(len(frame)) % 3 == 0, -1.0, 1.0) for key, frame in frames.items()
    }
    return {
        key: frame.assign(margin_amount=frame["margin_amount"] * sign[key])
        if "margin_amount" in frame.columns
        else frame
        for key, frame in frames.items()
    }


def backwards(frames: Frames, shop: Shop) -> Frames:
    """Days run backwards: what was first is last, and customers are younger than their orders."""

    def turn(name: str, column: pd.Series) -> pd.Series:
        return -column if name.startswith("days_") else column

    return {
        key: frame.assign(**{name: turn(name, frame[name]) for name in learnt_columns(frame)})
        for key, frame in frames.items()
    }


CASES: dict[str, Callable[[Frames, Shop], Frames]] = {
    case.__name__: case
    for case in (
        everybody_comes, nobody_comes, all_null, null_where_allowed, constant,
        new_category, negative_margins, some_negative_margins, backwards,
    )
}  # fmt: skip
# Where nothing can be learnt, nothing may be: with a reason that names what is missing or broken.
REFUSED = {
    "everybody_comes": {"next_order", "second_purchase", "uplift"},
    "nobody_comes": {"next_order", "orders_and_value", "second_purchase", "next_offer", "uplift"},
    "negative_margins": {"orders_and_value"},
    "backwards": {"next_order", "uplift"},
    "all_null": {"next_order", "orders_and_value", "second_purchase", "uplift"},
}
# Where a shop is as good as any, it must be learnt from.
LEARNT = {
    "null_where_allowed": {"next_order", "orders_and_value", "second_purchase", "next_offer"},
    "new_category": {"next_order", "orders_and_value", "second_purchase", "next_offer"},
    "some_negative_margins": {"next_order", "orders_and_value", "second_purchase", "next_offer"},
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
