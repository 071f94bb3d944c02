"""Why two records are one person, told in the fewest steps."""

from datetime import date, datetime

import pytest

from orchestration.evidence import CustomerNotFound, kinship, shortest_chain
from orchestration.warehouse import Warehouse

DAY = datetime(2026, 10, 1)
IDENTITIES = [
    ("anna", "email", "a@x.example", "shop", "orders:1", "joins"),
    ("anna", "email", "a@x.example", "shop", "orders:2", "joins"),
    ("anna", "phone", "+491", "shop", "orders:2", "joins"),
    ("anna", "phone", "+491", "crm", "contacts:3", "joins"),
    ("anna", "email", "both@x.example", "crm", "contacts:3", "refused"),
    ("anna", "email", "own@x.example", "shop", "orders:4", "alone"),
    ("paul", "email", "both@x.example", "shop", "orders:5", "refused"),
]
TABLES = """
create schema core;
create schema contact;
create schema reference;
create table contact.customer_identities (
    customer_id varchar, identifier_type varchar, identifier_value varchar, source varchar,
    source_record_key varchar, evidence_use varchar, is_shared boolean, first_seen_at timestamp,
    last_seen_at timestamp
);
create table core.customer_merges (
    customer_merge_id varchar, event varchar, from_customer_id varchar, to_customer_id varchar,
    count_records bigint, run_number bigint, occurred_at timestamp
);
create schema staging;
create table staging.stg_ml__identity_links (
    source_a varchar, source_record_key_a varchar, source_b varchar, source_record_key_b varchar,
    decision varchar, probability double
);
create table reference.identity_overrides (
    override_id varchar, kind varchar, record_a varchar, record_b varchar, author varchar,
    reason varchar, decided_on date
)
"""


@pytest.fixture
def connection(tmp_path):
    """A warehouse with two customers, one of them joined by hand."""
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as opened:
        for statement in TABLES.split(";"):
            opened.execute(statement)
        for row in IDENTITIES:
            opened.execute(
                "insert into contact.customer_identities values (?, ?, ?, ?, ?, ?, false, ?, ?)",
                (*row, DAY, DAY),
            )
        opened.execute(
            "insert into core.customer_merges values ('m', 'merge', 'old', 'anna', 1, 2, ?)",
            (DAY,),
        )
        for kind, record_a, record_b in (
            ("join", "crm/contacts:3", "shop/orders:4"),
            ("separate", "shop/orders:1", "shop/orders:5"),
        ):
            opened.execute(
                "insert into reference.identity_overrides values (?, ?, ?, ?, 'Kim', 'known', ?)",
                (kind, kind, record_a, record_b, date(2026, 10, 2)),
            )
        yield opened


def test_the_chain_names_every_step(connection):
    """From one record over what they share to the other, declarations included."""
    found = kinship(connection, "shop/orders:1", "shop/orders:4")

    assert found.is_one
    assert [link.evidence for link in found.chain] == [
        "email a@x.example",
        "phone +491",
        "declaration of Kim on 2026-10-02: known",
    ]
    assert [link.next_record for link in found.chain] == [
        "shop/orders:2", "crm/contacts:3", "shop/orders:4",
    ]  # fmt: skip
    assert found.merges == ("2026-10-01 merge: 1 records of old became anna",)


def test_a_likeness_is_a_step_of_the_chain(connection):
    """Name and address alone joined these; how sure that is, is said."""
    connection.execute("delete from reference.identity_overrides")
    connection.execute(
        "insert into staging.stg_ml__identity_links values"
        " ('crm', 'contacts:3', 'shop', 'orders:4', 'link', 0.987)"
    )

    found = kinship(connection, "crm/contacts:3", "shop/orders:4")

    assert [link.evidence for link in found.chain] == [
        "name and address of contacts:3 and orders:4 alike, 98.7% sure"
    ]


def test_two_customers_are_told_what_was_not_enough(connection):
    """What they share without effect, and what somebody declared."""
    found = kinship(connection, "own@x.example", "paul")

    assert found.customer_ids == ("anna", "paul")
    assert found.chain == ()
    assert found.unused == (
        "both have email both@x.example, which joins nobody: it would break a limit, such as one "
        "account per person, or a declaration",
        "Kim declared them to be two on 2026-10-02: known",
    )


def test_two_names_of_one_record_need_no_chain(connection):
    """An address and the order with it are the same thing."""
    assert kinship(connection, "own@x.example", "shop/orders:4").chain == ()


def test_nobody_is_named_in_the_error(connection):
    """What was typed may be a person's address."""
    with pytest.raises(CustomerNotFound, match="Nobody has this identifier") as caught:
        kinship(connection, "secret@x.example", "anna")

    assert "secret" not in str(caught.value)


def test_a_large_customer_has_the_shortest_chain():
    """A value on every record beats a long way round."""
    bearers = {("email", f"e{step}"): {("s", f"{step}"): (None, None)} for step in range(200)}
    for step in range(199):
        bearers["email", f"e{step}"]["s", f"{step + 1}"] = (None, None)
    around = shortest_chain(bearers, {("s", "0")}, {("s", "199")})
    bearers["account", "a"] = {("s", f"{step}"): (None, None) for step in range(200)}
    direct = shortest_chain(bearers, {("s", "0")}, {("s", "199")})

    assert len(around) == 199
    assert len(direct) == 1
