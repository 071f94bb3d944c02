"""What HubSpot is asked, and what its answers mean for the rows."""

import orjson
import pytest

from activation.destinations.base import (
    Batch,
    FollowUp,
    Found,
    Listed,
    Narrow,
    Request,
    Response,
    Retry,
    Row,
    Settled,
    Stop,
    Target,
)
from activation.destinations.layout import Layout
from activation.errors import PlatformBusy, PlatformRefused, TargetMissing
from tests.contracts.destinations import PERSONAL, destination

LIST = Target("7", "Win back")
HUBSPOT = destination("hubspot")


def answered(request, status, document=None, headers=None):
    """Classify an answer with a JSON document."""
    body = b"" if document is None else orjson.dumps(document)
    return HUBSPOT.classify(request, Response(status, headers or {}, body))


def person(number, **values):
    """Return one row with an e-mail address."""
    return Row(number, {"email": f"{PERSONAL}{number}@example.com", **values})


ADA, BOB, CID = person(1), person(2), person(3)


def upsert(*rows):
    """Return the upsert of rows."""
    (request,) = HUBSPOT.requests(Batch("upsert", rows, LIST)).requests
    return request


def removal(*rows):
    """Return the lookup that begins the removal of rows."""
    stale = tuple(row._replace(stale=frozenset({"email"})) for row in rows)
    (request,) = HUBSPOT.requests(Batch("remove", stale, LIST)).requests
    return request


def result(number, record, **values):
    """Return one written contact."""
    return {"id": record, "objectWriteTraceId": str(number), "properties": {}, **values}


def error(code="INVALID_EMAIL", name="email", text="invalid", **values):
    """Return one error as HubSpot tells it, quotes inside quotes included."""
    inner = [{"isValid": False, "message": text, "error": code, "name": name}]
    message = f"Property values were not valid: {orjson.dumps(inner).decode()}"
    return {"status": "error", "category": "VALIDATION_ERROR", "message": message, **values}


def test_an_upsert_by_address_with_texts_only():
    """The exact body: a null of our own clears, a null name is left alone."""
    values = {
        "first_name": "Zoë",
        "last_name": None,
        "phone": "+46701000001",
        "property_Spend": 12.5,
        "property_vip": True,
        "property_note": None,
    }
    request = upsert(person(4, **values))

    assert (request.method, request.path) == ("POST", "/crm/v3/objects/contacts/batch/upsert")
    assert orjson.loads(request.body) == {
        "inputs": [
            {
                "id": f"{PERSONAL}4@example.com",
                "idProperty": "email",
                "objectWriteTraceId": "4",
                "properties": {
                    "firstname": "Zoë",
                    "phone": "+46701000001",
                    "spend": "12.5",
                    "vip": "true",
                    "note": "",
                },
            }
        ]
    }
    assert HUBSPOT.headers() == {"authorization": "Bearer very-secret-token"}


def test_two_rows_with_one_address_are_in_two_requests():
    """HubSpot refuses a batch that names one contact twice."""
    twin = Row(9, {"email": f" {PERSONAL.upper()}1@example.com"})
    requests = HUBSPOT.requests(Batch("upsert", (ADA, BOB, twin), LIST)).requests

    assert [request.rows for request in requests] == [(1, 2), (9,)]


def test_rows_that_cannot_be_sent_are_named():
    """Without an address, or with one or a number that is none."""
    rows = (Row(1, {"email": ""}), Row(2, {"email": "x"}), person(3, phone="070"), person(4))
    prepared = HUBSPOT.requests(Batch("upsert", rows, LIST))

    assert prepared.invalid == {1: "no_identifier", 2: "invalid_email", 3: "invalid_phone"}
    assert [request.rows for request in prepared.requests] == [(4,)]


def test_written_contacts_are_put_on_the_list_and_wrong_ones_named():
    """207: by trace; who is in neither part of the answer got none."""
    bad = error(context={"objectWriteTraceId": ["2"]})
    document = {"results": [result(1, "501")], "errors": [bad], "numErrors": 1}

    outcome = answered(upsert(ADA, BOB, CID), 207, document)

    assert isinstance(outcome, FollowUp)
    (membership,) = outcome.requests
    assert outcome.settled == Settled(rejected={2: "invalid_email"}, unknown={3: "not_answered"})
    assert (membership.method, membership.rows) == ("PUT", (1,))
    assert membership.path == "/crm/v3/lists/7/memberships/add-and-remove"
    assert orjson.loads(membership.body) == {"recordIdsToAdd": ["501"], "recordIdsToRemove": []}


def test_results_without_a_trace_are_matched_by_address():
    """An account that does not echo traces still tells the address."""
    written = {"id": "502", "properties": {"email": f"{PERSONAL}2@Example.com"}}

    outcome = answered(upsert(ADA, BOB), 200, {"results": [written]})

    assert isinstance(outcome, FollowUp)
    assert outcome.requests[0].rows == (2,)
    assert outcome.settled == Settled(unknown={1: "not_answered"})


@pytest.mark.parametrize(
    "context", [{"ids": [f"{PERSONAL}2@example.com"]}, {"email": [f"{PERSONAL}2@EXAMPLE.com"]}]
)
def test_errors_without_a_trace_are_matched_by_address(context):
    """By the ids in the context."""
    outcome = answered(upsert(ADA, BOB), 207, {"results": [], "errors": [error(context=context)]})

    assert outcome == Settled(rejected={2: "invalid_email"}, unknown={1: "not_answered"})


def test_a_refused_batch_drops_the_row_it_names():
    """400 tells of the first wrong row only; the longest address in the text is the one meant."""
    longer = Row(5, {"email": f"x{PERSONAL}2@example.com"})
    document = error(text=f"Email address x{PERSONAL}2@example.com is invalid")

    outcome = answered(upsert(ADA, BOB, longer), 400, document)

    assert outcome == Narrow("invalid_email", {5: "invalid_email"})


def test_a_refused_batch_that_names_nobody_is_halved():
    """Nor does a page of a proxy name anybody."""
    anonymous = {"status": "error", "category": "VALIDATION_ERROR", "message": "no"}

    assert answered(upsert(ADA, BOB), 400, anonymous) == Narrow("validation_error")
    assert answered(upsert(ADA, BOB), 413) == Narrow("http_413")


def test_a_code_never_holds_a_value():
    """A category that is no word is not kept."""
    strange = {"category": f"{PERSONAL}@example.com", "message": ""}

    assert answered(upsert(ADA, BOB), 400, strange) == Narrow("http_400")


@pytest.mark.parametrize("status", [207, 400])
def test_a_missing_property_stops_the_run_and_is_named(status):
    """No row could ever be written; a person has to make it."""
    wrong = error("PROPERTY_DOESNT_EXIST", "spend", 'Property "spend" does not exist')
    document = wrong if status == 400 else {"results": [], "errors": [wrong]}

    outcome = answered(upsert(person(1, property_spend=1, property_vip=True)), status, document)

    assert isinstance(outcome, Stop)
    assert isinstance(outcome.error, PlatformRefused)
    assert "spend" in str(outcome.error)
    assert "vip" not in str(outcome.error)


def membership(request):
    """Return the change of membership that follows an answer with one record per row."""
    results = [
        {"id": f"50{number}", "properties": {"email": email}}
        for email, (number, *_) in request.recall.items()
    ]
    outcome = answered(request, 200, {"results": results})
    assert isinstance(outcome, FollowUp)
    return outcome.requests[0]


def test_membership_delivers_whom_hubspot_does_not_miss():
    """Who already was on the list is not mentioned, and is on it."""
    added = membership(upsert(ADA, BOB))
    document = {"recordsIdsAdded": [], "recordIdsRemoved": [], "recordIdsMissing": ["502"]}

    assert answered(added, 200, document) == Settled((1,), unknown={2: "record_missing"})
    assert answered(added, 200, {}) == Retry("garbled_answer", in_doubt=True)
    gone = answered(added, 404, {"status": "error", "category": "OBJECT_NOT_FOUND"})
    assert isinstance(gone, Stop)
    assert isinstance(gone.error, TargetMissing)
    assert answered(added, 404) == Narrow("http_404")


def test_a_removal_looks_up_records_and_takes_them_off():
    """Whom HubSpot does not have is on no list."""
    lookup = removal(ADA, BOB)
    lost = {"category": "OBJECT_NOT_FOUND", "context": {"ids": [f"{PERSONAL}2@example.com"]}}
    found = {"id": "501", "properties": {"email": f"{PERSONAL}1@example.com"}}

    outcome = answered(lookup, 207, {"results": [found], "errors": [lost]})

    assert orjson.loads(lookup.body)["inputs"] == [
        {"id": f"{PERSONAL}1@example.com"},
        {"id": f"{PERSONAL}2@example.com"},
    ]
    assert isinstance(outcome, FollowUp)
    assert outcome.settled == Settled((2,))
    (taken,) = outcome.requests
    assert orjson.loads(taken.body) == {"recordIdsToAdd": [], "recordIdsToRemove": ["501"]}
    document = {"recordIdsRemoved": [], "recordsIdsAdded": [], "recordIdsMissing": ["501"]}
    assert answered(taken, 200, document) == Settled((1,))


def test_a_lookup_that_finds_too_much_removes_no_stranger():
    """A second address of a contact is its own; any other contact is left alone."""
    both = {"email": "now@example.com", "hs_additional_emails": f"a@b.se;{PERSONAL}1@Example.com"}
    stranger = {"id": "900", "properties": {"email": "stranger@example.com"}}

    outcome = answered(
        removal(ADA), 200, {"results": [{"id": "501", "properties": both}, stranger]}
    )

    assert isinstance(outcome, FollowUp)
    assert orjson.loads(outcome.requests[0].body)["recordIdsToRemove"] == ["501"]


def test_a_lookup_that_failed_for_some_leaves_them_in_doubt():
    """Only an explicit `not found` means that there is nobody to take off."""
    document = {"results": [], "errors": [{"category": "INTERNAL_ERROR"}]}

    assert answered(removal(ADA), 207, document) == Settled(unknown={1: "lookup_failed"})
    assert answered(removal(ADA), 200, {"results": []}) == Settled((1,))


def test_waits_are_read_from_the_windows_length():
    """Ten seconds; the limit of the day ends the run instead."""
    interval = {"x-hubspot-ratelimit-interval-milliseconds": "10000"}
    daily = answered(upsert(ADA), 429, {"policyName": "DAILY"}, interval)

    assert answered(upsert(ADA), 429, {"policyName": "X"}, interval) == Retry("http_429", 10.0)
    assert answered(upsert(ADA), 429, {}, {**interval, "retry-after": "3"}).after == 3.0
    assert answered(upsert(ADA), 423) == Retry("http_423")
    assert isinstance(daily, Stop)
    assert isinstance(daily.error, PlatformBusy)


def test_a_list_is_made_when_none_has_the_name():
    """When making it is refused it may be there already: an answer may have been lost."""
    find = HUBSPOT.target("A/B ä")
    assert isinstance(find, Request)
    made = answered(find, 404, {"category": "OBJECT_NOT_FOUND"}).requests[0]
    again = answered(made, 400, {"category": "VALIDATION_ERROR"}).requests[0]
    listed = {"listId": "7", "processingType": "MANUAL"}

    assert find.path == "/crm/v3/lists/object-type-id/0-1/name/A%2FB%20%C3%A4"
    assert orjson.loads(made.body) == {
        "name": "A/B ä",
        "objectTypeId": "0-1",
        "processingType": "MANUAL",
    }
    assert answered(made, 200, {"list": listed}) == Found(Target("7", "A/B ä"))
    assert answered(again, 200, {"list": listed}) == Found(Target("7", "A/B ä"))
    assert isinstance(answered(again, 404, {}), Stop)


def test_a_list_that_hubspot_fills_is_refused():
    """Its members cannot be set."""
    listed = {"listId": "7", "processingType": "DYNAMIC"}
    outcome = answered(HUBSPOT.target("Win back"), 200, {"list": listed})

    assert isinstance(outcome, Stop)
    assert isinstance(outcome.error, PlatformRefused)


def test_members_are_read_as_records_then_as_addresses():
    """Page after page, each with a lookup of its own."""
    first = HUBSPOT.members(LIST, Layout())
    page = {"results": [{"recordId": "501"}], "paging": {"next": {"after": "501"}}}
    lookup = answered(first, 200, page).following
    contacts = answered(lookup, 200, {"results": [{"id": "501", "properties": {"email": "a@b"}}]})
    empty = answered(contacts.following, 200, {"results": []})

    assert orjson.loads(lookup.body)["inputs"] == [{"id": "501"}]
    assert contacts.members == ({"email": "a@b"},)
    assert contacts.following.parameters == {"limit": "100", "after": "501"}
    assert empty == Listed((), None)
