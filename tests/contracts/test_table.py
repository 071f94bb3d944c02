"""A table keeps the promises of the other destinations, in statements instead of HTTP."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.destinations.base import (
    Batch,
    FollowUp,
    Found,
    Listed,
    Narrow,
    Prepared,
    Response,
    Retry,
    Row,
    Settled,
    Stop,
    Target,
)
from activation.destinations.layout import Layout
from activation.destinations.table import Table, TableSettings
from activation.destinations.tables import decoded

TABLE = Table(TableSettings("postgresql://u:very-secret@db.example.com/crm"))
LAYOUT = Layout("table__people", "customer_id", (("customer_id", "varchar"), ("note", "varchar")))
TARGET = Target("crm.people", "crm.people")
OUTCOMES = Settled | FollowUp | Retry | Narrow | Found | Listed | Stop
PERSONAL = "ada.lovelace"


def batch(operation, count, width=10):
    """Return a batch of rows."""
    stale = frozenset({"customer_id"}) if operation == "remove" else frozenset()
    rows = tuple(
        Row(n, {"customer_id": f"c{n}", "note": PERSONAL.ljust(width)}, stale)
        for n in range(1, count + 1)
    )
    return Batch(operation, rows, TARGET, layout=LAYOUT)


def every_request():
    """Return a request of every step."""
    describe = TABLE.check("crm.people", LAYOUT)
    names = ["customer_id", "note", "regulars_sync", "regulars_digest"]
    there = Response(200, body=orjson.dumps({"results": [[[name] for name in names]]}))
    making = replace(TABLE, settings=replace(TABLE.settings, creates="yes"))
    absent = Response(200, body=b'{"results": [[]]}')
    return [
        describe,
        TABLE.classify(describe, there).requests[0],
        making.classify(describe, absent).requests[0],
        TABLE.members(TARGET, LAYOUT),
        *TABLE.requests(batch("upsert", 2)).requests,
        *TABLE.requests(batch("remove", 2)).requests,
    ]


@pytest.mark.parametrize("operation", ["upsert", "remove"])
@pytest.mark.parametrize("count", [0, 1, 5_001, 12_000])
def test_requests_cover_every_row_once(operation, count):
    """No transaction holds more rows than it may, none is lost or doubled."""
    prepared = TABLE.requests(batch(operation, count))

    assert all(len(request.rows) <= 5_000 for request in prepared.requests)
    covered = [number for request in prepared.requests for number in request.rows]
    assert covered == list(range(1, count + 1))
    assert prepared == TABLE.requests(batch(operation, count))


def test_wide_rows_are_cut_by_bytes():
    """A body never exceeds the limit."""
    prepared = TABLE.requests(batch("upsert", 900, width=9_000))

    assert len(prepared.requests) > 1
    assert all(len(request.body) <= 5_000_000 for request in prepared.requests)


def test_removal_of_a_key_still_wanted_needs_no_request():
    """As at every destination."""
    kept = replace(batch("remove", 2), rows=(Row(1, {"customer_id": "c1"}),))

    assert TABLE.requests(kept) == Prepared(settled=(1,))


def test_a_removal_carries_nothing_but_key_and_owner():
    """What was known of a person is not said again."""
    (request,) = TABLE.requests(batch("remove", 1)).requests

    assert PERSONAL not in request.body.decode()
    assert [one.values for one in decoded(request.body) if one.values not in ([[]],)] == [
        [[1, "c1", "table__people"]]
    ]


def test_names_are_quoted():
    """A column or a table is a name, whatever is written in it."""
    layout = Layout("s", 'a"; drop', (('a"; drop', "varchar"), ("50%s", "varchar")))
    row = Row(1, {'a"; drop': "x", "50%s": "y"})
    strange = Batch("upsert", (row,), Target('x"y.t', ""), layout=layout)
    text = decoded(TABLE.requests(strange).requests[0].body)[4].text

    assert '"x""y"."t"' in text
    assert '"a""; drop"' in text
    assert '"50%%s"' in text


@given(status=st.integers(200, 599), body=st.binary(max_size=60))
def test_no_answer_raises(status, body):
    """Whatever a database says, it is an outcome, and rubbish is not believed."""
    for request in every_request():
        outcome = TABLE.classify(request, Response(status, body=body))
        assert isinstance(outcome, OUTCOMES)
        assert not isinstance(outcome, Settled | Found | Listed)


@given(
    document=st.dictionaries(
        st.sampled_from(["results", "sqlstate", "message"]),
        st.recursive(
            st.none() | st.booleans() | st.integers(-9, 99) | st.text("c1", max_size=4),
            lambda part: st.lists(part, max_size=3),
            max_leaves=6,
        ),
    ),
    status=st.sampled_from([200, 400]),
)
def test_no_strange_document_raises(document, status):
    """Nor one that only looks like an answer."""
    for request in every_request():
        outcome = TABLE.classify(request, Response(status, body=orjson.dumps(document)))
        assert isinstance(outcome, OUTCOMES)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("22001", Narrow), ("23505", Narrow), ("P0001", Narrow), ("21000", Narrow),
        ("40001", Retry), ("40P01", Retry), ("53100", Retry), ("55P03", Retry), ("57014", Retry),
        ("42501", Stop), ("42P01", Stop), ("28P01", Stop), ("25006", Stop), ("0A000", Stop),
    ],
)  # fmt: skip
def test_an_sqlstate_says_whose_fault_it_is(state, kind):
    """A row's, nobody's for long, or a person's to settle; values of rows are never told."""
    answer = Response(400, body=orjson.dumps({"sqlstate": state, "message": ""}))
    (request,) = TABLE.requests(batch("upsert", 2)).requests

    assert isinstance(TABLE.classify(request, answer), kind)


def test_nothing_personal_or_secret_is_printed():
    """Not in the destination, a request or an outcome."""
    for request in every_request():
        answer = Response(400, body=b'{"sqlstate": "28P01", "message": ""}')
        printed = f"{TABLE!r} {request!r} {TABLE.classify(request, answer)!r} {TABLE.account}"
        assert PERSONAL not in printed
        assert "very-secret" not in printed
