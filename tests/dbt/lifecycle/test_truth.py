"""What the warehouse learns about a shop's rhythm is what the shop was made of."""

import numpy as np
import pytest

from sandbox.shop.calendar import MONTH_FACTORS
from tests.dbt.truth import MAIN_PERSONS

# The usual world, and two that differ in all that the curve and the cohorts tell.
WORLDS = {
    "usual": (1,),
    "slow and fickle": (
        2, "second_window_days=35", "quick_gap_mean_days=14", "year2_retention=0.20",
    ),
    "faithful": (3, "year2_retention=0.33"),
}  # fmt: skip
WINDOW_DAYS = {"usual": 10, "slow and fickle": 35, "faithful": 10}
POINT = 0.01
# Months of a shop of this size differ by a twelfth or so from what they were made of.
SEASON_ERROR = 0.25

# The same cohorts on both sides: buyers and months that have had their whole year.
CURVE = """
    select day, share_of_second_purchases from insight.second_purchase_curve
    where segment_type = 'all' and day in (1, 3, 10, 35, 100)
"""
TRUE_CURVE = """
    select day, avg((gap_days <= day)::int)
    from read_parquet('{truth}/second_purchase/**/*.parquet')
    cross join (select unnest([1, 3, 10, 35, 100]) as day)
    where gap_days <= 365 and first_at <= (select as_of - interval 365 day from raw.clock)
    group by day
"""
RETENTION = """
    select year_number, sum(count_retained) / sum(count_active_before)
    from insight.retention_cohorts where is_mature group by year_number
"""
TRUE_RETENTION = """
    with purchases as (
        select
            person_id, occurred_at, as_of,
            min(occurred_at) over (partition by person_id) as first_at
        from read_parquet('{truth}/purchases/**/*.parquet')
        cross join raw.clock
        where is_identified and occurred_at < as_of
    ),
    active as (
        select distinct
            person_id, as_of, first_at, date_trunc('month', first_at) as cohort_month,
            date_diff('second', first_at, occurred_at) // (365 * 86400) + 1 as year_number
        from purchases
    ),
    cohorts as (
        select
            earlier.cohort_month,
            earlier.year_number + 1 as year_number,
            count(*) as count_before,
            count(later.person_id) as count_retained
        from active as earlier
        left join active as later
            on later.person_id = earlier.person_id
            and later.year_number = earlier.year_number + 1
        group by all
        having bool_and(
            earlier.first_at <= earlier.as_of - to_days(365 * (earlier.year_number + 1)::int)
        )
    )
    select year_number, sum(count_retained) / sum(count_before)
    from cohorts group by year_number
"""
# A repeat buyer has lapsed by the own rhythm, against whether the person is still there.
VERDICTS = (
    MAIN_PERSONS
    + """,
    judged as (
        select
            ntile(2) over (
                partition by alive.alive_until >= rhythm.as_of order by person.yearly_rate
            ) as pace,
            alive.alive_until >= rhythm.as_of as is_alive,
            rhythm.overdue_ratio > rhythm.lapse_ratio as own_rhythm,
            rhythm.elapsed_days > 90 as after_90_days,
            rhythm.elapsed_days > 365 as after_365_days
        from insight.purchase_rhythm as rhythm
        inner join main_persons using (customer_id)
        inner join read_parquet('{truth}/alive_daily/**/*.parquet') as alive using (person_id)
        inner join read_parquet('{truth}/person/**/*.parquet') as person using (person_id)
        where rhythm.count_orders >= 2
    )
"""
)
ACCURACY = f"""
    {VERDICTS}
    select
        rule,
        (avg(verdict::int) filter (not is_alive) + avg((not verdict)::int) filter (is_alive)) / 2
    from judged
    unpivot (verdict for rule in (own_rhythm, after_90_days, after_365_days))
    group by rule
"""
# Of those who are still there, the slower and the faster half by their true yearly rate.
FALSE_ALARMS = f"""
    {VERDICTS}
    select pace, avg(own_rhythm::int) from judged where is_alive group by pace order by pace
"""


@pytest.fixture(scope="module")
def shops(make_shop):
    """Shops of the demo's size in three worlds, built up to what is known about their rhythm."""
    made = {}
    for world, (seed, *overrides) in WORLDS.items():
        made[world] = make_shop("demo", seed, *overrides)
        made[world].build("+graduation_cohorts", "+retention_cohorts", "purchase_seasons")
    return made


@pytest.mark.slow
def test_second_purchases_come_as_fast_as_they_truly_did(shops):
    """Any share of the curve is within a point of the truth about cohorts a year old."""
    for world, shop in shops.items():
        found, truth = dict(shop.query(CURVE)), dict(shop.query(TRUE_CURVE))

        assert found == pytest.approx(truth, abs=POINT), world


@pytest.mark.slow
def test_the_window_is_learned_from_each_shop(shops):
    """The elbow is the day, give or take one, on which a world's quick second purchases end."""
    for world, shop in shops.items():
        found = shop.query("select w2_days, is_reliable from insight.second_purchase_window")

        assert found == [(pytest.approx(WINDOW_DAYS[world], abs=1), True)], world


@pytest.mark.slow
def test_retention_is_what_it_truly_was(shops):
    """Years 2 and 3 are within a point of the truth about the same months."""
    for world, shop in shops.items():
        found, truth = dict(shop.query(RETENTION)), dict(shop.query(TRUE_RETENTION))

        assert {2, 3} <= found.keys(), world
        for year in (2, 3):
            assert found[year] == pytest.approx(truth[year], abs=POINT), (world, year)


@pytest.mark.slow
def test_own_rhythm_tells_the_lost_from_the_slow_better_than_fixed_days(shops):
    """Lapsed by the own rhythm: balanced accuracy 0.87 or more, above 90 and 365 fixed days."""
    for world in ("usual", "faithful"):
        accuracy = dict(shops[world].query(ACCURACY))

        assert accuracy["own_rhythm"] >= 0.87
        assert accuracy["own_rhythm"] > max(accuracy["after_90_days"], accuracy["after_365_days"])


@pytest.mark.slow
def test_slow_buyers_are_alarmed_about_no_more_often_than_fast_ones(shops):
    """The shares of false alarms differ by ten points at most."""
    for world in ("usual", "faithful"):
        (_, slow), (_, fast) = shops[world].query(FALSE_ALARMS)

        assert abs(slow - fast) <= 0.10, world


@pytest.mark.slow
def test_seasons_are_those_of_the_world(shops):
    """Each month brings the share of purchases that it was made to bring, December the most."""
    factors = np.array([*MONTH_FACTORS[:10], 1.8, 1.8])
    truth = dict(enumerate(factors / factors.mean(), start=1))
    for world, shop in shops.items():
        rows = shop.query("select month_number, season_index, reason from insight.purchase_seasons")
        found = {month: index for month, index, _ in rows}

        assert {reason for _, _, reason in rows} == {"measured"}, world
        assert found == pytest.approx(truth, abs=SEASON_ERROR), world
        assert set(sorted(found, key=found.__getitem__)[-2:]) == {11, 12}, world
