"""Who is planted to lose interest is flagged in time."""

import pytest

from tests.dbt.truth import PERSONS

# Two worlds in which most account holders use the service.
SEEDS = (1, 2)
FLAGS = (
    PERSONS
    + """,
    flags as (
        select person_id, flagged_at
        from insight.activity_declines inner join persons using (customer_id)
        where activity_kind = 'service'
    )
"""
)
# Of all planted decliners, also those who declined before they had a usual use to fall from.
FLAGGED_IN_TIME = (
    FLAGS
    + """
    select count(*), avg(exists(
        select 1 from flags
        where flags.person_id = decliner.person_id
            and flagged_at between declines_at and lapses_at - interval 30 day
    )::int)
    from read_parquet('{truth}/decliners/**/*.parquet') as decliner
    inner join raw.clock on lapses_at - interval 30 day <= as_of
"""
)
# Of all subscribers who could be judged, those who were ever flagged while nothing was wrong.
FALSELY_FLAGGED = (
    FLAGS
    + """,
    content as (
        select person_id, subscribed_at, least(coalesce(declines_at, lapses_at), as_of) as until
        from read_parquet('{truth}/subscribers/**/*.parquet') as subscriber
        left join read_parquet('{truth}/decliners/**/*.parquet') as decliner
            using (person_id, subscribed_at, lapses_at)
        cross join raw.clock
    )
    select count(*), avg(exists(
        select 1 from flags where flags.person_id = content.person_id and flagged_at < until
    )::int)
    from content
    where subscribed_at + interval 119 day < until
"""
)


@pytest.fixture(scope="module", params=SEEDS)
def shop(request, make_shop):
    """A small shop full of subscribers, built up to the declines."""
    made = make_shop("tiny", request.param, "subscription_share=0.9")
    made.build("+activity_declines")
    return made


@pytest.mark.slow
def test_planted_decliners_are_flagged_thirty_days_before_they_lapse(shop):
    """At least 60 in 100 of all, at no more than 10 in 100 of the content ever flagged."""
    count, found = shop.query(FLAGGED_IN_TIME)[0]
    content, falsely = shop.query(FALSELY_FLAGGED)[0]

    assert count > 100
    assert found >= 0.60
    assert content > 200
    assert falsely <= 0.10
