"""Tests of the randomised test of a nudge: drawn by chance, with the effects that truth tells."""

import pytest

from sandbox.shop import ShopParameters
from sandbox.shop.world import DEFAULT_UNTIL, World

# What became of everybody who was drawn, from the true purchases.
CAME = """
    with came as (
        select outcome.*, exists (
            select * from truth__purchases as bought
            where bought.person_id = outcome.person_id and bought.is_identified
                and bought.occurred_at >= outcome.assigned_at
                and bought.occurred_at < outcome.assigned_at + interval 30 days) as comes
        from truth__potential_outcomes as outcome)
"""


def block(**changes: float):
    """Return the only block of a small world."""
    world = World("tiny", 4, ShopParameters(**changes))
    return world.block(0, world.calendar(DEFAULT_UNTIL))


def purchases(made) -> set[tuple[int, float]]:
    """Return who bought when."""
    return set(zip(made.purchases.person.tolist(), made.purchases.moment.tolist(), strict=True))


def test_everybody_who_was_drawn_is_landed_once(demo):
    """Half of them are mailed at a cost, and truth knows each of them."""
    landed = "select variant, count(*), sum(contact_cost) from experiments__subscriber_assignments"
    arms = {row[0]: row[1:] for row in demo.rows(f"{landed} group by 1")}
    known = """
        select count(*), count(distinct person_id), count(distinct subscriber_id)
        from experiments__subscriber_assignments as drawn
        inner join truth__record_link as link
            on link.record_key = subscriber_id and link.table_name = 'subscribers'
        inner join truth__potential_outcomes as outcome using (person_id, variant, assigned_at)"""
    total = arms["control"][0] + arms["nudge"][0]

    assert total > 2_000
    assert demo.rows(known) == [(total, total, total)]
    assert arms["control"][0] / total == pytest.approx(0.5, abs=0.03)
    assert arms["control"][1] == 0
    assert float(arms["nudge"][1]) == pytest.approx(0.4 * arms["nudge"][0])


def test_what_truth_tells_is_what_happens(demo):
    """Everybody orders or not as the outcome of their arm says."""
    wrong = f"""{CAME}
        select count(*) from came
        where comes <> case variant when 'nudge' then orders_with else orders_without end"""

    assert demo.value(wrong) == 0


def test_arms_differ_by_the_nudge_alone(demo):
    """Who would order anyway is in both arms alike, within chance."""
    shares = f"""{CAME}
        select avg(orders_without::int) from came group by variant order by variant"""
    control, nudged = (row[0] for row in demo.rows(shares))

    assert control == pytest.approx(nudged, abs=0.03)


def test_strata_have_about_the_published_shares_and_effects(demo):
    """Persuadable 23 % (.05 to .17), sure 16 % (.35), lost 52 % (.01), put off 9 % (.12 to .07)."""
    found = {
        row[0]: row[1:]
        for row in demo.rows("""
            select stratum, count(*) / sum(count(*)) over (),
                avg(orders_without::int), avg(orders_with::int)
            from truth__potential_outcomes group by 1""")
    }
    published = {"persuadable": 0.23, "sure": 0.16, "lost": 0.52, "put off": 0.09}

    assert {name: share for name, (share, *_) in found.items()} == pytest.approx(
        published, abs=0.06
    )
    assert found["persuadable"][2] - found["persuadable"][1] == pytest.approx(0.12, abs=0.03)
    assert found["put off"][2] < found["put off"][1]
    assert found["sure"][1] == found["sure"][2] == pytest.approx(0.35, abs=0.08)
    assert found["lost"][1] == found["lost"][2] < 0.04


def test_without_an_effect_nothing_happens_that_would_not_happen_anyway():
    """A nudge without strength, and no test at all, leave the same purchases."""
    without, powerless = block(nudge_test_share=0.0), block(nudge_strength=0.0)

    assert len(without.nudges.person) == 0
    assert len(powerless.nudges.person) > 300
    assert purchases(without) == purchases(powerless)


def test_only_orders_of_the_days_after_it_come_and_go():
    """Nobody else's purchases move, none before the test, none a month after it."""
    without, mailed = block(nudge_test_share=0.0), block()
    changed = purchases(without) ^ purchases(mailed)
    drawn = dict(zip(mailed.nudges.person.tolist(), mailed.nudges.moment.tolist(), strict=True))

    assert 5 < len(changed) < 100
    assert all(0 <= moment - drawn[person] < 30 for person, moment in changed)


def test_the_draw_does_not_depend_on_the_day_it_is_looked_at():
    """Seen before the test, the same persons will be drawn and the same will happen."""
    world = World("tiny", 4, ShopParameters())
    early, late = (world.block(0, world.calendar(day)) for day in (
        DEFAULT_UNTIL.replace(year=DEFAULT_UNTIL.year - 1), DEFAULT_UNTIL
    ))  # fmt: skip

    assert early.nudges.person.tolist() == late.nudges.person.tolist()
    assert purchases(early) == purchases(late)
