"""Tests of the purchase behaviour: the shares that the simulated shop promises."""

from dataclasses import dataclass

import numpy as np
import pytest

from sandbox.shop import DEFAULT_UNTIL, ShopParameters
from sandbox.shop.calibration import solved
from sandbox.shop.world import World


@dataclass(frozen=True)
class Measured:
    """Behaviour of mature cohorts, measured on true purchases."""

    second_share: float
    within_10d: float
    within_window: float
    year2: float
    year3: float


def measured(seed: int, *overrides: str, size: str = "demo") -> Measured:
    """Simulate the purchases of a world and measure them as a shop would."""
    parameters = solved(ShopParameters().with_overrides(overrides))
    world = World(size, seed, parameters)
    calendar = world.calendar(DEFAULT_UNTIL)
    blocks = [world.block(number, calendar) for number in range(world.blocks)]
    offsets = np.cumsum([0, *(len(block.people) for block in blocks)])
    person = np.concatenate(
        [block.purchases.person + start for block, start in zip(blocks, offsets, strict=False)]
    )
    moment = np.concatenate([block.purchases.moment for block in blocks])
    seen = moment < calendar.cut
    return shares(person[seen], moment[seen], calendar.cut, parameters.second_window_days)


def shares(person: np.ndarray, moment: np.ndarray, cut: int, window: float) -> Measured:
    """Compute second purchases within a year and yearly retention, fully observed cohorts only."""
    persons = person.max() + 1
    first = np.full(persons, np.inf)
    np.minimum.at(first, person, moment)
    age = moment - first[person]
    gap = np.full(persons, np.inf)
    later = age > 0
    np.minimum.at(gap, person[later], age[later])
    mature = first <= cut - 365
    seconds = gap[mature & (gap <= 365)]
    years = np.zeros((persons, 5), dtype=bool)
    years[person, np.minimum(age // 365, 4).astype(int)] = True
    return Measured(
        second_share=len(seconds) / mature.sum(),
        within_10d=(seconds <= 10).mean(),
        within_window=(seconds <= window).mean(),
        year2=years[first <= cut - 730, 1].mean(),
        year3=years[(first <= cut - 1095) & years[:, 1], 2].mean(),
    )


@pytest.mark.parametrize("seed", range(1, 6))
def test_demo_keeps_the_published_shares(seed):
    """Second purchases within ten days and yearly retention come out within two points."""
    shop = measured(seed)

    assert shop.second_share == pytest.approx(0.395, abs=0.02)
    assert shop.within_10d == pytest.approx(0.846, abs=0.02)
    assert shop.year2 == pytest.approx(0.25, abs=0.02)
    assert shop.year3 == pytest.approx(0.90, abs=0.02)


def test_reference_keeps_the_published_shares():
    """At 60,000 persons the shares come out within one point."""
    shop = measured(3, size="reference")

    assert shop.within_10d == pytest.approx(0.846, abs=0.01)
    assert shop.year2 == pytest.approx(0.25, abs=0.01)
    assert shop.year3 == pytest.approx(0.90, abs=0.01)


def test_year2_retention_can_be_set():
    """The world with a set second-year retention has it, and keeps the third year."""
    shop = measured(2, "year2_retention=0.20", size="reference")

    assert shop.year2 == pytest.approx(0.20, abs=0.01)
    assert shop.year3 == pytest.approx(0.90, abs=0.015)


def test_second_purchases_can_be_made_more_frequent():
    """More second buyers give more retention, by as much as the parameters say."""
    shop = measured(4, "second_purchase_share=0.53")

    assert shop.second_share == pytest.approx(0.525, abs=0.02)
    assert shop.year2 == pytest.approx(0.331, abs=0.02)


def test_second_window_can_be_moved():
    """A world with another window has its quick second purchases inside that window."""
    shop = measured(1, "second_window_days=35", "quick_gap_mean_days=14")

    assert shop.within_window == pytest.approx(0.85, abs=0.02)
    assert shop.within_10d < 0.7


def test_purchases_are_numbered_in_order():
    """Purchases of one person are numbered from 1, in time, at least minutes apart."""
    world = World("tiny", 1, ShopParameters())
    purchases = world.block(0, world.calendar(DEFAULT_UNTIL)).purchases
    same = purchases.person[1:] == purchases.person[:-1]

    assert (np.diff(purchases.number)[same] == 1).all()
    assert (purchases.number[1:][~same] == 1).all()
    assert np.diff(purchases.moment)[same].min() > 45 / 1440


def test_nobody_buys_after_leaving():
    """No purchase comes after the moment that truth gives for leaving."""
    world = World("tiny", 1, ShopParameters())
    purchases = world.block(0, world.calendar(DEFAULT_UNTIL)).purchases
    overdue = purchases.moment - purchases.alive_until[purchases.person]

    assert (overdue > 2.0).mean() == 0


def test_november_and_december_are_busy():
    """The two months sell about 1.8 times an ordinary month, relative to the trend."""
    world = World("reference", 1, ShopParameters())
    block = world.block(0, world.calendar(DEFAULT_UNTIL))
    months = block.purchases.moment.astype("datetime64[D]").astype("datetime64[M]").astype(int)
    counts = np.bincount(months - months.min())[:72]
    season = counts.reshape(6, 12)  # worlds begin in November
    ratio = season[2:, :2].mean() / season[2:, 4:10].mean()

    assert 1.5 < ratio < 2.2
