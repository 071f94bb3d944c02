"""Whoever asks why they got something is told the audience, the ground and its proof."""

from dataclasses import replace
from datetime import datetime

import duckdb
import pytest

from activation.ledger_schema import create_tables
from activation.recipients import remember_sync
from orchestration.grounds import received
from orchestration.warehouse import Connection
from tests.activation.world import KLAVIYO

MARCH, MAY = datetime(2026, 3, 1), datetime(2026, 5, 1)
AUDIENCES = {KLAVIYO.name: "Who bought well. One row per customer."}


@pytest.fixture
def connection():
    """Yield a warehouse in which Anna, once known as A0, was sent to twice."""
    with duckdb.connect() as raw:
        connection = Connection(raw)
        create_tables(connection)
        connection.execute("""
            create schema core; create schema privacy;
            create table core.customer_aliases as
                select 'a0' as former_customer_id, 'a' as customer_id;
            create table privacy.consents (
                contact_point_id varchar, customer_id varchar, identifier_type varchar,
                purpose varchar, channel varchar, status varchar, legal_ground varchar,
                reason varchar, is_allowed boolean, occurred_at timestamp, expires_at timestamp,
                text_version varchar, collected_by varchar, proof_reference varchar, source varchar
            )
        """)
        yield connection


def got(connection, customer_id, *, spec=KLAVIYO, is_held=True, since=MARCH):
    """Write down that somebody was sent to."""
    remember_sync(connection, spec, "account", since)
    connection.execute(
        "insert into ledger.sync_rows (sync, account, row_key, customer_id, contact_point_id,"
        " is_held, first_held_at) values (?, 'account', ?, ?, 'p', ?, ?)",
        (spec.name, customer_id, customer_id, is_held, since),
    )


def stated(connection, **more):
    """Write down what decides about Anna's address."""
    row = {
        "contact_point_id": "p", "customer_id": "a", "identifier_type": "email",
        "purpose": "marketing", "channel": "email", "status": "confirmed",
        "legal_ground": "consent", "reason": "allowed", "is_allowed": True, "occurred_at": MARCH,
        "source": "consent", **more,
    }  # fmt: skip
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    connection.execute(
        f"insert into privacy.consents ({names}) values ({marks})", list(row.values())
    )


def answers(connection):
    """Return what Anna is told."""
    return [one.sentence for one in received(connection, "a", AUDIENCES)]


def test_the_answer_names_audience_ground_and_proof(connection):
    """As it can be given to her: no row per anything, no column names."""
    got(connection, "a")
    stated(connection, collected_by="newsletter form", text_version="v3", proof_reference="P-7")

    assert answers(connection) == [
        f"You are in “{KLAVIYO.target}” at klaviyo since 2026-03-01. The ground for marketing is "
        "your consent for this e-mail address, confirmed on 2026-03-01 (made at newsletter form, "
        "text v3, proof P-7). Who is in it: Who bought well."
    ]


def test_what_no_longer_permits_says_so(connection):
    """Who withdrew was in it by right, and is told what happened to the right."""
    got(connection, "a", is_held=False)
    stated(
        connection, status="withdrawn", is_allowed=False, reason="withdrawn", occurred_at=MAY,
        source="mail",
    )  # fmt: skip

    (answer,) = answers(connection)

    assert answer.startswith("You were in")
    assert "withdrawn on 2026-05-01 (kept by the e-mail tool)." in answer
    assert "It does not permit that any more (withdrawn)." in answer


def test_an_expiring_ground_says_until_when(connection):
    """Similar goods are a ground of their own."""
    got(connection, "a")
    stated(connection, legal_ground="similar_goods", status="granted", expires_at=MAY)

    (answer,) = answers(connection)

    assert "is your purchase of similar goods for this e-mail address" in answer
    assert "valid until 2026-05-01" in answer


def test_former_ids_and_syncs_that_are_gone_are_told_too(connection):
    """What was sent under another id was sent to her; an audience may be out of use."""
    gone = replace(KLAVIYO, name="klaviyo__gone", target="Gone")
    got(connection, "a0", spec=gone)
    got(connection, "b")

    (answer,) = answers(connection)

    assert "“Gone”" in answer
    assert "Nothing is known any more that would permit it" in answer
    assert answer.endswith("an audience that is no longer in use.")


def test_who_got_nothing_is_told_nothing(connection):
    """Without a ledger, too."""
    assert answers(connection) == []
    connection.execute("drop table ledger.sync_rows")
    assert answers(connection) == []
