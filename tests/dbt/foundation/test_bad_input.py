"""Rows that cannot be used are set aside with a reason; nothing is lost and nothing stops."""

import pytest

ORDERS = [
    {"order_id": "good", "ordered_at": "2026-10-01 12:00:00", "net_amount": "10.00"},
    {"order_id": "future", "ordered_at": "2031-10-01 12:00:00", "net_amount": "10.00"},
    {"order_id": "money", "ordered_at": "2026-10-01 12:00:00", "net_amount": "10.00",
     "currency_code": "ZZZ", "email": "money@shop.example"},
    {"order_id": "typed", "ordered_at": "2026-10-01 12:00:00", "net_amount": "10.00",
     "email": "no address", "phone": "12"},
    {"order_id": "twice", "ordered_at": "2026-10-01 12:00:00", "net_amount": "10.00"},
    {"order_id": "twice", "ordered_at": "2026-10-01 12:00:00", "net_amount": "11.00"},
]  # fmt: skip
ITEMS = [
    {"order_id": "good", "line_number": "1", "net_amount": "9.00"},
    {"order_id": "gone", "line_number": "1", "net_amount": "5.00"},
]
CLICKS = [{"click_id": "c", "clicked_at": "2026-10-31 12:00:00"}]


@pytest.fixture(scope="module")
def shop(make_landed):
    """A shop whose files hold one of every fault."""
    clicks = "ads/clicks/arrived_on=2026-10-31/part"  # the newest arrival sets the clock
    made = make_landed({"shop/orders": ORDERS, "shop/order_items": ITEMS, clicks: CLICKS})
    made.build("+quarantined_rows", "+orders", "+order_items", "+customers")
    return made


def test_every_fault_is_counted_under_its_reason(shop):
    """Each is named with its key and never with its value."""
    found = shop.query(
        "select reason, table_name, record_key from core.quarantined_rows order by 1"
    )

    assert found == [
        ("duplicate_key", "orders", "twice"),
        ("future_event", "orders", "future"),
        ("malformed_email", "orders", "typed"),
        ("malformed_phone", "orders", "typed"),
        ("order_is_missing", "order_items", "gone|1"),
        ("unknown_currency", "orders", "money"),
    ]


def test_what_is_set_aside_does_not_count_and_the_rest_does(shop):
    """Only an order from the future leaves the orders; unknown money stays, but buys nothing."""
    orders = shop.query("select source_order_id, net_amount, is_valid_purchase from core.orders")

    assert sorted((number, float(amount), valid) for number, amount, valid in orders) == [
        ("good", 10.0, True),
        ("money", 10.0, False),
        ("twice", 11.0, True),
        ("typed", 10.0, True),
    ]


def test_what_the_lines_leave_open_is_a_line(shop):
    """The order's amount stands, the difference is visible."""
    lines = shop.query(
        "select line_type, net_amount from core.order_items where order_id = 'shop:good' order by 2"
    )

    assert [(kind, float(amount)) for kind, amount in lines] == [
        ("unexplained_difference", 1.0),
        ("product", 9.0),
    ]


def test_a_person_is_known_by_what_is_left(shop):
    """Without a usable address nobody is made up."""
    found = shop.query(
        "select email, count_orders"
        " from core.customers inner join contact.customer_contacts using (customer_id)"
    )

    assert found == [("money@shop.example", 0)]
