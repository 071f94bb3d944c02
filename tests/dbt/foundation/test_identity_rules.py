"""What joins two records into one customer, over the whole road from landed files."""

import pytest

ADDRESS = {"street": "Lindenstr.", "house_number": "5", "postal_code": "04109"}
FATHER = {"first_name": "Karl", "last_name": "Brandt", **ADDRESS}


def order(number: str, day: int, **details: object) -> dict[str, object]:
    """Return an order of 10 euros in October 2026."""
    ordered_at = f"2026-10-{day:02d} 12:00:00"
    return {"order_id": number, "ordered_at": ordered_at, "net_amount": "10.00", **details}


ORDERS = [
    # A chain: each order shares one value with the next, the first and the last share nothing.
    order("chain1", 1, email="a@chain.example"),
    order("chain2", 2, email="A@Chain.example ", phone="0150 1111222"),
    order("chain3", 3, phone="+49 150 1111222", email="b@chain.example"),
    order("chain4", 4, email="b+news@chain.example", customer_id="C1"),
    order("chain5", 5, customer_id="C1"),
    # Father and son have one name, one address, and nothing else in common.
    order("father", 6, email="karl.senior@brandt.example", **FATHER),
    order("son", 7, email="karl.junior@brandt.example", **FATHER),
    # A couple with one mailbox and one tablet.
    order("anna", 8, email="both@home.example", first_name="Anna", last_name="Roth", device_id="t"),
    order("paul", 9, email="both@home.example", first_name="Paul", last_name="Roth", device_id="t"),
    # Two strangers whom a clerk gave the same placeholder.
    order("clerk1", 10, email="noreply@shop.example", phone="0150 2222333"),
    order("clerk2", 11, email="noreply@shop.example", phone="0150 3333444"),
    # What is typed into a field when there is nothing to type, or something else.
    order("unknown1", 13, customer_id="unknown", email="  "),
    order("unknown2", 14, customer_id="UNKNOWN", email=None),
    order("long1", 15, customer_id="x" * 300),
    order("long2", 16, customer_id="x" * 300),
    order("longmail1", 17, email="m" * 300 + "@shop.example"),
    order("longmail2", 18, email="m" * 300 + "@shop.example"),
    # The same to the eye: a Cyrillic letter in the second one.
    order("latin", 19, email="anna.berg@mail.example"),
    order("cyrillic", 20, email="\u0430nna.berg@mail.example"),
    order("umlaut", 21, email="info@b\u00fccher.example", first_name="Uta", last_name="Buch"),
    # Nothing identifies this one.
    order("nobody", 12, device_id="t2"),
]
# A hundred orders in a row, each with the e-mail of one neighbour and the phone of the other, in
# an order of time that has nothing to do with the row: several rounds of joining are needed.
ROW = [
    order(
        f"row{place}",
        1 + place * 37 % 28,
        email=f"row{place // 2}@long.example",
        phone=f"0150 50{(place + 1) // 2:05d}",
    )
    for place in range(100)
]
# More than any person leaves behind: a till that asks nobody and always enters the same.
CROWD = [
    order(f"crowd{place}", 1 + place % 28, email="till@crowd.example", phone=f"0150 7{place:06d}")
    for place in range(2_001)
]
SUBSCRIBERS = [
    {"subscriber_id": "s", "email": "BOTH@home.example", "signed_up_at": "2026-10-20 12:00:00"}
]


def customers(shop) -> dict[str, str]:
    """Return the customer of every order."""
    return dict(shop.query("select source_order_id, customer_id from core.orders"))


@pytest.fixture(scope="module")
def shop(make_landed):
    """A shop with one case of every rule."""
    made = make_landed({"shop/orders": ORDERS + ROW + CROWD, "mail/subscribers": SUBSCRIBERS})
    made.build(
        "+customers", "+orders", "+customer_identities", "+excluded_identifiers",
        "+quarantined_rows",
    )  # fmt: skip
    return made


def test_a_chain_of_five_records_is_one_customer(shop):
    """Evidence adds up over records that share nothing directly."""
    found = customers(shop)

    assert len({found[f"chain{number}"] for number in range(1, 6)}) == 1


def test_a_long_row_of_records_is_one_customer(shop):
    """However far apart two records are, the joining does not stop half way."""
    found = customers(shop)

    assert len({found[f"row{place}"] for place in range(100)}) == 1


def test_name_and_address_alone_join_nobody(shop):
    """Father and son stay two."""
    found = customers(shop)

    assert found["father"] != found["son"]


def test_a_couple_with_one_mailbox_and_device_stays_two(shop):
    """Each name keeps its own orders; the mailbox itself belongs to one of them."""
    found = customers(shop)
    owners = shop.query(
        "select customer_id from contact.contact_points where address = 'both@home.example'"
    )

    assert found["anna"] != found["paul"]
    assert len(owners) == 1


def test_a_placeholder_joins_nobody(shop):
    """It stays visible as a value that was not used."""
    found = customers(shop)
    placeholder = shop.query(
        "select distinct is_shared from contact.customer_identities "
        "where identifier_value = 'noreply@shop.example'"
    )

    assert found["clerk1"] != found["clerk2"]
    assert placeholder == [(True,)]


def test_a_value_on_thousands_of_records_joins_nobody(shop):
    """It is reported with their number."""
    found = customers(shop)
    excluded = shop.query(
        "select identifier_type, count_records from core.excluded_identifiers "
        "where reason = 'crowded'"
    )

    assert len({found[one["order_id"]] for one in CROWD}) == len(CROWD)
    assert excluded == [("email", len(CROWD))]


def test_what_is_no_identifier_joins_nobody(shop):
    """Blanks, words for nothing, endless texts and letters of another script; all are reported."""
    found = customers(shop)
    nobody = ("unknown1", "unknown2", "long1", "long2", "longmail1", "longmail2", "cyrillic")
    excluded = shop.query(
        "select identifier_type, sum(count_records) from core.excluded_identifiers "
        "where reason = 'placeholder' group by 1 order by 1"
    )
    faults = shop.query(
        "select record_key from core.quarantined_rows where reason = 'malformed_email' order by 1"
    )

    assert [found[number] for number in nobody] == [None] * len(nobody)
    assert found["latin"] is not None
    assert found["umlaut"] is not None
    assert excluded == [("email", 2), ("shop_customer", 4)]
    assert faults == [("cyrillic",), ("longmail1",), ("longmail2",)]


def test_an_order_without_a_trace_of_a_person_has_no_customer(shop):
    """A device alone is nobody, yet the order is counted."""
    assert customers(shop)["nobody"] is None


def test_customers_keep_their_id_when_more_becomes_known(shop, make_landed):
    """The oldest record names the customer, however many younger ones join."""
    before = customers(shop)
    later = [
        *ORDERS,
        *ROW,
        *CROWD,
        order("later", 20, email="a@chain.example", phone="0150 2222333"),
        order("new", 21, email="new@shop.example"),
    ]
    grown = make_landed({"shop/orders": later, "mail/subscribers": SUBSCRIBERS})

    grown.build("+customers", "+orders", "+customer_identities")
    after = customers(grown)

    changed = {number for number, owner in before.items() if after[number] != owner}
    assert changed == {"clerk1"}
    assert after["clerk1"] == after["later"] == after["chain1"]
