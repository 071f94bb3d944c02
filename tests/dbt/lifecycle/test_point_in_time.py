"""Nothing that happened, or became known, after a moment may change what was known at it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

# How each input of the features tells when a row became known.
KNOWN_AT = {
    "intermediate.int_purchase_occasions_told": "occurred_at",
    "intermediate.int_purchase_lines_joined": "occurred_at",
    "intermediate.int_mail_contacts_assigned": "occurred_at",
    "core.events": "greatest(occurred_at, received_at)",
    "core.service_cases": "opened_at",
    "raw.push__tokens": "registered_at",
}

# What a different future could have brought: rows of it are changed beyond recognition.
OTHER_FUTURE = {
    "intermediate.int_purchase_occasions_told": "net_amount = 99999, sales_channel = 'store'",
    "intermediate.int_purchase_lines_joined": (
        "category = 'other', quantity = 9, returned_quantity = 9, discount_amount = 500"
    ),
    "intermediate.int_mail_contacts_assigned": "contact_type = 'click', is_machine = false",
    "core.events": "event_type = 'add_to_cart', platform = 'app', utm_campaign = event_id",
    "core.service_cases": "closed_at = null",
    "raw.push__tokens": "platform = 'other'",
}


# Beyond what stands between acts and transitions.
SCORED = ("+activity_declines", "score_phase_bands")


@pytest.fixture(scope="module")
def shop(make_shop):
    """A small shop built up to the features, the transitions and the scores."""
    small = make_shop("tiny", 5)
    small.build("+customer_features", "+lifecycle_transitions", "+score_transitions", *SCORED)
    return small


@pytest.fixture
def world(shop, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the shop's warehouse to do things to."""
    copy = tmp_path / shop.warehouse.name
    shutil.copy(shop.warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        yield connection


def past(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the newest as_of before the clock."""
    sql = "select max(as_of) from insight.customer_features where not is_current"
    return str(connection.execute(sql).fetchall()[0][0])


def forget(connection: duckdb.DuckDBPyConnection, moment: str) -> None:
    """Delete every input row that was not known before the moment."""
    for table, known_at in KNOWN_AT.items():
        connection.execute(f"delete from {table} where {known_at} >= timestamp '{moment}'")
    forget_logins(connection, moment)


def forget_logins(connection: duckdb.DuckDBPyConnection, moment: str) -> int:
    """Take away from persons what only a login from the moment on gave them; return how much."""
    sql = f"""
        update core.events set customer_id = null, customer_known_at = null
        where customer_known_at >= timestamp '{moment}' and received_at < timestamp '{moment}'
    """
    return int(connection.execute(sql).fetchall()[0][0])


def change(connection: duckdb.DuckDBPyConnection, moment: str) -> None:
    """Give every input row that was not known before the moment another content."""
    for table, assignments in OTHER_FUTURE.items():
        condition = f"{KNOWN_AT[table]} >= timestamp '{moment}'"
        connection.execute(f"update {table} set {assignments} where {condition}")
    forget_logins(connection, moment)
    connection.execute(
        "update core.service_cases set closed_at = opened_at + interval 900 day"
        f" where closed_at >= timestamp '{moment}'"
    )


def features(connection: duckdb.DuckDBPyConnection, sql: str, moment: str) -> list[tuple]:
    """Compute the features of a moment anew."""
    chosen = f"select * from ({sql}) where as_of = timestamp '{moment}' order by customer_id"
    return connection.execute(chosen).fetchall()


@pytest.mark.parametrize("perturb", [forget, change])
def test_features_of_a_past_moment_ignore_what_was_not_known_then(shop, world, perturb: Callable):
    """Features of a past as_of are the same to the last bit whatever came after it."""
    sql, moment = shop.compiled("customer_features"), past(world)
    before = features(world, sql, moment)

    perturb(world, moment)

    assert len(before) > 500
    assert features(world, sql, moment) == before


@pytest.mark.parametrize("perturb", [forget, change])
def test_the_perturbation_reaches_the_features_of_today(shop, world, perturb: Callable):
    """The same change does show in the features of the clock, so the test above can fail."""
    sql = shop.compiled("customer_features")
    today = "select as_of from insight.customer_features where is_current limit 1"
    clock = str(world.execute(today).fetchall()[0][0])
    columns = [row[0] for row in world.execute(f"describe ({sql})").fetchall()]
    before = features(world, sql, clock)

    perturb(world, past(world))

    after = features(world, sql, clock)
    changed = {
        name
        for old, new in zip(before, after, strict=False)
        for name, a, b in zip(columns, old, new, strict=True)
        if a != b
    }
    assert {
        "revenue_365d", "discount_share", "return_share", "count_carts_30d", "count_sessions_30d",
        "count_clicks_90d",
    } <= changed  # fmt: skip


def test_a_late_event_counts_from_the_day_it_was_received(shop, world):
    """An event of before the moment that was received after it changes nothing at the moment."""
    sql, moment = shop.compiled("customer_features"), past(world)
    before = features(world, sql, moment)
    late = f"""
        insert into core.events by name
        select * replace (
            event_id || ':late' as event_id,
            occurred_at - interval 1 hour as occurred_at,
            timestamp '{moment}' + interval 2 day as received_at,
            timestamp '{moment}' + interval 2 day as customer_known_at
        )
        from core.events
        where occurred_at between timestamp '{moment}' - interval 20 day and timestamp '{moment}'
            and customer_id is not null
    """

    count = world.execute(late).fetchall()[0][0]

    assert count > 100
    assert features(world, sql, moment) == before
    world.execute(
        "update core.events set received_at = occurred_at, customer_known_at = occurred_at"
        " where event_id like '%:late'"
    )
    assert features(world, sql, moment) != before


def test_an_event_before_a_login_counts_from_the_login(shop, world):
    """Who comes to be known after the moment was a stranger at the moment."""
    sql, moment = shop.compiled("customer_features"), past(world)
    before = features(world, sql, moment)

    count = forget_logins(world, moment)

    assert count > 10
    assert features(world, sql, moment) == before


# What stands between orders and transitions, in dbt's graph; declines are a mart between them.
BETWEEN = (
    "int_purchase_timelines_dated+,+lifecycle_transitions,path:models/intermediate",
    "stg_landing__clock",
    "int_purchase_feeds_checked",
    "activity_declines",
    "lifecycle_transitions",
)
# Orders of after a moment, and what was taken or sent back since, undone in the inputs.
UNTOLD = """
    update intermediate.int_order_items_completed set returned_quantity = 0
        where order_id in (
            select order_id from intermediate.int_purchases_validated
            where corrected_at >= moment
        );
    update intermediate.int_purchases_validated set
        is_valid_purchase = is_purchase, voided_at = null, corrected_at = null,
        shop_kept_amount = shop_net_amount
        where corrected_at >= moment and corrected_at > ordered_at;
    delete from intermediate.int_purchases_validated where ordered_at >= moment;
    update raw.clock set as_of = moment
"""
HISTORY = """
    select
        customer_id, transition_number, from_stage, to_stage, occurred_at, reason, rule_version,
        last_ordered_at
    from insight.lifecycle_transitions
    where occurred_at < timestamp '{moment}'
    order by all
"""
RULES = """
    select
        rule_version, mean_gap_days, risk_ratio, lapse_ratio, w95_days, enter_count_orders,
        enter_margin, stay_count_orders, stay_margin, rhythm_reason, window_reason
    from intermediate.int_lifecycle_rules_gathered
    where valid_from < timestamp '{moment}'
    order by all
"""
CORRECTIONS = """
    select count(*) from insight.lifecycle_transitions
    where reason like 'an order was %' and occurred_at {side} timestamp '{moment}'
"""


@pytest.mark.slow
def test_a_later_run_tells_the_same_history(shop, tmp_path):
    """A run of ten months ago saw the transitions up to then as today's run sees them.

    Also of those who had an order refunded since: they were judged by it, and so was everybody by
    the rules that a quarter, two days old, had learned from it.
    """
    moment = "2026-01-03 00:00:00"
    earlier = replace(shop, home=tmp_path)
    shutil.copy(shop.warehouse, earlier.warehouse)
    with duckdb.connect(str(earlier.warehouse)) as connection:
        connection.execute(UNTOLD.replace("moment", f"timestamp '{moment}'"))

    earlier.build(*BETWEEN)

    later = f"occurred_at >= timestamp '{moment}' and to_stage not in ('lead', 'visitor')"
    count_later = f"select count(*) > 0 from insight.lifecycle_transitions where {later}"
    assert (shop.query(count_later), earlier.query(count_later)) == ([(True,)], [(False,)])
    for side in ("<", ">="):
        assert shop.query(CORRECTIONS.format(side=side, moment=moment)) != [(0,)]
    now = shop.query(HISTORY.format(moment=moment))
    assert len(now) > 1000
    assert earlier.query(HISTORY.format(moment=moment)) == now
    rules = shop.query(RULES.format(moment=moment))
    assert rules[-1][0] == moment[:8] + "01"
    assert earlier.query(RULES.format(moment=moment)) == rules


# What happened or was written from a moment on, taken back in the inputs of the scores.
UNSCORED = """
    delete from core.events where greatest(occurred_at, customer_known_at) >= moment;
    delete from core.usage_events where greatest(occurred_at, received_at) >= moment;
    delete from core.contracts where created_at >= moment;
    delete from core.customers where first_seen_at >= moment;
    delete from intermediate.int_purchase_occasions_told where occurred_at >= moment;
    delete from intermediate.int_mail_contacts_assigned where occurred_at >= moment;
    delete from raw.crm__contacts where created_at >= moment;
    update raw.crm__contacts set job_title = null, industry = null, company_size = null
        where updated_at >= moment;
    update raw.mail__subscribers set confirmed_at = null where confirmed_at >= moment;
    update raw.mail__subscribers set unsubscribed_at = null where unsubscribed_at >= moment;
    delete from raw.shop__customers where created_at >= moment;
    update raw.clock set as_of = moment
"""
PHASES = """
    select customer_id, transition_number, from_phase, to_phase, changed_on, score_version
    from insight.score_transitions where changed_on < date '{moment}' order by all
"""
DECLINES = """
    select customer_id, activity_kind, flagged_at, usual_28d, count_28d, z_score
    from insight.activity_declines where flagged_at < timestamp '{moment}' order by all
"""


@pytest.mark.slow
def test_scores_tell_the_same_history_later(shop, tmp_path):
    """A run of two months ago saw phases and declines up to then as today's run sees them."""
    moment = "2026-09-01 00:00:00"
    earlier = replace(shop, home=tmp_path)
    shutil.copy(shop.warehouse, earlier.warehouse)
    with duckdb.connect(str(earlier.warehouse)) as connection:
        connection.execute(UNSCORED.replace("moment", f"timestamp '{moment}'"))

    between = "path:models/staging,+{0} path:models/intermediate/scores,+{0} {0}"
    earlier.build(*(between.format(mart) for mart in ("score_transitions", "activity_declines")))

    phases, declines = (
        (shop.query(sql.format(moment=moment[:10])), earlier.query(sql.format(moment=moment[:10])))
        for sql in (PHASES, DECLINES)
    )
    assert len(phases[0]) > 1000
    assert phases[1] == phases[0]
    assert len(declines[0]) > 50
    assert declines[1] == declines[0]
    later = f"select count(*) > 10 from insight.score_transitions where changed_on > '{moment}'"
    assert (shop.query(later), earlier.query(later)) == ([(True,)], [(False,)])
