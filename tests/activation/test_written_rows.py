"""Rows that the warehouse writes for a request are the rows that Python would write."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import duckdb
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.destinations.base import Batch, Document, Target
from activation.destinations.capabilities import BatchLimits
from activation.destinations.klaviyo import Klaviyo, KlaviyoSettings
from activation.destinations.layout import Layout
from activation.destinations.meta_custom_audiences import (
    MetaCustomAudiences,
    MetaCustomAudiencesSettings,
)
from activation.destinations.webhook import Webhook, WebhookSettings
from activation.ledger_schema import create_tables
from activation.plan_reader import PlanReader
from orchestration.warehouse import Connection

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - a published example
TARGET = Target("people", 'p"e\\o\npl{e}s  ?')
ODD = ["", '"', "\\", "\x00", "\x1b", "{}", "},{", "å", "😀"]
TEXTS = st.text(max_size=8) | st.sampled_from(ODD)
VALUES = st.dictionaries(TEXTS, TEXTS | st.none() | st.floats(allow_nan=False), max_size=3)
VERSIONS = st.sampled_from(["", "v1", "v2"])
ROWS = st.lists(st.tuples(TEXTS, VALUES, VERSIONS), min_size=1, max_size=40)


@cache
def warehouse():
    """Return one warehouse in memory for all cases: to make one takes longer than a case."""
    connection = Connection(duckdb.connect())
    create_tables(connection)
    return connection


def planned(destination, rows, blocked=None, order=1, columns=()):
    """Seal rows (key, values, version) as one batch and read it back as it is delivered."""
    connection = warehouse()
    connection.execute("delete from ledger.plan_rows")
    table = {
        "run_id": ["run"] * len(rows),
        "row_number": list(range(1, len(rows) + 1)),
        "row_key": [key for key, _, _ in rows],
        "payload": [orjson.dumps(values).decode() for _, values, _ in rows],
        "version": [version for _, _, version in rows],
        "upsert_batch": [0] * len(rows),
        "state": ["planned"] * len(rows),
    }
    ordered = {name: column[::order] for name, column in table.items()}
    connection.insert("ledger.plan_rows", pa.table(ordered))
    text = destination.row_text(TARGET.name, Layout(columns=columns), "run")
    recheck = SimpleNamespace(blocked=lambda batch: blocked or {})
    reader = PlanReader(connection, recheck, "run", {"upsert": 1_000}, Document, text)
    return reader.upserts(0)


def webhook(**limits):
    """Return a webhook, with other limits where they are given."""
    destination = Webhook(WebhookSettings("https://hooks.example.com/in", SECRET))
    batch = replace(BatchLimits(1_000, 1_000), **limits)
    kind = type("Limited", (Webhook,), {"capabilities": replace(Webhook.capabilities, batch=batch)})
    return kind(destination.settings)


def events(prepared):
    """Return the text of every event by the number of its row."""
    found = {}
    for request in prepared.requests:
        told = orjson.loads(request.body)["data"]["rows"]
        found |= dict(zip(request.rows, map(orjson.dumps, told), strict=True))
    return found


def batch_of(read, *, is_written, columns=()):
    """Return the batch that the rows make, with or without their texts."""
    written = read.written if is_written else None
    layout = Layout(columns=columns)
    return Batch("upsert", read.rows, TARGET, run_id="run", layout=layout, written=written)


@settings(deadline=None, max_examples=15)
@given(ROWS)
def test_the_warehouse_writes_what_python_writes(rows):
    """Whatever key, values and version a row has: same event, same id, same rows left out."""
    destination = webhook()
    read = planned(destination, rows)

    by_warehouse = destination.requests(batch_of(read, is_written=True))
    by_python = destination.requests(batch_of(read, is_written=False))

    assert events(by_warehouse) == events(by_python)
    assert by_warehouse.invalid == by_python.invalid
    assert set(by_python.invalid) == {n for n, (key, _, _) in enumerate(rows, 1) if not key}


EMAILS = ["ada@example.com", " Ada@Example.com", "ada", "a b@c.d", "a@b@c", "å@b.se", "", None]
PHONES = ["+46701234567", "070-123 45 67", "+46 70 123 45 67", "", None]
PROFILES = st.fixed_dictionaries(
    {
        "email": st.sampled_from(EMAILS) | TEXTS,
        "external_id": TEXTS | st.none(),
        "first_name": TEXTS | st.none(),
        "phone_number": st.sampled_from(PHONES) | TEXTS,
        "property_born": TEXTS | st.none(),
        "property_spend": st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    }
)
PROFILE_COLUMNS = {
    "email": "varchar",
    "external_id": "varchar",
    "first_name": "varchar",
    "phone_number": "varchar",
    "property_born": "varchar",
    "property_spend": "double",
}


def profiles(prepared):
    """Return the profile of every row by its number."""
    (request,) = prepared.requests or (None,)
    if request is None:
        return {}
    told = orjson.loads(request.body)["data"]["attributes"]["profiles"]["data"]
    return dict(zip(request.rows, told, strict=True))


@settings(deadline=None, max_examples=15)
@given(st.lists(PROFILES, min_size=1, max_size=40))
def test_the_warehouse_writes_the_profiles_that_python_writes(values):
    """Whatever a profile says: brought into the same form, the same left out and refused."""
    destination = Klaviyo(KlaviyoSettings("key"))
    rows = [("k", one, "v1") for one in values]
    read = planned(destination, rows, columns=tuple(PROFILE_COLUMNS.items()))

    by_warehouse = destination.requests(batch_of(read, is_written=True))
    by_python = destination.requests(batch_of(read, is_written=False))

    assert profiles(by_warehouse) == profiles(by_python)
    assert by_warehouse.invalid == by_python.invalid


def test_a_plain_profile_needs_no_python():
    """Otherwise the property above would hold for a warehouse that writes nothing."""
    plain = dict.fromkeys(PROFILE_COLUMNS) | {"email": "a.b+c@d-e.com", "property_spend": 0.5}
    odd = plain | {"email": "Ada@example.com"}
    destination = Klaviyo(KlaviyoSettings("key"))

    read = planned(
        destination,
        [("k", plain, "v1"), ("l", odd, "v1")],
        columns=tuple(PROFILE_COLUMNS.items()),
    )

    assert read.written.numbers == (1,)
    assert [row.number for row in read.written.others] == [2]


USERS = st.fixed_dictionaries(
    {
        "email": st.sampled_from(EMAILS) | TEXTS,
        "external_id": TEXTS | st.none() | st.integers(0, 99),
        "phone": st.sampled_from(PHONES) | TEXTS,
    }
)
USER_COLUMNS = (("email", "varchar"), ("external_id", "varchar"), ("phone", "varchar"))


def users(prepared):
    """Return schema and cells of every row by its number."""
    (request,) = prepared.requests or (None,)
    if request is None:
        return {}
    told = orjson.loads(request.body)["payload"]
    cells = [(*told["schema"], *one) for one in told["data"]]
    return dict(zip(request.rows, cells, strict=True))


@settings(deadline=None, max_examples=15)
@given(st.lists(USERS, min_size=1, max_size=40))
def test_the_warehouse_writes_the_users_that_python_writes(values):
    """Whatever is known of a user: hashed alike, the same left out and refused."""
    destination = MetaCustomAudiences(MetaCustomAudiencesSettings("token", "", "1"))
    read = planned(destination, [("k", one, "v1") for one in values], columns=USER_COLUMNS)

    by_warehouse = destination.requests(batch_of(read, is_written=True, columns=USER_COLUMNS))
    by_python = destination.requests(batch_of(read, is_written=False))

    assert users(by_warehouse) == users(by_python)
    assert by_warehouse.invalid == by_python.invalid


def test_a_plain_user_needs_no_python_and_names_always_do():
    """What is in form is hashed by the warehouse; punctuation and accents are Python's."""
    plain = {"email": "a.b+c@d-e.com", "external_id": "c1", "phone": "+46701234567"}
    odd = plain | {"email": "Ada@example.com"}
    destination = MetaCustomAudiences(MetaCustomAudiencesSettings("token", "", "1"))
    named = Layout(columns=(*USER_COLUMNS, ("first_name", "varchar")))

    read = planned(destination, [("k", plain, "v1"), ("l", odd, "v1")], columns=USER_COLUMNS)

    assert read.written.numbers == (1,)
    assert [row.number for row in read.written.others] == [2]
    assert destination.row_text("people", named, "run") is None


def test_numbers_that_no_float_holds_are_left_to_python():
    """They are sent as texts, so that no digit is lost."""
    columns = (("email", "varchar"), ("property_total", "decimal(18, 2)"))

    assert Klaviyo(KlaviyoSettings("key")).row_text("people", Layout(columns=columns), "r") is None


@pytest.mark.parametrize("order", [1, -1])
def test_the_texts_are_the_very_bytes_that_python_writes(order):
    """Where every row is plain, even the message and its id are the same, in plan order."""
    destination = webhook()
    rows = [(f"k{n}", {"spend": 0.1 + n, "name": "Zoë"}, "v1") for n in range(50)]
    read = planned(destination, rows, order=order)

    (ours,) = destination.requests(batch_of(read, is_written=True)).requests
    (theirs,) = destination.requests(batch_of(read, is_written=False)).requests

    assert (ours.body, ours.headers, ours.rows) == (theirs.body, theirs.headers, theirs.rows)
    assert not read.written.others


def test_rows_blocked_at_dispatch_are_in_no_text():
    """What the gate holds back is neither among the rows nor among the texts."""
    rows = [(f"k{n}", {}, "v1") for n in range(4)]

    read = planned(webhook(), rows, blocked={2: "no_consent", 99: "no_consent"})

    assert read.blocked == {2: "no_consent"}
    assert [row.number for row in read.rows] == list(read.written.numbers) == [1, 3, 4]
    assert b"k1" not in read.written.texts


def test_every_row_may_be_blocked():
    """Nothing is left to be sent, and nothing breaks."""
    destination = webhook()
    read = planned(destination, [("k", {}, "")], blocked={1: "no_consent"})

    assert not destination.requests(batch_of(read, is_written=True)).requests


@pytest.mark.parametrize("limits", [{"request_bytes": 600}, {"upsert_rows": 3}])
def test_texts_that_do_not_fit_into_one_request_are_cut(limits):
    """Bytes and rows are limits for written rows, too; one that fits nowhere is invalid."""
    destination = webhook(**limits)
    rows = [(f"k{n}", {"note": "x" * (900 if n == 3 else 40)}, "v1") for n in range(8)]
    read = planned(destination, rows)
    most = destination.capabilities.batch

    prepared = destination.requests(batch_of(read, is_written=True))

    assert len(prepared.requests) > 1
    assert all(len(one.body) <= most.request_bytes for one in prepared.requests)
    assert all(len(one.rows) <= most.upsert_rows for one in prepared.requests)
    assert prepared.invalid == ({4: "too_large"} if "request_bytes" in limits else {})
    assert set(events(prepared)) == set(range(1, 9)) - set(prepared.invalid)


def test_nothing_shows_a_value():
    """Rows and texts stand in errors and logs by their number alone."""
    read = planned(webhook(), [("secret-key", {"email": "ada@example.com"}, "v1")])

    shown = f"{read!r} {batch_of(read, is_written=True)!r} {read.rows!r} {read.rows[0]!r}"

    assert "ada" not in shown
    assert "secret" not in shown
