"""Tests of the mess: every stated rate is found in the landed records."""

from math import sqrt

import pytest


def close(share: float, count: int) -> object:
    """Return the range that a binomial share of so many trials stays in (five deviations)."""
    return pytest.approx(share, abs=5 * sqrt(share * (1 - share) / count) + 1e-9)


def observed(shop, share: str, source: str) -> tuple[float, int]:
    """Return a share and the number of rows it is taken of."""
    return shop.rows(f"select avg(cast({share} as int)), count(*) from {source}")[0]


def test_events_arrive_late_and_twice(demo):
    """3% of the events come more than a day late, 0.3% more than a week, 0.5% come again."""
    lag = "received_at - occurred_at"
    day, count = observed(demo, f"{lag} > interval 23 hours", "web__events")
    week, _ = observed(demo, f"{lag} > interval 167 hours", "web__events")
    distinct = demo.value("select count(distinct event_id) from web__events")

    assert day == close(0.03, count)
    assert week == close(0.003, count)
    assert count / distinct - 1 == close(0.005, distinct)


def test_repeated_events_are_exact_copies(demo):
    """An event that arrives twice is the same event."""
    columns = "count(distinct event_id), count(distinct (event_id, occurred_at, received_at, sku))"
    both = demo.rows(f"select {columns} from web__events")[0]

    assert both[0] == both[1]


def test_some_device_clocks_are_wrong(demo):
    """2% of the sessions run on a clock that is up to five minutes off."""
    query = """select count(*) filter (occurred_at > received_at), count(*) from web__events"""
    ahead, count = demo.rows(query)[0]

    assert 0.006 < ahead / count < 0.014
    assert demo.value("select max(occurred_at - received_at) < interval 5 minutes from web__events")


def test_bots_make_their_share_of_sessions(demo):
    """15% of all sessions are made by bots; only part of them say so."""
    share, count = observed(demo, "is_bot", "truth__session_source")
    bots = demo.value("select count(*) from truth__session_source where is_bot")
    open_bots = demo.value(
        "select count(distinct anonymous_id) from web__events where device_type = 'bot'"
    )

    assert share == pytest.approx(0.15, abs=0.006)
    assert count > 10_000
    assert 0.5 < open_bots / bots < 0.7


def test_most_receipts_have_no_identifier(demo):
    """60% of the receipts carry no loyalty card."""
    share, count = observed(demo, "loyalty_card_id is null", "store__receipts where not is_test")

    assert share == pytest.approx(0.60, abs=0.03)
    assert count > 5_000


def test_cards_are_lent(demo):
    """About 5% of the receipts with a card are not the holder's."""
    query = """
        select avg(cast(buyer.person_id is distinct from holder.person_id as int)), count(*)
        from store__receipts as receipts
        inner join truth__record_link as buyer on buyer.record_key = receipts.receipt_id
        inner join truth__record_link as holder on holder.record_key = receipts.loyalty_card_id
        where not is_test"""
    share, _ = demo.rows(query)[0]

    assert share == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(
    ("label", "share"),
    [("has_email_typo", 0.015), ("has_name_variant", 0.06)],
)
def test_order_forms_are_filled_in_badly(demo, label, share):
    """Addresses have typing errors and names other spellings at the stated rates."""
    table = "truth__record_link where table_name = 'orders' and is_identifiable"
    found, count = observed(demo, label, table)

    assert found == pytest.approx(share, abs=0.004)
    assert count > 20_000


def test_a_quarter_of_the_contacts_leave_only_an_address(demo):
    """They have a name and an address in every version, and truth knows them."""
    query = """
        select avg(cast(is_postal_only as int)), count(*),
            count(*) filter (last_name is null or postal_code is null)
        from (select contact_id, any_value(last_name) as last_name,
                any_value(postal_code) as postal_code from crm__contacts group by contact_id)
        inner join truth__record_link on record_key = contact_id and table_name = 'contacts'"""
    share, count, homeless = demo.rows(query)[0]
    leaks = """
        select count(*) from crm__contacts
        inner join truth__record_link on record_key = contact_id and table_name = 'contacts'
        where is_postal_only and (phone is not null or (email is not null
            and email not like '%@shop.example' and email not like '%@angabe.example'))"""

    assert share == close(0.25, count)
    assert homeless == 0
    assert demo.value(leaks) == 0


def test_a_fifth_of_the_persons_have_two_records_in_a_silo(demo):
    """22% of the persons are duplicated; among those known for a year nearly all show it."""
    share, count = observed(demo, "has_duplicate", "truth__person")
    query = """
        select avg(cast(person_id in (
            select person_id from truth__record_link where is_duplicate) as int))
        from truth__person where has_duplicate and acquired_at < timestamp '2025-06-01'"""

    assert share == close(0.22, count)
    assert demo.value(query) > 0.9


@pytest.mark.parametrize(
    ("reasons", "share"),
    [
        ("'shared device', 'shared e-mail'", 0.06),
        ("'shared e-mail'", 0.02),
        ("'father and son'", 0.005),
        ("'twins'", 0.001),
    ],
)
def test_households_are_hard_to_tell_apart(demo, reasons, share):
    """Devices and addresses are shared and names repeated at about the stated rates.

    Pairs count only when both persons are there, and a pair has one reason.
    """
    persons = demo.value("select count(*) from truth__person")
    pairs = demo.value(f"select count(*) from truth__hard_negatives where reason in ({reasons})")
    expected = share * persons / 2 * (2 / 3)  # two of three partners have come by now

    assert pairs == pytest.approx(expected, rel=0.4, abs=6)


def test_parcels_come_back(demo):
    """Something returns from 46% of the apparel parcels and from far fewer of the others."""
    query = """
        with parcels as (
            select
                order_id, arg_min(category, line_number) as category,
                max(refunded_amount) > 0 as comes_back
            from shop__order_items left join shop__products using (sku)
            where order_id in (
                select order_id from shop__orders
                where status = 'paid' and not is_test
                    and ordered_at < timestamp '2026-09-01')
            group by order_id)
        select avg(cast(comes_back as int)) filter (category = 'apparel'),
            avg(cast(comes_back as int)) filter (category <> 'apparel'),
            avg(cast(comes_back as int)) from parcels"""
    apparel, other, everything = demo.rows(query)[0]

    assert apparel == pytest.approx(0.46, abs=0.03)
    assert other < 0.12
    assert 0.14 < everything < 0.26


def test_two_currencies_are_used(demo):
    """Swiss customers pay in francs, all others in euro."""
    columns = "distinct country_code, currency_code"
    rows = demo.rows(f"select {columns} from shop__orders where not is_test")

    assert set(rows) == {("DE", "EUR"), ("AT", "EUR"), ("CH", "CHF")}


def test_test_orders_belong_to_staff(demo):
    """0.3% of the orders are tests, placed with staff accounts."""
    share, count = observed(demo, "is_test", "shop__orders")
    staff = "select customer_id from shop__customers where is_test"
    strays = f"select count(*) from shop__orders where is_test <> (customer_id in ({staff}))"

    assert share == close(0.003, count)
    assert demo.value(strays) == 0


def test_the_newsletter_meets_people_and_machines(demo):
    """A fifth of the sign-ups stays unconfirmed; responses come at the stated rates."""
    pending = "status = 'pending'"
    settled = "mail__subscribers where signed_up_at < timestamp '2026-09-25'"
    lost, _ = observed(demo, pending, settled)
    sends = demo.value("select count(*) from mail__sends")
    rate = dict(
        demo.rows(
            f"""select response_type || case when is_machine then ' by machine' else '' end,
                count(distinct response_id) / {sends}.0 from mail__responses group by 1"""
        )
    )

    assert lost == pytest.approx(0.21, abs=0.03)
    assert rate["click"] == pytest.approx(0.03, abs=0.008)
    assert rate["unsubscribe"] == pytest.approx(0.0018, abs=0.0006)
    assert rate["bounce_hard"] + rate["bounce_soft"] == pytest.approx(0.018, abs=0.005)
    opens = rate["open"] + rate["open by machine"]
    assert rate["open by machine"] / opens == pytest.approx(0.40, abs=0.06)


def test_silos_contradict_each_other(demo):
    """For about 3% of the confirmed subscribers one silo has not heard of the end."""
    query = """
        with states as (
            select lower(trim(email)) as email, arg_max(status, updated_at) as status
            from mail__subscribers group by 1),
        consents as (
            select lower(trim(identifier)) as email, arg_max(status, occurred_at) as consent
            from consent__events where purpose = 'marketing' and channel = 'email' group by 1)
        select count(*) filter ((status = 'subscribed') <> (consent = 'confirmed')) / count(*)
        from states inner join consents using (email)
        where status in ('subscribed', 'unsubscribed')"""

    assert demo.value(query) == pytest.approx(0.03, abs=0.015)


def test_tills_run_on_local_time(demo):
    """Receipts are printed in opening hours by the clock on the wall, summer and winter."""
    query = "select min(hour(sold_at)), max(hour(sold_at)) from store__receipts"
    sundays = "select count(*) from store__receipts where isodow(sold_at) = 7"

    assert demo.rows(query) == [(9, 19)]
    assert demo.value(sundays) == 0


@pytest.mark.parametrize("table", ["fulfilment__events", "production__milestones", "usage__events"])
def test_news_of_the_other_silos_arrive_late_and_twice(demo, table):
    """Carriers, factory and app tell 3% of their news late, and 0.5% of them again."""
    clock = "occurred_at at time zone 'Europe/Berlin' at time zone 'UTC'"
    happened = clock if table == "fulfilment__events" else "occurred_at"
    late, count = observed(demo, f"received_at - ({happened}) > interval 3 hours", table)
    key = demo.rows(f"describe {table}")[0][0]
    distinct = demo.value(f"select count(distinct {key}) from {table}")

    assert 0.015 < late < 0.035
    assert count / distinct - 1 == close(0.005, distinct)


def test_only_configured_furniture_is_made_to_order(demo):
    """Every piece in the factory is a line of a paid order of furniture, and no chair."""
    query = """
        select count(*), count(*) filter (category = 'furniture' and family <> 'Chair')
        from (select distinct order_id, line_number from production__milestones)
        inner join (select distinct order_id, line_number, sku from shop__order_items)
            using (order_id, line_number)
        inner join shop__products using (sku)"""
    pieces, furniture = demo.rows(query)[0]

    assert pieces == furniture > 1_000


def test_stock_and_prices_come_back_to_what_they_were(demo):
    """Whatever sells out is filled up within weeks, and no reduction lasts."""
    gone = """
        select count(*), max(back - changed_at) < interval 21 days from (
            select quantity, changed_at,
                lead(changed_at) over (partition by sku order by changed_at) as back
            from (select distinct on (sku, changed_at) * from stock__levels))
        where quantity = 0 and back is not null"""
    reduced = """
        select count(*) from (
            select price, list_price,
                lead(price) over (partition by sku order by changed_at) as after
            from (select distinct on (sku, changed_at) * from stock__prices)
            inner join shop__products using (sku))
        where price < list_price and after is not null and after <> list_price"""
    count, comes_back = demo.rows(gone)[0]

    assert count > 1_000
    assert comes_back
    assert demo.value(reduced) == 0
