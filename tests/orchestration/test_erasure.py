"""Rows of a person leave files and tables, those of all others stay, and the scan sees the rest."""

import json
import os
import sqlite3
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.digests import DigestKey, DigestKeys
from activation.errors import UnknownKey
from activation.tombstones import find_burial, refuse_unknown_key, write_tombstones
from orchestration.contracts import InvalidContract, read_contracts
from orchestration.erasure.compaction import compact_database
from orchestration.erasure.files import clean_files
from orchestration.erasure.journal import (
    Asked,
    ErasureBusy,
    Journal,
    alone,
    read_journal,
    write_journal,
)
from orchestration.erasure.landing import rewrite_landing
from orchestration.erasure.persons import Person, gather, ways_to_dial
from orchestration.erasure.scan import scan_state
from orchestration.erasure.scope import Scope
from orchestration.erasure.sought import Sought
from orchestration.erasure.stores import delete_rows
from orchestration.landing import discover
from orchestration.loading import load
from orchestration.settings import read_settings
from orchestration.tombstones import Tombstones
from orchestration.warehouse import Connection, Warehouse

ROOT = Path(__file__).parents[2]
CONTRACTS = read_contracts(ROOT / "dbt_project")
NOW = datetime(2026, 11, 1)
KEYS = DigestKeys(DigestKey("a key for tests alone"))
ANNA = (
    ("customer", "0123456789abcdef0123456789abcdef"),
    ("email", "anna@x.example"),
    ("order", "O-1"),
    ("phone", "+491511234567"),
    ("phone", "01511234567"),
    ("shop_customer", "C-7"),
)
ORDERS = (
    "order_id;ordered_at;net_amount;email;phone;city;note\n"
    "O-1;2026-01-02;10.50;Anna@X.example;0151 1234567;Köln;leave it at the door\n"
    'O-2;2026-01-03;7;bob@x.example;;"Bonn; am Rhein";\n'
    "O-3;2026-01-04;3;johanna@x.example;+49 160 5;Köln;\n"
)


@pytest.fixture
def connection():
    """Yield a connection to a warehouse in memory."""
    with duckdb.connect() as raw:
        raw.execute("set TimeZone = 'UTC'")
        yield Connection(raw)


@pytest.fixture
def landing(tmp_path):
    """Return a landing folder with one file of each format."""
    folder = tmp_path / "landing"
    for name in ("shop", "crm", "mail"):
        (folder / name).mkdir(parents=True)
    (folder / "shop/orders.csv").write_text(ORDERS, encoding="cp1252")
    contacts = {
        "contact_id": ["1", "2"],
        "email": ["ANNA@x.example ", "bob@x.example"],
        "created_at": [datetime(2026, 1, 1), datetime(2026, 1, 2)],
        "extra": [[1], [2]],
    }
    pq.write_table(pa.table(contacts), folder / "crm/contacts.parquet")
    (folder / "mail/subscribers.jsonl").write_text(
        '{"subscriber_id": "9", "email": "anna@x.example", "tags": ["a"]}\n'
        '{"subscriber_id": "8", "email": "bob@x.example", "tags": ["b", "c"]}\n'
        '{"subscriber_id": "7", "email": "anna@x.example\n'
        '{"broken": \n'
    )
    return folder


def load_all(connection, folder, tombstones=None):
    """Load a landing folder."""
    files, _ = discover(folder, CONTRACTS)
    return load(connection, CONTRACTS.values(), files, NOW, tombstones=tombstones)


def rewrite(connection, folder, keeps_accounts=True):
    """Take Anna out of a landing folder."""
    scope = Scope({}, ANNA)
    scope.prepare(connection)
    return dict(rewrite_landing(connection, folder, CONTRACTS, scope, keeps_accounts))


def test_a_person_leaves_files_of_every_format_and_the_others_stay(connection, landing):
    """Other rows, fields nobody knows and broken lines of others are as they were."""
    counts = rewrite(connection, landing)

    assert counts == {"shop/orders": 1, "crm/contacts": 1, "mail/subscribers": 2}
    table = pq.read_table(landing / "crm/contacts.parquet")
    assert table.column("email").to_pylist() == ["bob@x.example"]
    assert table.column("extra").to_pylist() == [[2]]
    assert (landing / "mail/subscribers.jsonl").read_text().splitlines() == [
        '{"subscriber_id": "8", "email": "bob@x.example", "tags": ["b", "c"]}',
        '{"broken": ',
    ]
    load_all(connection, landing)
    rows = connection.execute(
        "select order_id, email, phone, city from raw.shop__orders order by 1"
    )
    assert rows == [
        ("O-1", None, None, None),
        ("O-2", "bob@x.example", None, "Bonn; am Rhein"),
        ("O-3", "johanna@x.example", "+49 160 5", "Köln"),
    ]
    assert "door" not in (landing / "shop/orders.csv").read_text(encoding="utf-8")


def test_what_is_rewritten_arrived_when_it_did_and_is_rewritten_once(connection, landing):
    """A file's time says when its rows were known; the second time there is nothing to do."""
    path = landing / "shop/orders.csv"
    os.utime(path, (1_700_000_000, 1_700_000_000))
    untouched = (landing / "mail/subscribers.jsonl").stat().st_mtime_ns

    rewrite(connection, landing)
    before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in landing.rglob("*.*")}
    again = rewrite(connection, landing)

    assert path.stat().st_mtime == 1_700_000_000
    assert (landing / "mail/subscribers.jsonl").stat().st_mtime_ns == untouched
    assert again == {}
    assert {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in landing.rglob("*.*")} == before


def test_purchases_go_where_nothing_is_kept(connection, landing):
    """By the rule of the project the whole row goes."""
    rewrite(connection, landing, keeps_accounts=False)
    load_all(connection, landing)

    assert connection.execute("select order_id from raw.shop__orders order by 1") == [
        ("O-2",), ("O-3",),
    ]  # fmt: skip


def test_tables_lose_the_person_and_keep_the_amounts(connection, landing):
    """Raw rows, the quarantine's records and everything by customer; others are untouched."""
    load_all(connection, landing)
    connection.execute("create schema core; create table core.customers (customer_id varchar)")
    connection.execute("insert into core.customers values (?), ('bob')", (ANNA[0][1],))
    others = "select * from raw.shop__orders where order_id <> 'O-1' order by order_id"
    before = connection.execute(others)

    counts = delete_rows(connection, CONTRACTS, Scope({}, ANNA), [ANNA[0][1]], True)

    assert counts == {
        "raw.shop__orders": 1, "raw.crm__contacts": 1, "raw.mail__subscribers": 1,
        "raw.quarantine": 1, "core.customers": 1,
    }  # fmt: skip
    kept = (
        "select order_id, net_amount, email, city, phone from raw.shop__orders where email is null"
    )
    assert [(a, float(b), *rest) for a, b, *rest in connection.execute(kept)] == [
        ("O-1", 10.5, None, None, None)
    ]
    assert connection.execute(others) == before
    assert connection.execute("select customer_id from core.customers") == [("bob",)]
    assert "anna" not in str(connection.execute("select record from raw.quarantine"))


def test_a_record_of_no_customer_is_unregistered_too(connection):
    """A push token without an account is a person's by the device; another's token stays."""
    connection.execute("create schema intermediate")
    load_all_tables(connection)
    connection.execute(
        "create table intermediate.int_customer_assignments_recorded as"
        " select * from (values (1, 'anna', null), (4, 'bob', null))"
        " as a (node_id, customer_id, valid_to_run)"
    )
    connection.execute(
        "create table intermediate.int_identity_nodes_registered as select * from (values"
        " ('shop', 'customers:C-7', 1), ('push', 'tokens:T-1', 2), ('push', 'tokens:T-2', 3),"
        " ('push', 'tokens:T-3', 4), ('crm', 'contacts:T-1', 5))"
        " as n (source, source_record_key, node_id)"
    )
    values = (("push_token", "T-1"), ("push_token", "T-3"))

    delete_rows(connection, CONTRACTS, Scope({}, values), ["anna"], True)

    left = connection.execute(
        "select source_record_key from intermediate.int_identity_nodes_registered order by 1"
    )
    # T-3 is somebody else's by now.
    assert left == [("contacts:T-1",), ("tokens:T-2",), ("tokens:T-3",)]


def load_all_tables(connection):
    """Create every raw table, with nothing in it."""
    load(connection, CONTRACTS.values(), (), NOW)


def test_a_key_finds_rows_without_an_identifier(connection, tmp_path):
    """What belongs to a person by a parent is named by key, whatever version of it."""
    (tmp_path / "ads").mkdir()
    (tmp_path / "ads/clicks.csv").write_text(
        "click_id,clicked_at\nk1,2026-01-01\n k1 ,2026-01-02\nk2,2026-01-01\n"
    )
    scope = Scope({"ads/clicks": ["k1"]}, ())
    scope.prepare(connection)

    counts = dict(rewrite_landing(connection, tmp_path, CONTRACTS, scope, True))

    assert counts == {"ads/clicks": 2}
    assert (tmp_path / "ads/clicks.csv").read_text().splitlines()[1:] == ["k2,2026-01-01"]


def test_a_stale_file_does_not_bring_anybody_back(connection, landing):
    """Whatever the spelling: quarantined without content, and a purchase without its person."""
    write_tombstones(connection, KEYS, ANNA, NOW)

    load_all(connection, landing, Tombstones(KEYS))

    assert connection.execute("select contact_id from raw.crm__contacts") == [("2",)]
    assert connection.execute("select subscriber_id from raw.mail__subscribers") == [("8",)]
    kept = "select order_id, email, phone, city from raw.shop__orders where order_id = 'O-1'"
    assert connection.execute(kept) == [("O-1", None, None, None)]
    quarantined = "select table_name, record from raw.quarantine where reason = 'erased' order by 1"
    assert connection.execute(quarantined) == [("contacts", None), ("subscribers", None)]
    assert connection.execute("select count(*) from raw.shop__orders")[0][0] == 3


def test_tombstones_hold_no_value_and_need_their_key(connection):
    """They say when somebody was erased, to whom has the key; without it nothing is loaded."""
    write_tombstones(connection, KEYS, ANNA, NOW)
    write_tombstones(connection, KEYS, ANNA, datetime(2027, 1, 1))
    others = DigestKeys(DigestKey("the key of another year"))

    stored = str(connection.execute("select * from ledger.tombstones"))

    assert not any(value in stored for _, value in ANNA if len(value) > 3)
    assert connection.execute("select count(*) from ledger.tombstones")[0][0] == len(ANNA)
    assert find_burial(connection, KEYS, [("email", "anna@x.example")]) == NOW
    assert find_burial(connection, KEYS, [("email", "bob@x.example")]) is None
    assert find_burial(connection, KEYS, [("phone", "anna@x.example")]) is None
    with pytest.raises(UnknownKey, match="6 tombstones"):
        refuse_unknown_key(connection, others)
    kept = DigestKeys(others.current, KEYS.current)
    refuse_unknown_key(connection, kept)
    assert find_burial(connection, kept, [("email", "anna@x.example")]) == NOW


def test_a_number_is_known_however_it_is_dialled():
    """At home, abroad, and with a trunk digit where none belongs."""
    ways = ways_to_dial("+491511234567", [("49", "0"), ("4", "9"), ("1", "")])

    assert {"+491511234567", "00491511234567", "491511234567", "01511234567"} <= ways
    assert "+4901511234567" in ways
    assert not any(way.startswith("1511") for way in ways)


def test_an_address_inside_another_is_not_found():
    """Anna is not Johanna, nor is a number the beginning of a longer one."""
    sought = Sought(Scope({}, ANNA).needles)

    def finds(text):
        return bool(sought.in_texts([text.encode()]))

    assert finds("mailto:anna@x.example?subject=x")
    assert finds("email|anna@x.example")
    assert finds("+491511234567,")
    assert not finds("johanna@x.example")
    assert not finds("j.anna@x.example")
    assert not finds("anna@x.examples")
    assert not finds("+4915112345678")


def test_exports_and_log_lines_of_a_person_go(tmp_path):
    """Of others nothing goes, also no line beside."""
    settings = read_settings({"REGULARS_HOME": str(tmp_path)})
    settings.create_folders()
    for name, text in ((f"{ANNA[0][1]}-2026", "x"), ("hers", "anna@x.example"), ("his", "bob")):
        (settings.exports / name).mkdir(parents=True)
        (settings.exports / name / "export.json").write_text(text)
    (settings.logs / "a.log").write_bytes(b"one\nto Anna@x.example\n\xffthree\n")
    (settings.logs / "b.log").write_text("johanna@x.example\n")

    counts = clean_files(settings, Scope({}, ANNA), [ANNA[0][1]])

    assert counts == {"exports": 2, "logs": 1}
    assert [path.name for path in settings.exports.iterdir()] == ["his"]
    assert (settings.logs / "a.log").read_bytes() == b"one\n\xffthree\n"
    assert (settings.logs / "b.log").read_text() == "johanna@x.example\n"


def test_what_somebody_else_uses_too_is_not_theirs_to_erase(state):
    """A namesake at the same address stays, whoever the contact point was given to."""
    address = "DE|01067|postallee1|frei|anna"
    with Warehouse(state.warehouse).connect() as connection:
        connection.execute("""
            create schema reference;
            create table reference.countries as select '49' as calling_code, '0' as trunk_prefix;
            create table intermediate.int_contact_points_observed (
                customer_id varchar, identifier_type varchar, identifier_value varchar
            )
        """)
        for customer_id in ("a", "j", None):
            connection.execute(
                "insert into intermediate.int_contact_points_observed values"
                " (?, 'postal_address', ?)", (customer_id, address),
            )  # fmt: skip
        for row in (("a", "postal_address", address), ("a", "email", "anna@x.example")):
            connection.execute("insert into contact.contact_points values (?, ?, ?)", row)

        (anna,) = gather(connection, ["a"])

        assert anna.identifiers == (("email", "anna@x.example"),)
        assert anna.count_shared == 1
        (anna, _) = gather(connection, ["a", "j"])
        assert ("postal_address", address) in anna.identifiers


@pytest.fixture
def state(tmp_path):
    """Return a small state folder that knows Bob and Johanna only."""
    settings = read_settings({"REGULARS_HOME": str(tmp_path / "home")})
    settings.create_folders()
    with Warehouse(settings.warehouse).connect() as connection:
        connection.execute("""
            create schema core; create schema contact; create schema intermediate;
            create schema raw;
            create table contact.customer_identities as select 'j' as customer_id,
                'email' as identifier_type, 'johanna@x.example' as identifier_value,
                false as is_shared;
            create table contact.contact_points as
                select 'j' as customer_id, 'email' as identifier_type, 'x' as address;
            create table core.devices as select 'j' as customer_id, 'd' as device_id;
            create table core.customers as select 'j' as customer_id;
            create table core.customer_aliases as
                select 'f' as former_customer_id, 'j' as customer_id;
            create table intermediate.int_customers_resolved as select 'j' as customer_id,
                'shop' as source, 'orders:1' as source_record_key;
        """)
    return settings


def test_the_scan_finds_what_is_left_wherever_it_is(state):
    """In a text, a list, a Parquet file, a log and a foreign database; and nothing of others."""
    assert scan_state(state, Scope({}, ANNA)).findings == ()
    with Warehouse(state.warehouse).connect() as connection:
        connection.execute("create table raw.a as select 'Call +491511234567 now' as said")
        connection.execute("create table raw.b as select ['x', 'ANNA@x.example'] as listed")
    pq.write_table(pa.table({"said": ["anna@x.example"]}), state.landing / "p.parquet")
    (state.logs / "x.log").write_text("for anna@x.example\n")
    with sqlite3.connect(state.dagster / "runs.db") as other:
        other.execute("create table t (a text, b text)")
        other.execute("insert into t values ('zzz', 'anna@x.example')")
    other.close()

    scan = scan_state(state, Scope({}, ANNA))

    stores = {finding.store for finding in scan.findings}
    assert {
        "warehouse.duckdb.raw.a.said", "warehouse.duckdb.raw.b.listed", "landing/p.parquet: said",
        "logs/x.log", "dagster/runs.db",
    } <= stores  # fmt: skip
    assert scan.files >= 4
    assert scan.columns > 5
    assert "anna" not in repr(scan)


def test_compaction_removes_bytes_and_keeps_everything_else(tmp_path):
    """Tables, rows, constraints and views are there; what was deleted is not."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.connect() as connection:
        connection.execute("""
            create schema a; create table a.t (name varchar not null, n bigint);
            insert into a.t select 'keep-' || i, i from range(1000) as r(i);
            insert into a.t values ('anna@x.example-very-much-in-clear', -1);
            create view a.v as select count(*) as n from "warehouse"."a"."t" where n >= 0;
        """)
        connection.execute("checkpoint")
        connection.execute("delete from a.t where n = -1")
        connection.execute("checkpoint")

    compact_database(warehouse)

    assert b"anna@x.example" not in warehouse.path.read_bytes()
    assert [path.name for path in tmp_path.glob("*compacted*")] == []
    with warehouse.connect() as connection:
        assert connection.execute("select n from a.v") == [(1000,)]
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("insert into a.t values (null, 1)")


def test_a_journal_is_private_and_complete(tmp_path):
    """Whoever goes on knows all that the first one knew; one at a time."""
    person = Person(("c1", "c0"), ANNA, 2)
    journal = Journal((Asked("r1", "", "2026"),), (person,), {"ads/clicks": ["k"]}, {"x": 1})

    write_journal(tmp_path / "erasures", journal.finished("tombstones", {"identifiers": 6}))

    found = read_journal(tmp_path / "erasures")
    assert found == journal.finished("tombstones", {"identifiers": 6})
    assert "anna" not in repr(found)
    assert (tmp_path / "erasures/open.journal").stat().st_mode & 0o777 == 0o600
    with alone(tmp_path / "erasures"), pytest.raises(ErasureBusy), alone(tmp_path / "erasures"):
        pass


def test_what_is_kept_must_be_enough_to_load(tmp_path):
    """A detached row without its key would be quarantined, and the amounts would be lost."""
    folder = tmp_path / "models/staging/new"
    folder.mkdir(parents=True)
    table = {
        "name": "things", "columns": [], "config": {
            "meta": {"key": ["id"], "person": "nobody", "kept_when_erased": ["amount"]},
        },
    }  # fmt: skip
    path = folder / "new__sources.yml"
    path.write_text(json.dumps({"sources": [{"name": "new", "tables": [table]}]}))

    with pytest.raises(InvalidContract, match="without id"):
        read_contracts(tmp_path)
