"""Where visits came from and who made them, against what the simulator knows."""

import pytest

# Each labelled visit and the session that began with it; device clocks may be five minutes off.
LABELLED = """
    with truth as (
        select *, row_number() over () as visit
        from read_parquet('{home}/truth/session_source/**/*.parquet')
    ),
    paired as (
        select
            truth.*,
            sessions.channel_group,
            coalesce(sessions.is_bot, false) as is_found,
            sessions.bot_reason,
            row_number() over (
                partition by truth.visit
                order by abs(date_diff('millisecond', truth.started_at, sessions.started_at))
            ) as nearest
        from truth
        left join core.sessions
            on sessions.anonymous_id = truth.anonymous_id
            and abs(date_diff('second', truth.started_at, sessions.started_at)) <= 301
    )
    select * from paired where nearest = 1
"""
CHANNELS = {
    "direct": "direct",
    "organic": "organic_search",
    "brand search": "paid_search",
    "shopping ads": "paid_search",
    "social ads": "paid_social",
    "retargeting": "paid_social",
    "newsletter": "email",
    "referral": "referral",
    "social": "social",
}


@pytest.fixture(scope="module")
def ask(demo):
    """Return a function that asks about the labelled visits of the demo's shop."""
    return lambda sql: demo.query(f"with visits as ({LABELLED.format(home=demo.home)}) {sql}")


def test_visits_come_from_where_they_truly_came(ask):
    """99 of 100 labelled visits have their channel, and no channel is right by its size alone."""
    found = ask("select source, channel_group, count(*) from visits group by all")
    total, right, of_source = 0, 0, dict.fromkeys(CHANNELS, 0)
    for source, channel, count in found:
        total += count
        right += count * (channel == CHANNELS[source])
        of_source[source] += count * (channel == CHANNELS[source])

    assert right / total >= 0.99
    for source, count in of_source.items():
        assert count / sum(n for name, _, n in found if name == source) >= 0.97, source


def test_bots_are_found_though_four_in_ten_do_not_say_so(ask):
    """F1 is 0.9 or more; those that say so alone would give less than 0.8."""

    def f1(rule):
        hits, found, all_bots = ask(
            f"select count(*) filter (is_bot and {rule}), count(*) filter ({rule}), "
            "count(*) filter (is_bot) from visits"
        )[0]
        return 2 * hits / (found + all_bots)

    assert f1("is_found") >= 0.9
    assert f1("bot_reason = 'says so'") < 0.8


def test_no_person_is_taken_for_a_bot(ask):
    """Nobody who has an account or an order is judged by pace, and hardly any stranger."""
    known, strangers, wrong = ask(
        "select count(*) filter (is_found and person_id is not null), "
        "count(*) filter (person_id is null and not is_bot), "
        "count(*) filter (is_found and person_id is null and not is_bot) from visits"
    )[0]

    assert known == 0
    assert wrong <= 0.001 * strangers


def test_every_visit_has_place_time_device_and_origin(demo):
    """Also those of strangers; the four are known of every visit of this shop."""
    found = demo.query(
        "select customer_id is null, count(*), "
        "count(*) filter ('unknown' not in (geo_region, device_type, platform, channel_group)), "
        "count(started_local_hour), count(landing_page_path) filter (channel_group <> 'continued') "
        "+ count(*) filter (channel_group = 'continued') from core.sessions group by 1"
    )

    assert {is_stranger for is_stranger, *_ in found} == {True, False}
    for _, sessions, *known in found:
        assert known == [sessions] * 3
