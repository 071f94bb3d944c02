"""What lands after the models were built is heard: it forbids whom it is about, and nobody else."""

import os
import shutil
import time
from dataclasses import replace
from datetime import datetime

import pytest

from activation.errors import NewsUnreadable
from orchestration.contracts import InvalidContract, read_contracts
from orchestration.landing import discover
from orchestration.loading import load
from orchestration.news import LandedNews, write_news
from orchestration.settings import read_settings
from orchestration.warehouse import Warehouse
from tests.dbt.conftest import DBT_PROJECT, write_rows

CONTRACTS = read_contracts(DBT_PROJECT)
NOW = datetime(2026, 11, 1)
PEOPLE = {"anna": "+4915112345678", "bob": "+4917198765432"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder of a shop that knows Anna and Bob and has read what landed so far."""
    home = tmp_path_factory.mktemp("shop")
    settings = read_settings({"REGULARS_HOME": str(home)})
    settings.create_folders()
    send = {"send_id": "s1", "subscriber_id": "m-anna", "sent_at": "2026-10-01 09:00:00"}
    land(settings, "mail/sends", send)
    land(settings, "consent/events", said("anna", "objected", "old"))
    with Warehouse(settings.warehouse).connect() as connection:
        files, _ = discover(settings.landing, CONTRACTS)
        load(connection, CONTRACTS.values(), files, NOW)
        connection.execute("""
            create schema core; create schema contact; create schema intermediate;
            create schema privacy;
            create table contact.customer_identities (
                customer_id varchar, identifier_type varchar, identifier_value varchar,
                is_shared boolean
            );
            create table contact.contact_points as
                select '' as customer_id, '' as identifier_type, '' as address where 1 = 0;
            create table core.devices as select 'x' as customer_id, 'd' as device_id;
            create table core.customers as select 'x' as customer_id;
            create table core.customer_aliases as
                select 'f' as former_customer_id, 'x' as customer_id;
            create table intermediate.int_customers_resolved (
                customer_id varchar, source varchar, source_record_key varchar
            );
            create table privacy.landed_files as select * from raw.loaded_files;
        """)
        for name, phone in PEOPLE.items():
            for kind, value in (("email", f"{name}@x.example"), ("phone", phone)):
                row = (name, kind, value)
                connection.execute(
                    "insert into contact.customer_identities values (?, ?, ?, false)", row
                )
            for source, key in (("mail", f"subscribers:m-{name}"), ("shop", f"orders:o-{name}")):
                row = (name, source, key)
                connection.execute(
                    "insert into intermediate.int_customers_resolved values (?, ?, ?)", row
                )
    return home


@pytest.fixture
def shop(built, tmp_path):
    """Yield what hears the news of such a shop."""
    home = shutil.copytree(built, tmp_path / "shop")
    settings = read_settings({"REGULARS_HOME": str(home)})
    with Warehouse(settings.warehouse).connect() as connection:
        yield LandedNews(connection, settings, CONTRACTS)


def land(settings, label, *rows, name="today"):
    """Drop a file of a source table, some seconds ago."""
    path = settings.landing / label / f"{name}.csv"
    write_rows(path, rows)
    then = time.time() - 10
    os.utime(path, (then, then))


def said(name, status, key, **more):
    """Return a landed statement."""
    return {
        "consent_event_id": f"{name}-{key}", "identifier_type": "email",
        "identifier": f" {name.upper()}@x.example", "purpose": "marketing", "channel": "email",
        "status": status, "occurred_at": "2026-11-01 08:00:00", **more,
    }  # fmt: skip


def told(news):
    """Return what is known: whom, why, where, whence."""
    return news.connection.execute(
        "select customer_id, reason, channel, purpose, source_table from raw.landed_news"
        " order by all"
    )


def test_what_the_models_have_read_is_no_news(shop):
    """An objection of before is in the consents already."""
    assert shop() is False
    assert told(shop) == []
    assert shop() is False


@pytest.mark.parametrize(
    ("label", "row", "expected"),
    [
        ("consent/events", said("anna", "withdrawn", 1),
         ("anna", "consent_withdrawn", "email", "marketing", "consent/events")),
        ("consent/events", said("anna", " Objected", 1, channel="Push"),
         ("anna", "objection", "push", "marketing", "consent/events")),
        ("mail/subscribers",
         {"subscriber_id": "m-bob", "email": "new@x.example", "status": "unsubscribed"},
         ("bob", "consent_withdrawn", "email", None, "mail/subscribers")),
        ("mail/responses",
         {"response_id": "r", "send_id": "s1", "response_type": "complaint",
          "occurred_at": "2026-11-01 08:00:00"},
         ("anna", "complaint", "email", None, "mail/responses")),
        ("helpdesk/cases",
         {"case_id": "new", "opened_at": "2026-11-01 08:00:00",
          "requester_phone": "0151 - 123 456 78"},
         ("anna", "service_hold", None, None, "helpdesk/cases")),
        ("fulfilment/events",
         {"shipment_event_id": "f", "order_id": "o-bob", "event_type": "delivery_failed",
          "occurred_at": "2026-11-01 08:00:00"},
         ("bob", "service_hold", None, None, "fulfilment/events")),
        ("rights/erasure_requests",
         {"request_id": "e", "identifier": "0049 171 98765432",
          "requested_at": "2026-11-01 08:00:00"},
         ("bob", "erased", None, None, "rights/erasure_requests")),
        ("shop/orders",
         {"order_id": "o-new", "ordered_at": "2026-11-01 08:00:00", "net_amount": "10",
          "email": "anna@x.example"},
         ("anna", "left_audience", None, None, "shop/orders")),
    ],
)  # fmt: skip
def test_a_landed_row_is_heard(shop, label, row, expected):
    """By whatever identifier its person is known, before anything is built."""
    shop()
    land(shop.settings, label, row, name="now")

    assert shop() is True
    assert told(shop) == [expected]
    assert shop() is False


@pytest.mark.parametrize(
    ("label", "row"),
    [
        ("consent/events", said("anna", "confirmed", 1)),
        ("consent/events", said("unknown", "objected", 1)),
        ("helpdesk/cases",
         {"case_id": "done", "opened_at": "2026-11-01 08:00:00",
          "closed_at": "2026-11-01 09:00:00", "requester_email": "anna@x.example"}),
        ("shop/orders",
         {"order_id": "o-anna", "ordered_at": "2026-10-01 08:00:00", "net_amount": "10",
          "email": "anna@x.example", "status": "shipped"}),
        ("mail/responses",
         {"response_id": "r", "send_id": "s1", "response_type": "open",
          "occurred_at": "2026-11-01 08:00:00"}),
    ],
)  # fmt: skip
def test_a_row_that_forbids_nothing_is_no_news(shop, label, row):
    """A yes has time; so has a case that is closed, and an order the models have."""
    shop()
    land(shop.settings, label, row, name="now")

    assert shop() is True
    assert told(shop) == []


def test_news_end_with_the_next_build(shop):
    """Then consents and holds say it themselves."""
    land(shop.settings, "consent/events", said("anna", "withdrawn", 1), name="now")
    shop()
    assert len(told(shop)) == 1

    shop.connection.execute(
        "create or replace table privacy.landed_files as select * from raw.loaded_files"
    )
    write_news(shop.connection, CONTRACTS)

    assert told(shop) == []


def test_a_file_that_grew_is_news_again(shop):
    """What it said before forbids once more until the next build: of two answers the safe one."""
    shop()
    rows = said("anna", "objected", "old"), said("bob", "withdrawn", 2)
    land(shop.settings, "consent/events", *rows)

    assert shop() is True
    assert [(who, why) for who, why, *_ in told(shop)] == [
        ("anna", "objection"), ("bob", "consent_withdrawn"),
    ]  # fmt: skip


def test_a_file_that_is_being_copied_waits(shop):
    """One that changed within the last second may not be whole."""
    shop()
    land(shop.settings, "consent/events", said("anna", "withdrawn", 1), name="now")
    path = shop.settings.landing / "consent/events/now.csv"
    os.utime(path)

    assert shop() is False
    os.utime(path, (time.time() - 5, time.time() - 5))
    assert shop() is True


def test_a_file_nobody_can_read_stops_the_sending(shop):
    """Without a word of what it holds."""
    shop()
    land(shop.settings, "consent/events", {"consent_event": "x", "who": "anna@x.example"})

    with pytest.raises(NewsUnreadable, match=r"consent/events/today\.csv") as raised:
        shop()

    assert "anna" not in str(raised.value)


def test_a_shop_without_a_folder_has_no_news(shop):
    """Nothing landed is nothing new."""
    empty = replace(shop.settings, home=shop.settings.home / "elsewhere")

    assert LandedNews(shop.connection, empty, CONTRACTS)() is False


def test_news_need_a_meaning(tmp_path):
    """A contract that leaves it open is refused."""
    folder = tmp_path / "models/staging/shop"
    folder.mkdir(parents=True)
    (folder / "shop__sources.yml").write_text(
        "sources: [{name: shop, tables: [{name: orders, columns: [{name: id, data_type: varchar}],"
        " config: {meta: {key: [id], person: nobody, news: [{means: whatever}]}}}]}]"
    )

    with pytest.raises(InvalidContract, match="shop/orders: its news need a meaning"):
        read_contracts(tmp_path)
