"""Tests of the ground truth: complete, and enough to judge what a reader makes of the records."""

import pytest

AS_OF = "timestamp '2026-11-01'"
KEYS = {
    "shop__customers": ("customer_id", "not is_test"),
    "shop__orders": ("order_id", "true"),
    "store__receipts": ("receipt_id", "true"),
    "store__loyalty_cards": ("loyalty_card_id", "true"),
    "mail__subscribers": ("subscriber_id", "true"),
    "crm__contacts": ("contact_id", "true"),
    "helpdesk__cases": ("case_id", "true"),
    "push__tokens": ("push_token", "true"),
    "billing__contracts": ("contract_id", "true"),
}


@pytest.mark.parametrize("table", list(KEYS))
def test_every_record_has_its_person(tiny, table):
    """Each landed record is linked exactly once."""
    key, wanted = KEYS[table]
    name = table.split("__")[1]
    query = f"""
        select count(distinct {key}), count(distinct record_key), count(record_key)
        from (select distinct {key} from {table} where {wanted}) as landed
        left join truth__record_link on record_key = {key} and table_name = '{name}'"""
    landed, linked, links = tiny.rows(query)[0]

    assert landed == linked == links


def test_every_device_is_linked(tiny):
    """Each device of the events is linked to its person, or known to be a stranger's."""
    missing = """
        select count(*) from (select distinct anonymous_id from web__events)
        where anonymous_id not in (
            select record_key from truth__record_link where table_name = 'devices')"""

    assert tiny.value(missing) == 0


def test_truth_knows_every_linked_person(tiny):
    """Every person that a record belongs to before the cut is described."""
    unknown = """
        select count(*) from truth__record_link as links
        where table_name = 'orders' and person_id is not null
            and person_id not in (select person_id from truth__person)
            and record_key in (select order_id from shop__orders)"""

    assert tiny.value(unknown) == 0


def test_landing_tells_nothing_of_the_truth(tiny):
    """No landed file names a person of the truth."""
    for path in tiny.landing.rglob("*.*"):
        assert b"person-" not in path.read_bytes(), path.name


def test_numbers_of_different_silos_are_unrelated(tiny):
    """The digits of a person's numbers differ from silo to silo."""
    query = """
        with numbered as (
            select person_id, table_name, regexp_extract(record_key, '[0-9]+') as digits
            from truth__record_link
            where table_name in ('customers', 'loyalty_cards', 'contacts', 'subscribers'))
        select count(*) from numbered as one inner join numbered as other
            using (person_id, digits) where one.table_name < other.table_name"""

    assert tiny.value(query) == 0


def test_orders_are_the_sum_of_their_lines(demo):
    """Every order and every receipt equals its lines to the cent."""
    orders = """
        select count(*) from (select distinct order_id, net_amount from shop__orders) as orders
        inner join (
            select order_id, sum(net) as net from (
                select distinct order_id, line_number, net_amount as net from shop__order_items)
            group by order_id) using (order_id)
        where net <> net_amount"""
    receipts = """
        select count(*) from (select distinct receipt_id, net_amount from store__receipts)
        inner join (
            select receipt_id, sum(net_amount) as net from store__receipt_items group by receipt_id)
        using (receipt_id) where net <> net_amount"""
    lines = """
        select count(*) from shop__order_items
        where net_amount <> quantity * unit_price - discount_amount"""

    assert [demo.value(query) for query in (orders, receipts, lines)] == [0, 0, 0]


def test_truth_of_consent_follows_the_events(demo):
    """Whoever is allowed a mailing confirmed it last and did not end it in the e-mail tool."""
    query = f"""
        with now as (
            select identifier from truth__legal_state
            where is_allowed and purpose = 'marketing' and channel = 'email'
                and valid_from < {AS_OF} and (valid_to is null or valid_to > {AS_OF})),
        consents as (
            select lower(trim(identifier)) as identifier, arg_max(status, occurred_at) as status
            from consent__events where purpose = 'marketing' and channel = 'email' group by 1),
        tool as (
            select lower(trim(email)) as identifier, arg_max(status, updated_at) as state
            from mail__subscribers group by 1)
        select count(*), count(*) filter (status not in ('confirmed', 'granted')),
            count(*) filter (state = 'unsubscribed')
        from now left join consents using (identifier) left join tool using (identifier)"""
    allowed, unconfirmed, ended = demo.rows(query)[0]

    assert allowed > 3_000
    assert unconfirmed == 0
    assert ended < 0.02 * allowed  # an address may stand on the list twice


def test_intervals_of_one_contact_point_do_not_overlap(demo):
    """At any time one state holds per contact point, purpose and channel."""
    query = """
        select count(*) from (
            select valid_to, lead(valid_from) over (
                partition by identifier_type, identifier, purpose, channel
                order by valid_from) as following
            from truth__legal_state)
        where following < valid_to"""

    assert demo.value(query) == 0


def test_every_audience_finds_people(demo):
    """New customers past their window, former good ones and loyal app users may be addressed."""
    query = f"""
        with allowed as (
            select distinct person_id, channel from truth__legal_state
            where is_allowed and purpose = 'marketing' and valid_from < {AS_OF}
                and (valid_to is null or valid_to > {AS_OF})),
        people as (
            select person_id, count(*) as times, max(occurred_at) as last_at
            from truth__purchases where occurred_at < {AS_OF} and is_identified group by 1)
        select
            count(*) filter (channel = 'email' and times = 1
                and last_at between {AS_OF} - interval 150 days and {AS_OF} - interval 11 days),
            count(*) filter (channel = 'email' and times > 3
                and last_at < {AS_OF} - interval 270 days),
            count(*) filter (channel = 'push' and times > 5
                and last_at > {AS_OF} - interval 120 days)
        from people inner join allowed using (person_id)"""

    assert min(demo.rows(query)[0]) > 50


def test_activity_fades_before_leaving(demo):
    """In the month before they leave regulars visit less than those who stay."""
    query = f"""
        with regulars as (
            select person_id, alive_until <= {AS_OF} as leaves,
                least(alive_until, {AS_OF} - interval 60 days) as moment
            from truth__person inner join truth__alive_daily using (person_id)
            where is_regular and acquired_at < least(alive_until, {AS_OF}) - interval 360 days
                and (alive_until <= {AS_OF} or alive_until > {AS_OF} + interval 60 days)),
        counts as (
            select leaves, count(*) filter (started_at > moment - interval 30 days) as recent,
                count(*) filter (started_at <= moment - interval 150 days) / 7.0 as usual,
                count(distinct person_id) as persons
            from regulars inner join truth__session_source using (person_id)
            where started_at between moment - interval 360 days and moment group by leaves)
        select recent / usual, persons from counts order by leaves"""
    (staying, _), (leaving, persons) = demo.rows(query)

    assert persons > 100
    assert leaving < 0.92 * staying


def test_moments_of_every_kind_are_planted(demo):
    """Each kind happens often enough to be missed; nothing is known before it happened."""
    query = """
        select moment, count(*) filter (is_identifiable),
            count(*) filter (known_from < occurred_at or known_from >= timestamp '2026-11-01')
        from truth__moments group by moment"""
    rows = demo.rows(query)

    assert len(rows) >= 20
    assert min(count for _, count, _ in rows) >= 50
    assert sum(wrong for *_, wrong in rows) == 0


def test_incidents_of_every_kind_are_planted(demo):
    """Cases, failed deliveries, broken logins and disputes have a beginning and a later end."""
    query = """
        select kind, count(*), count(*) filter (ends_at > starts_at)
        from truth__incidents group by kind"""
    rows = demo.rows(query)

    assert {kind for kind, *_ in rows} == {
        "service_case", "delivery_failed", "login_failed", "payment_disputed",
    }  # fmt: skip
    assert all(count >= 50 and count == complete for _, count, complete in rows)


def test_decliners_use_the_service_less_long_before_they_leave(demo):
    """A month into it their use is a fraction of their own, and weeks remain until they lapse."""
    query = f"""
        with declines as (
            select record_key as contract_id, declines_at, least(lapses_at, {AS_OF}) as until,
                subscribed_at, lapses_at - declines_at as lead
            from truth__decliners
            inner join truth__record_link using (person_id)
            where table_name = 'contracts' and declines_at > subscribed_at + interval 180 days
                and declines_at + interval 60 days < {AS_OF}),
        uses as (
            select occurred_at between declines_at - interval 150 days and declines_at as is_usual,
                occurred_at between declines_at + interval 25 days and until as is_faded
            from usage__events inner join declines using (contract_id)),
        days as (
            select sum(150) as usual, sum(date_diff('day', declines_at, until) - 25) as faded,
                min(lead) as lead, count(*) as people
            from (select distinct * exclude (contract_id) from declines))
        select (select count(*) from uses where is_usual) / usual as usual,
            (select count(*) from uses where is_faded) / faded as faded,
            lead >= interval 60 days as is_early, people from days"""
    usual, faded, is_early, people = demo.rows(query)[0]

    assert people > 30
    assert is_early
    assert usual > 0.2
    assert faded < 0.35 * usual


def test_every_decliner_is_a_subscriber_and_most_subscribers_are_not(demo):
    """Subscribers are known with the day they lose interest, decliners among them; once each."""
    query = """
        select count(*), count(distinct person_id), count(decliner.declines_at),
            count(*) filter (subscriber.lapses_at > subscriber.subscribed_at),
            (select count(*) from truth__decliners)
        from truth__subscribers as subscriber
        left join truth__decliners as decliner using (person_id, subscribed_at, lapses_at)"""
    subscribers, people, found, lapsing, decliners = demo.rows(query)[0]

    assert subscribers == people == lapsing > 300
    assert found == decliners < subscribers / 2


def test_tastes_and_products_explain_what_is_bought(demo):
    """Shares add up to one, and lines are bought as often as the two say, favourites and others."""
    people = "select person_id, sum(line_share) as whole from truth__taste group by all"
    sums = f"select max(abs(whole - 1)), count(*) from ({people})"
    goods = """
        select max(abs(whole - 1)) from (
            select category, sum(category_share) as whole
            from truth__product inner join shop__products using (sku) group by all)"""
    lines = """
        with bought as (
            select link.person_id, item.sku, product.category
            from shop__order_items as item
            inner join shop__products as product using (sku)
            inner join truth__record_link as link
                on link.table_name = 'orders' and link.record_key = item.order_id
            where link.person_id is not null
        )
        select
            avg((taste.line_share > 0.5)::int) as favourites,
            avg((product.category_share = tops.share)::int) as tops,
            avg(tops.share) as expected_tops
        from bought
        inner join truth__taste as taste using (person_id, category)
        inner join truth__product as product using (sku)
        inner join (
            select category, max(category_share) as share
            from truth__product inner join shop__products using (sku) group by category
        ) as tops using (category)"""
    expected = """
        select
            sum(line_share) filter (where line_share > 0.5) / count(distinct person_id)
        from truth__taste"""
    off, people_count = demo.rows(sums)[0]
    favourites, tops, expected_tops = demo.rows(lines)[0]

    assert off < 1e-9
    assert people_count == demo.value("select count(*) from truth__alive_daily")
    assert demo.value(goods) < 1e-9
    assert favourites == pytest.approx(demo.value(expected), abs=0.02)
    assert tops == pytest.approx(expected_tops, abs=0.01)
