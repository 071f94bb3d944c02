"""Tests of own hours and channels: as strong as the parameters say, and nothing by default."""

import numpy as np
import pytest

from sandbox.shop import ShopParameters
from sandbox.shop.mail import CLICK, OPEN
from sandbox.shop.silos import Silos
from sandbox.shop.visits import BROWSE
from sandbox.shop.world import DEFAULT_UNTIL, World


def silos(**changes: float) -> Silos:
    """Return a small world."""
    world = World("tiny", 4, ShopParameters(**changes))
    return Silos(world.block(0, world.calendar(DEFAULT_UNTIL)))


def share_at_own_hour(made: Silos, person, moment) -> float:
    """Return which share of moments lies at the person's own hour or beside it."""
    hour = np.floor((moment % 1.0) * 24).astype(int)
    away = np.abs(hour - made.block.habits.hour[person])
    return float(np.mean(np.minimum(away, 24 - away) <= 1))


def people_at(made: Silos):
    """Return persons and moments of what people opened, and of their visits for pleasure."""
    responses, visits = made.responses, made.visits
    opens = (responses.kind == OPEN) & ~responses.is_machine
    browses = visits.kind == BROWSE
    return (
        (responses.person[opens], responses.moment[opens]),
        (visits.person[browses], visits.start[browses]),
    )


def test_the_share_decides_how_often_the_own_hour_is_kept():
    """Seven in ten moments keep it, the others may fall there by chance."""
    with_habit, without = silos(hour_habit_share=0.7), silos()

    for (person, moment), (other, usual) in zip(
        people_at(with_habit), people_at(without), strict=True
    ):
        by_chance = share_at_own_hour(without, other, usual)
        expected = 0.7 + 0.3 * by_chance
        assert by_chance < 0.3
        assert share_at_own_hour(with_habit, person, moment) == pytest.approx(expected, abs=0.05)


def test_habits_move_nothing_but_the_hour():
    """The same persons open the same mails and buy the same things, and nothing comes too early."""
    with_habit, without = silos(hour_habit_share=0.7), silos()
    responses = with_habit.responses

    assert np.array_equal(responses.send, without.responses.send)
    assert np.array_equal(with_habit.orders.moment, without.orders.moment)
    assert (responses.moment > responses.sends.moment[responses.send]).all()
    assert len(with_habit.block.habits.hour) == len(without.block.habits.hour)


def test_who_prefers_the_app_opens_fewer_mails_and_visits_by_app():
    """Both in proportion to the strength; by default app users are alike."""
    for strength, factor in ((0.0, 1.0), (0.5, 0.5)):
        made = silos(channel_habit_strength=strength)
        habits, responses = made.block.habits, made.responses
        own = np.isin(responses.kind, (OPEN, CLICK)) & ~responses.is_machine
        has_app = habits.has_app
        rates = []
        for group in (habits.prefers_app, has_app & ~habits.prefers_app):
            sends = responses.sends
            got = group[sends.subscribers.person[sends.subscriber]].sum()
            rates.append(group[responses.person[own]].sum() / got)
        assert rates[0] / rates[1] == pytest.approx(factor, rel=0.2)


def test_truth_tells_hours_of_all_and_channels_of_those_who_choose(tiny):
    """Own hours lie where visits do; about half of the app's users prefer it."""
    rows = tiny.rows("""
        select count(*), count(distinct person_id), min(own_hour), max(own_hour),
            avg((own_hour between 8 and 22)::int),
            avg((own_channel = 'push')::int), count(own_channel) / count(*)
        from truth__habit""")[0]

    assert rows[0] == rows[1] == tiny.value("select count(*) from truth__person")
    assert 0 <= rows[2] <= rows[3] <= 23
    assert rows[4] > 0.85
    assert rows[5] == pytest.approx(0.5, abs=0.1)
    assert 0.1 < rows[6] < 0.5
