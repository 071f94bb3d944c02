"""Who objects to profiling is scored by nobody, from the landed row to what predictions read."""

import pytest

pytestmark = pytest.mark.slow

PEOPLE = ("usual", "objected", "withdrew", "returned")
SAID = [
    ("objected", "objected", 5),
    ("withdrew", "granted", 5),
    ("withdrew", "withdrawn", 6),
    ("returned", "objected", 5),
    ("returned", "granted", 6),
]
SCORED = ("insight.customer_features", "insight.scores")


@pytest.fixture(scope="module")
def shop(make_landed):
    """Four buyers, who said this and that about profiling, and one who never bought."""
    made = make_landed(
        {
            "shop/orders": [
                {
                    "order_id": name, "ordered_at": f"2026-10-{day:02d} 12:00:00",
                    "net_amount": "10", "email": f"{name}@shop.example",
                }
                for day, name in enumerate(PEOPLE, start=1)
            ],
            "consent/events": [
                {
                    "consent_event_id": f"{name}-{day}", "identifier_type": "email",
                    "identifier": f"{name}@shop.example", "purpose": "profiling",
                    "channel": "email", "status": status,
                    "occurred_at": f"2026-10-{day:02d} 12:00:00", "jurisdiction": "DE",
                }
                for name, status, day in SAID
            ],
        }
    )  # fmt: skip
    made.build(*(f"+{name.partition('.')[2]}" for name in SCORED), "+customer_identities")
    return made


@pytest.mark.parametrize("relation", SCORED)
def test_nobody_is_scored_who_objects_to_it(shop, relation):
    """A withdrawal counts like an objection, and a later yes ends both."""
    scored = shop.query(f"""
        select distinct identity.identifier_value
        from {relation} as scored
        inner join contact.customer_identities as identity using (customer_id)
        where identity.identifier_type = 'email'
    """)

    assert {address.partition("@")[0] for (address,) in scored} == {"usual", "returned"}
