"""When an anonymous event becomes a person's, whose a device is, and who lives with whom."""

import pytest

from tests.dbt.truth import LINKED, PERSONS

SHARING = ("household_share=0.9", "shared_device_share=0.9", "visits_per_year=6")
SEEDS = (1, 2)
NAMED = "core.customers inner join contact.customer_contacts using (customer_id)"

# Every event with what is true: the person of its visit (the device's last visit that began
# before it; clocks are up to five minutes off) and whether its customer is that person.
JUDGED = (
    PERSONS
    + """,
    accounts as (
        select event_id, max(customer_id) as account from raw.web__events group by all
    ),
    events as (
        select events.*, accounts.account, accounts.account is null as is_anonymous
        from core.events as events
        inner join accounts using (event_id)
        where anonymous_id is not null
    ),
    visited as (
        select events.*, visit.person_id, visit.started_at
        from events
        asof left join read_parquet('{truth}/session_source/**/*.parquet') as visit
            on events.anonymous_id = visit.anonymous_id
            and events.occurred_at + interval 301 second >= visit.started_at
    ),
    judged as (
        select
            visited.*,
            devices.is_shared,
            devices.count_customers > 0 as is_known_device,
            bool_or(not is_anonymous) over (
                partition by visited.anonymous_id, visited.started_at
            ) as is_logged_in_visit,
            persons.person_id is not null as is_right
        from visited
        inner join core.devices as devices on devices.device_id = visited.anonymous_id
        left join persons
            on persons.customer_id = visited.customer_id
            and persons.person_id = visited.person_id
    )
"""
)


@pytest.fixture(scope="module", params=SEEDS)
def crowded(request, make_shop):
    """A small shop where most people live in pairs and share a computer."""
    made = make_shop("tiny", request.param, *SHARING)
    made.build("+devices", "+households", "+sessions")
    return made


def test_anonymous_events_go_to_the_right_person(crowded):
    """Hardly one is given to somebody else, though a partner may never have logged in."""
    attached, right, shared = crowded.query(
        JUDGED + "select count(*), avg(is_right::int), count(*) filter (is_shared) from judged"
        " where is_anonymous and customer_id is not null"
    )[0]

    assert attached > 10_000
    assert shared > 50
    assert right >= 0.99


def test_no_event_of_a_visit_with_a_login_is_given_to_somebody_else(crowded):
    """Neither what was done logged in nor what came before it in the same visit."""
    wrong = (
        "select count(*) from judged where is_logged_in_visit and customer_id is not null"
        " and not is_right"
    )

    assert crowded.query(JUDGED + wrong) == [(0,)]


def test_what_is_anonymous_on_a_shared_device_is_given_to_nobody_else(crowded):
    """Where several people were seen on a device, what attaches is right without exception."""
    wrong = (
        "select count(*) from judged where is_shared and customer_id is not null and not is_right"
    )

    assert crowded.query(JUDGED + wrong) == [(0,)]


def test_nothing_attaches_without_consent(crowded):
    """An event says itself who is logged in, or analytics was allowed."""
    without = (
        "select count(*) from judged"
        " where is_anonymous and not has_analytics_consent and customer_id is not null"
    )

    assert crowded.query(JUDGED + without) == [(0,)]


def test_most_of_what_may_be_attached_is(crowded, record_property):
    """Of the allowed anonymous events of persons on devices that somebody is known to use."""
    share = crowded.query(
        JUDGED + "select avg((customer_id is not null)::int) from judged where is_anonymous"
        " and has_analytics_consent and person_id is not null and is_known_device"
    )[0][0]

    record_property("attached_share", round(share, 4))
    assert share >= 0.85


def test_a_session_belongs_to_one_identity(crowded):
    """The customer of a session is the customer of each of its events."""
    mixed = """
        select count(*) from core.events as events
        inner join core.sessions as sessions using (session_id)
        where events.customer_id is distinct from sessions.customer_id
    """

    assert crowded.query(mixed) == [(0,)]


def test_members_of_a_household_live_together(crowded):
    """Hardly two customers of a household are neither partners nor one person seen twice."""
    together = (
        LINKED
        + """,
        persons as (
            select customer_id, min(person_id) as person_id
            from linked
            where person_id is not null
            group by all
        ),
        members as (select * from core.customers inner join persons using (customer_id))
        select
            count(*),
            avg((a.person_id = b.person_id or person.household_partner_id = b.person_id)::int)
        from members as a
        inner join members as b
            on a.household_id = b.household_id and a.customer_id < b.customer_id
        inner join read_parquet('{truth}/person/**/*.parquet') as person
            on person.person_id = a.person_id
    """
    )
    pairs, right = crowded.query(together)[0]

    assert pairs > 100
    assert right >= 0.98


def event(name, device, moment, account=None, allowed=True, **details):
    """Return a page view of 2025."""
    return {
        "event_id": name,
        "event_type": "page_view",
        "anonymous_id": device,
        "occurred_at": f"2025-{moment}",
        "customer_id": account,
        "has_analytics_consent": allowed,
        **details,
    }


def account(name, first_name, last_name, street="Lindenstr. 5"):
    """Return a shop account in Leipzig."""
    return {
        "customer_id": name,
        "email": f"{name}@shop.example",
        "first_name": first_name,
        "last_name": last_name,
        "street": street,
        "postal_code": "04109",
        "created_at": "2024-01-01 12:00:00",
    }


ZEROS = "00000000-0000-0000-0000-000000000000"
ACCOUNTS = [
    account("anna", "Anna", "Roth"),
    account("paul", "Paul", "Roth", "Lindenstraße 5"),
    account("otto", "Otto", "Berg", "Hofweg 3"),
    account("neighbour", "Uwe", "Stein"),
    account("ida", "Ida", "Alt"),
    account("eva", "Eva", "Lang", "Ringweg 7"),
    account("tom", "Tom", "Klein", "Ringweg 7"),
]
EVENTS = [
    # One person's own device: allowed and near enough, or not.
    event("own too early", "own", "03-02 11:59:00"),
    event("own early", "own", "03-04 12:00:00"),
    event("own early denied", "own", "03-04 12:00:00", allowed=False),
    event("own early unknown", "own", "03-04 12:00:00", allowed=None),
    event("own login", "own", "06-01 12:00:00", "anna", False, received_at="2025-06-04 12:00:00"),
    event("own between", "own", "07-01 12:00:00"),
    event("own again", "own", "07-10 12:00:00", "anna"),
    event("own after", "own", "10-07 12:00:00"),
    event("own too late", "own", "10-08 12:01:00"),
    # A family's tablet.
    event("tablet before", "tablet", "06-01 11:45:00"),
    event("tablet denied", "tablet", "06-01 11:50:00", allowed=False),
    event("tablet anna", "tablet", "06-01 12:00:00", "anna"),
    event("tablet after", "tablet", "06-01 12:29:00"),
    event("tablet alone", "tablet", "06-01 18:00:00"),
    event("tablet paul", "tablet", "06-02 12:00:00", "paul"),
    event("tablet both 1", "tablet", "10-30 12:00:00", "anna"),
    event("tablet both 2", "tablet", "10-30 12:05:00"),
    event("tablet both 3", "tablet", "10-30 12:10:00", "paul"),
    # A kiosk in the store.
    *(
        event(f"kiosk {name}", "kiosk", f"06-0{day} 12:00:00", name)
        for day, name in enumerate(("anna", "paul", "otto", "ida", "eva"), start=1)
    ),
    event("kiosk passing", "kiosk", "06-01 12:01:00"),
    # A telephone that changed hands in the summer.
    event("sold anna", "sold", "01-05 12:00:00", "anna"),
    event("sold in between", "sold", "02-05 12:00:00"),
    event("sold otto", "sold", "07-20 12:00:00", "otto"),
    event("sold otto again", "sold", "10-20 12:00:00", "otto"),
    event("sold later", "sold", "10-25 12:00:00"),
    event("bought paul", "bought", "01-05 12:00:00", "paul"),
    event("bought otto", "bought", "07-20 12:00:00", "otto"),
    # No device at all.
    event("zeros anna", ZEROS, "06-01 12:00:00", "anna"),
    event("zeros before", ZEROS, "06-01 11:59:00"),
    # An account that nobody knows is somebody, a placeholder account is not.
    event("foreign ida", "foreign", "06-01 12:00:00", "ida"),
    event("foreign stranger", "foreign", "06-05 12:00:00", "X99"),
    event("foreign later", "foreign", "06-06 12:00:00"),
    event("guest ida", "guests", "06-01 12:00:00", "ida"),
    event("guest guest", "guests", "06-02 12:00:00", "guest"),
    # Who orders as a guest is known by the order.
    event("order before", "ordering", "06-01 11:55:00"),
    # A device clock four minutes ahead: the login seems later than it was received.
    event("fast before", "fast", "06-01 12:03:00", received_at="2025-06-01 11:59:00"),
    event("fast login", "fast", "06-01 12:04:00", "ida", received_at="2025-06-01 12:00:00"),
    # A couple with two names.
    event("couple eva", "sofa", "06-01 12:00:00", "eva"),
    event("couple tom", "sofa", "06-02 12:00:00", "tom"),
]
ORDERS = [
    {
        "order_id": "guest",
        "ordered_at": "2025-06-01 12:00:00",
        "net_amount": "10.00",
        "email": "guest@order.example",
        "device_id": "ordering",
    }
]
TOKENS = [
    {"push_token": "own", "device_id": "phone", "customer_id": "anna"},
    {"push_token": "tablet", "device_id": "tablet", "customer_id": "anna"},
    {"push_token": "seller", "device_id": "sold", "customer_id": "anna"},
    {"push_token": "buyer", "device_id": "bought", "customer_id": "otto"},
]
REGISTERED = {"buyer": "2025-07-20 12:00:00", "own": "2025-10-30 12:00:00"}
# The folder's name sets the clock to the first of November.
DAY = "arrived_on=2025-10-31"


@pytest.fixture(scope="module")
def shop(make_landed):
    """A shop with one case of every rule."""
    made = make_landed(
        {
            f"shop/customers/{DAY}": ACCOUNTS,
            f"shop/orders/{DAY}": ORDERS,
            f"web/events/{DAY}": EVENTS,
            f"push/tokens/{DAY}": [
                token
                | {"registered_at": REGISTERED.get(token["push_token"], "2025-01-05 12:00:00")}
                for token in TOKENS
            ],
        }
    )
    made.build("+devices", "+households", "+sessions", "+contact_points")
    return made


def owners(shop, prefix):
    """Return whose each event is whose name begins so, by first name; the guest is 'guest'."""
    found = shop.query(
        "select event_id, coalesce(first_name, 'guest') from core.events"
        " inner join contact.customer_contacts using (customer_id)"
        f" where event_id like '{prefix} %'"
    )
    return {name.removeprefix(f"{prefix} "): owner for name, owner in found}


def test_the_only_holder_gets_what_was_allowed_and_near(shop):
    """Back and forth for 90 days; without consent, or further away, events stay anonymous."""
    attached = ("early", "login", "between", "again", "after")

    assert owners(shop, "own") == dict.fromkeys(attached, "Anna")


def test_an_earlier_event_is_known_when_the_login_was_received(shop):
    """A login that came in late changes nothing before it came in."""
    known = dict(
        shop.query(
            "select event_id, customer_known_at::date::varchar from core.events"
            " where event_id in ('own early', 'own login', 'own between')"
        )
    )

    assert known == {
        "own early": "2025-06-04",
        "own login": "2025-06-04",
        "own between": "2025-07-01",
    }


def test_a_shared_tablet_gives_only_what_was_done_around_one_login(shop):
    """What was done alone, or between two people's logins, is nobody's."""
    assert owners(shop, "tablet") == {
        "before": "Anna",
        "anna": "Anna",
        "after": "Anna",
        "paul": "Paul",
        "both 1": "Anna",
        "both 3": "Paul",
    }


def test_a_kiosk_gives_nothing_but_logins(shop):
    """The next one in the queue may come within a minute."""
    assert set(owners(shop, "kiosk")) == {"anna", "paul", "otto", "ida", "eva"}


def test_a_sold_device_leaks_neither_way(shop):
    """What happened between the logins of two people, and outside their visits, is nobody's."""
    assert owners(shop, "sold") == {"anna": "Anna", "otto": "Otto", "otto again": "Otto"}


def test_a_placeholder_is_no_device(shop):
    """Zeros join nobody: the login counts, what was done before it does not."""
    listed = shop.query(f"select count(*) from core.devices where device_id = '{ZEROS}'")
    sessions = shop.query("select session_id from core.events where event_id like 'zeros %'")

    assert owners(shop, "zeros") == {"anna": "Anna"}
    assert listed == [(0,)]
    assert sessions == [(None,), (None,)]


def test_an_unknown_account_is_somebody_else(shop):
    """It makes the device a shared one, and its events are nobody's."""
    assert owners(shop, "foreign") == {"ida": "Ida"}
    assert owners(shop, "guest") == {"ida": "Ida", "guest": "Ida"}


def test_an_order_is_as_good_as_a_login(shop):
    """Who orders as a guest was the visitor."""
    assert owners(shop, "order") == {"before": "guest"}


def test_a_fast_clock_hides_nothing(shop):
    """Both events are set back to when they were received, and stay in order."""
    assert owners(shop, "fast") == {"before": "Ida", "login": "Ida"}


def test_a_login_by_somebody_else_splits_the_session(shop):
    """Three minutes apart, three identities: Anna, nobody, Paul."""
    parts = shop.query(
        "select count(distinct session_id) from core.events where event_id like 'tablet both %'"
    )

    assert parts == [(3,)]


def test_devices_tell_who_has_them_now(shop):
    """Only where that is certain: not with a tablet in turns, nor after 90 days of silence."""
    found = {
        device: (name, customers, shared, kiosk)
        for device, name, customers, shared, kiosk in shop.query(
            "select device_id, first_name, count_customers, is_shared, is_kiosk"
            " from core.devices left join contact.customer_contacts using (customer_id)"
        )
    }

    assert found["phone"] == ("Anna", 1, False, False)
    assert found["own"] == (None, 1, False, False)
    assert found["tablet"] == (None, 2, True, False)
    assert found["kiosk"] == (None, 5, True, True)
    assert found["sold"] == ("Otto", 2, True, False)
    assert found["foreign"] == (None, 1, True, False)


def test_a_push_token_is_not_used_where_somebody_else_would_read_it(shop):
    """Not on a tablet in turns, and not the seller's on a device that was sold."""
    found = dict(
        shop.query(
            "select address, first_name from contact.contact_points"
            " left join contact.customer_contacts using (customer_id)"
            " where identifier_type = 'push_token'"
        )
    )

    assert found == {"own": "Anna", "tablet": None, "seller": None, "buyer": "Otto"}


def test_households_are_who_evidently_lives_together(shop):
    """A surname or a shared device joins; neighbours at one address stay apart."""
    households = {}
    for household, name in shop.query(
        f"select household_id, first_name from {NAMED} where household_id is not null"
    ):
        households.setdefault(household, set()).add(name)
    counted = dict(shop.query("select household_id, count_members from core.households"))

    assert sorted(map(sorted, households.values())) == [
        ["Anna", "Paul"],
        ["Eva", "Tom"],
        ["Ida"],
        ["Otto"],
        ["Uwe"],
    ]
    assert counted == {household: len(members) for household, members in households.items()}


def test_a_household_keeps_its_id_when_an_older_member_appears(shop, make_landed):
    """The id comes from the address and the surname."""
    older = account("emil", "Emil", "Roth") | {"created_at": "2020-01-01 12:00:00"}
    grown = make_landed({"shop/customers": [older, *ACCOUNTS[:2]]})
    grown.build("+households")
    before = shop.query(f"select household_id from {NAMED} where first_name in ('Anna', 'Paul')")

    after = grown.query("select household_id, count_members from core.households")

    assert after == [(before[0][0], 3)]


def test_devices_and_households_hold_no_address_of_anybody(shop):
    """No e-mail address, name, street or telephone in any text of the two tables."""
    words = ("shop.example", "order.example", "anna", "roth", "berg", "linden", "ring", "04109")
    for table in ("devices", "households"):
        for row in shop.query(f"select * from core.{table}"):
            texts = [str(value).lower() for value in row[1:]]
            assert not [word for word in words if any(word in text for text in texts)]
