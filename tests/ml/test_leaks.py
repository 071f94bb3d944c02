"""Columns that know the future are found on simulated and real shops; honest ones never are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.features import NAMES, validate
from ml.leaks import ARRIVAL, PLAUSIBILITY, Leak, Watched, find_leaks
from ml.models.next_order import fit, predict
from ml.prediction import Refused, Trained
from ml.window_leaks import ESSENTIAL, find_in_windows
from ml.windows import complete_windows, known_occasions, split_newest

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.ml.conftest import Shop

DAYS = 90
SHOPS = ("shop", "retail_shop", "cdnow_shop")
SEEDS = (0, 1)
# Where a leak hides in these tests: a feature that the shops without events leave at 0.
COLUMN = "count_carts_30d"


def next_waits(shop: Shop, features: pd.DataFrame) -> np.ndarray:
    """Return the days from each row's date to the next purchase of its customer; nan if none."""
    left = features[["customer_id", "as_of"]].reset_index().sort_values("as_of")
    right = shop.occasions[["customer_id", "occurred_at"]].sort_values("occurred_at")
    right = right.assign(as_of=right["occurred_at"].astype(left["as_of"].dtype))
    found = pd.merge_asof(left, right, on="as_of", by="customer_id", direction="forward")
    waits = (found["occurred_at"] - found["as_of"]) / pd.Timedelta(days=1)
    return waits.set_axis(found["index"]).reindex(features.index).to_numpy()


def count_after(shop: Shop, features: pd.DataFrame) -> np.ndarray:
    """Return the purchases of each row's customer in the 90 days after its date."""
    rows = features[["customer_id", "as_of"]].reset_index()
    both = rows.merge(shop.occasions[["customer_id", "occurred_at"]], on="customer_id")
    since = both["occurred_at"] - both["as_of"]
    inside = both[(since >= pd.Timedelta(0)) & (since < pd.Timedelta(days=DAYS))]
    return inside.groupby("index").size().reindex(features.index, fill_value=0).to_numpy()


def copied(shop: Shop, features: pd.DataFrame, seed: int) -> np.ndarray:
    """Copy the outcome."""
    return (next_waits(shop, features) < DAYS).astype(int)


def blurred(shop: Shop, features: pd.DataFrame, seed: int) -> np.ndarray:
    """Copy the outcome, wrong for every fifth row."""
    is_wrong = np.random.default_rng(seed).random(len(features)) < 0.2
    return ((next_waits(shop, features) < DAYS) != is_wrong).astype(int)


def counted(shop: Shop, features: pd.DataFrame, seed: int) -> np.ndarray:
    """Count the orders of the window that is predicted."""
    return count_after(shop, features)


def filled_later(shop: Shop, features: pd.DataFrame, seed: int) -> np.ndarray:
    """Fill a column that says nothing, three months late."""
    is_told = np.random.default_rng(seed).random(len(features)) < 0.1
    return np.where(features["is_current"], 0, is_told).astype(int)


def guessed(shop: Shop, features: pd.DataFrame, seed: int) -> np.ndarray:
    """Copy past outcomes and draw today's at the same rate, so that they arrive as they should."""
    generator = np.random.default_rng(seed)
    past = copied(shop, features, seed)
    rate = past[~features["is_current"]].mean()
    return np.where(features["is_current"], generator.random(len(features)) < rate, past)


PLANTS: dict[str, Callable[..., np.ndarray]] = {
    plant.__name__: plant for plant in (copied, blurred, counted, filled_later, guessed)
}


@pytest.fixture(scope="session")
def cdnow_shop(cdnow: pd.DataFrame, make_shop: Callable[..., Shop]) -> Shop:
    """The real customers of CDNOW."""
    occasions = cdnow.assign(occurred_at=cdnow["occurred_at"] + pd.Timedelta(hours=12))
    return make_shop(occasions, pd.Timestamp("1998-07-01"))


def found_in(shop: Shop, features: pd.DataFrame, seed: int = 0) -> tuple[Leak, ...]:
    """Return the leaks among the features of a shop."""
    frame = validate(features)
    known = known_occasions(shop.occasions, known_until=shop.clock)
    windows = complete_windows(frame, known, days=DAYS, known_until=shop.clock)
    training, test = split_newest(windows)
    assert test is not None
    return find_in_windows(training, test, frame[frame["is_current"]], known, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("name", SHOPS)
def test_a_column_that_knows_the_future_is_found(
    name: str, plant: str, seed: int, request: pytest.FixtureRequest
) -> None:
    """Whatever it knows, and alone: the columns beside it stay."""
    shop: Shop = request.getfixturevalue(name)
    values = PLANTS[plant](shop, shop.features, seed)

    found = found_in(shop, shop.features.assign(**{COLUMN: values}), seed)

    assert [leak.feature for leak in found] == [COLUMN]
    if plant in ("filled_later", "guessed"):
        assert found[0].check == {"filled_later": ARRIVAL, "guessed": PLAUSIBILITY}[plant]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [*SHOPS, "random_shop"])
def test_honest_columns_are_never_taken_for_leaks(
    name: str, seed: int, request: pytest.FixtureRequest
) -> None:
    """Neither recency nor counts nor ratios, in shops where they tell much or nothing."""
    shop: Shop = request.getfixturevalue(name)

    assert found_in(shop, shop.features, seed) == ()


@pytest.mark.parametrize("seed", range(20, 26))
def test_honest_columns_of_other_worlds_are_kept(
    seed: int, simulate: Callable[..., pd.DataFrame], make_shop: Callable[..., Shop]
) -> None:
    """Six more shops, each with a column that tells honestly what no purchase does."""
    clock = pd.Timestamp("2026-11-01")
    shop = make_shop(simulate(customers=1_200, days=800, until=clock, seed=seed), clock)
    generator = np.random.default_rng(seed)
    # Half of those about to buy have looked at products in the month before, and a fifth of others.
    soon = next_waits(shop, shop.features) < 30
    looked = generator.random(len(shop.features)) < np.where(soon, 0.5, 0.2)

    assert found_in(shop, shop.features.assign(count_product_views_30d=looked.astype(int))) == ()


def test_two_copies_do_not_hide_each_other(shop: Shop) -> None:
    """Each says what the other says, and no honest column says it."""
    values = copied(shop, shop.features, 0)
    features = shop.features.assign(**{COLUMN: values, "count_cases_180d": values * 3})

    assert {leak.feature for leak in found_in(shop, features)} == {COLUMN, "count_cases_180d"}


@pytest.mark.parametrize("name", ["shop", "retail_shop"])
def test_a_leak_is_left_out_of_what_is_learnt_and_told(
    name: str, request: pytest.FixtureRequest
) -> None:
    """The same models and scores come of it as without the column, and the report says why."""
    shop: Shop = request.getfixturevalue(name)
    planted = shop.features.assign(**{COLUMN: guessed(shop, shop.features, 1)})

    clean, leaky = (
        fit({**shop.frames, "features": features}, as_of=shop.clock)
        for features in (shop.features, planted)
    )

    assert isinstance(clean, Trained)
    assert isinstance(leaky, Trained)
    assert clean.report["left_out"] == []
    (told,) = leaky.report["left_out"]
    assert told["feature"] == COLUMN
    assert f"{COLUMN} says" in told["reason"]
    for kind, measures in clean.report["metrics"].items():
        assert leaky.report["metrics"][kind] == pytest.approx(measures)
    at = shop.clock
    leaky_scores, clean_scores = (
        predict(result.champion, {"features": features}, scored_at=at)
        for result, features in ((leaky, planted), (clean, shop.features))
    )
    names = ["customer_id", "probability"]
    pd.testing.assert_frame_equal(leaky_scores[names], clean_scores[names])
    assert set(leaky_scores["model_version"]).isdisjoint(clean_scores["model_version"])


@pytest.mark.parametrize("column", ESSENTIAL)
def test_a_shop_whose_history_knows_the_future_is_refused(column: str, shop: Shop) -> None:
    """When the columns leak that the naive rule stands on, nothing is left to compare with."""
    leaky = shop.features[column] + 1_000 * copied(shop, shop.features, 0)

    result = fit({**shop.frames, "features": shop.features.assign(**{column: leaky})},
                 as_of=shop.clock)  # fmt: skip

    assert isinstance(result, Refused)
    assert result.reasons[0].startswith(f"{column} says")


def test_what_cannot_be_judged_is_not_accused() -> None:
    """Few outcomes, no rows, one class, empty columns: nothing is said."""
    generator = np.random.default_rng(0)
    values = np.column_stack([generator.random(300), np.full(300, np.nan), np.ones(300)])
    trusted = np.empty((300, 0))
    for count in (0, 300, 9):
        rows = Watched(values, trusted, np.arange(300) < count)
        assert find_leaks(("a", "b", "c"), rows, rows, values) == ()
    none = Watched(values[:0], trusted[:0], np.empty(0, dtype=bool))
    assert find_leaks(("a", "b", "c"), none, none, values[:0]) == ()


def test_without_history_a_copy_is_still_found() -> None:
    """Nothing is trusted about a lead; what names the outcome does not go through."""
    generator = np.random.default_rng(2)
    is_won = generator.random(2_000) < 0.2
    honest = generator.normal(size=2_000) + is_won
    rows = Watched(np.column_stack([honest, is_won]), np.empty((2_000, 0)), is_won)
    today = np.column_stack([honest, generator.random(2_000) < 0.2])

    found = find_leaks(("visits", "is_won"), rows, rows, today)

    assert [leak.feature for leak in found] == ["is_won"]


@pytest.mark.parametrize("name", NAMES[5::6])
def test_any_feature_may_be_the_leak(name: str, shop: Shop) -> None:
    """Whatever the column said before, it carries no copy of the outcome unseen."""
    values = shop.features[name].fillna(0) + 1_000 * guessed(shop, shop.features, 3)
    is_flag = shop.features[name].dtype == bool
    values = guessed(shop, shop.features, 3) if is_flag else values

    assert name in {leak.feature for leak in found_in(shop, shop.features.assign(**{name: values}))}


@pytest.mark.parametrize("seed", range(3))
def test_a_poor_shop_knows_a_plain_copy(
    seed: int, simulate: Callable[..., pd.DataFrame], make_shop: Callable[..., Shop]
) -> None:
    """Just large enough to train, it finds what copies the outcome, and accuses nothing else."""
    clock = pd.Timestamp("2026-11-01")
    shop = make_shop(simulate(customers=600, days=900, until=clock, seed=30 + seed), clock)
    planted = shop.features.assign(**{COLUMN: guessed(shop, shop.features, seed)})

    assert [leak.feature for leak in found_in(shop, planted)] == [COLUMN]
    assert found_in(shop, shop.features) == ()
