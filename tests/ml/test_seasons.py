"""A probability that was learnt in one season is told for another as rates are multiplied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.card import render
from ml.models.next_order import fit, predict
from ml.prediction import Trained
from ml.seasons import UNKNOWN, Seasons, known, moved

if TYPE_CHECKING:
    from tests.ml.conftest import Shop

SCORED_AT = pd.Timestamp("2026-11-01 04:00")
SEASON = st.floats(0.1, 5)
CHRISTMAS = (*[1.0] * 10, 2.0, 4.0)


def calendar(valid_from: str, indices: tuple[float, ...]) -> pd.DataFrame:
    """Return what a version of the rules says of the year before it and the year after."""
    begins = pd.Timestamp(valid_from)
    months = pd.date_range(begins - pd.DateOffset(months=12), periods=24, freq="MS")
    return pd.DataFrame(
        {
            "valid_from": begins,
            "month_start": months,
            "season_index": [indices[month.month - 1] for month in months],
        }
    )


def test_a_stretch_of_days_has_the_mean_of_their_months() -> None:
    """December is left in the middle of the stretch."""
    assert Seasons(CHRISTMAS).over(pd.Timestamp("2025-12-22"), days=20) == pytest.approx(2.5)


def test_what_a_later_version_learnt_is_not_known_before() -> None:
    """The newest version that stood at the moment tells; before the first every month is usual."""
    told = pd.concat([calendar("2025-01-01", (1.0,) * 12), calendar("2026-01-01", CHRISTMAS)])

    assert known(told, pd.Timestamp("2026-01-01")).indices == CHRISTMAS
    assert known(told, pd.Timestamp("2025-12-31")) == Seasons()
    assert known(told, pd.Timestamp("2024-12-31")) == Seasons()
    assert known(UNKNOWN, pd.Timestamp("2026-01-01")) == Seasons()


def test_a_month_without_purchases_still_teaches() -> None:
    """An index of 0, set by hand, makes nobody certain: it counts as a hundredth of the usual."""
    nothing = known(calendar("2026-01-01", (0.0,) * 12), pd.Timestamp("2026-02-01"))
    learnt = [(nothing.over(pd.Timestamp("2026-02-01"), days=90), 1.0)]

    assert moved(np.array([0.001]), learnt, 1.0)[0] == pytest.approx(1 - 0.999**100, abs=1e-3)


@given(st.lists(st.floats(0, 0.999), min_size=1), SEASON, SEASON)
def test_rates_are_multiplied(probabilities: list[float], learnt: float, season: float) -> None:
    """1 - (1 - p)^(season / learnt), which is what a rate in another season comes to."""
    probability = np.array(probabilities)

    told = moved(probability, [(learnt, 1.0)], season)

    assert told == pytest.approx(1 - (1 - probability) ** (season / learnt), abs=1e-4)


@given(
    st.lists(st.floats(0, 1), min_size=2),
    st.lists(SEASON, min_size=1, max_size=4),
    SEASON,
)
def test_the_order_of_customers_stays(
    probabilities: list[float], seasons: list[float], season: float
) -> None:
    """More seasons than one were learnt from; more of a season never lowers a probability."""
    learnt = [(one, 1 / len(seasons)) for one in seasons]
    probability = np.sort(probabilities)

    told = moved(probability, learnt, season)

    assert (np.diff(told) >= 0).all()
    assert ((told >= 0) & (told <= 1)).all()
    assert (moved(probability, learnt, 2 * season) >= told - 1e-9).all()


def test_one_season_throughout_changes_nothing() -> None:
    """Not by the last digit either."""
    probability = np.random.default_rng(0).random(1_000)

    assert moved(probability, [(1.3, 0.5), (1.3, 0.5)], 1.3) is probability


def test_probabilities_of_the_coming_season_are_told(shop: Shop) -> None:
    """Learnt mostly in usual months, scored for months of twice as much; the card says so."""
    ahead = {(shop.clock + pd.Timedelta(days=day)).month for day in range(90)}
    indices = tuple(2.0 if month in ahead else 1.0 for month in range(1, 13))
    told = calendar(f"{shop.clock:%Y-%m}-01", indices)
    plain = fit(shop.frames, as_of=shop.clock)
    bent = fit({**shop.frames, "seasons": told}, as_of=shop.clock)
    assert isinstance(plain, Trained)
    assert isinstance(bent, Trained)

    before = predict(plain.champion, shop.frames, scored_at=SCORED_AT)["probability"]
    after = predict(bent.champion, shop.frames, scored_at=SCORED_AT)["probability"]

    assert bent.report["season"] == pytest.approx(2.0)
    assert bent.report["season_learnt"] < 2.0
    assert bent.champion.version != plain.champion.version
    assert after.mean() > before.mean()
    assert (after.rank() == before.rank()).mean() > 0.99
    assert "bring 2.00 times the usual purchases" in render(bent.champion, bent.report)
    assert "times the usual purchases" not in render(plain.champion, plain.report)
