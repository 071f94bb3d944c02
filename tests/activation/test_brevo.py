"""What Brevo is asked, and what its answers mean for the rows."""

from dataclasses import replace

import orjson
import pytest

from activation.destinations.base import (
    Batch,
    FollowUp,
    Narrow,
    Request,
    Response,
    Retry,
    Row,
    Settled,
    Stop,
    Target,
)
from activation.destinations.brevo import Brevo
from activation.errors import PlatformRefused, TargetMissing
from activation.jobs import _decoded, _encoded
from activation.pacing import Pace
from tests.contracts.destinations import PERSONAL, batch, destination

LIST = Target("7", "Win back")
BREVO = destination("brevo")
URL = "https://files.example.com/report.csv"


def answered(request, status, document=None):
    """Classify an answer with a JSON document."""
    body = b"" if document is None else orjson.dumps(document)
    return BREVO.classify(request, Response(status, body=body))


def followed(request, status, document=None):
    """Return the one request that follows an answer."""
    outcome = answered(request, status, document)
    assert isinstance(outcome, FollowUp)
    (following,) = outcome.requests
    return following


def imported(*rows):
    """Return the import request of rows, past the look at the attributes."""
    (checked,) = BREVO.requests(Batch("upsert", rows, LIST)).requests
    return checked.recall if checked.step == "check_attributes" else checked


def polled(*rows):
    """Return the first question after the process of an import."""
    return followed(imported(*rows), 202, {"processId": 78})


def person(number, **values):
    """Return one row with an e-mail address."""
    return Row(number, {"email": f"{PERSONAL}{number}@example.com", **values})


ADA, BOB, CID = person(1), person(2), person(3)


def test_an_import_says_everything_and_leaves_the_blocklist_alone():
    """The exact body: attributes in capitals, null as an empty text that clears."""
    values = {"first_name": "Zoë", "phone": "+46701000001", "attribute_spend": 12.5}
    request = imported(person(1, last_name=None, **values))

    assert (request.method, request.path) == ("POST", "/v3/contacts/import")
    assert orjson.loads(request.body) == {
        "jsonBody": [
            {
                "email": f"{PERSONAL}1@example.com",
                "attributes": {
                    "FIRSTNAME": "Zoë",
                    "LASTNAME": "",
                    "SMS": "+46701000001",
                    "SPEND": 12.5,
                },
            }
        ],
        "listIds": [7],
        "updateExistingContacts": True,
        "emptyContactsAttributes": True,
        "disableNotification": True,
    }
    assert BREVO.headers() == {"api-key": "very-secret-token", "accept": "application/json"}


def test_attributes_are_looked_at_before_an_import_that_sets_them():
    """Brevo ignores what it does not know, so a missing attribute stops the run by its name."""
    one = Batch("upsert", (person(1, attribute_spend=1.0, first_name="A"),), LIST)
    (request,) = BREVO.requests(one).requests
    known = [{"name": "FIRSTNAME", "category": "normal"}]
    computed = {"name": "SPEND", "category": "calculated"}

    stopped = answered(request, 200, {"attributes": [*known, computed]})
    made = {"name": "spend", "category": "normal"}
    goes_on = followed(request, 200, {"attributes": [*known, made]})

    assert (request.step, request.body) == ("check_attributes", None)
    assert isinstance(stopped, Stop)
    assert isinstance(stopped.error, PlatformRefused)
    assert "SPEND" in str(stopped.error)
    assert "FIRSTNAME" not in str(stopped.error)
    assert goes_on.step == "import_contacts"


def test_bodies_stay_within_the_advised_size():
    """A wide batch is cut by bytes, behind the look at the attributes too."""
    rows = tuple(person(number, first_name="x" * 9_000) for number in range(2_000))
    requests = BREVO.requests(Batch("upsert", rows, LIST)).requests

    assert len(requests) > 2
    assert all(len(request.recall.body) <= 8_000_000 for request in requests)


def test_two_rows_with_one_address_are_in_two_imports():
    """Brevo reports the second of two as a duplicate."""
    twin = Row(9, {"email": f" {PERSONAL.upper()}1@example.com"})
    requests = BREVO.requests(Batch("upsert", (ADA, BOB, twin), LIST)).requests

    assert [request.rows for request in requests] == [(1, 2), (9,)]


def test_rows_that_cannot_be_sent_are_named():
    """Without an address, or with one or a number that is none."""
    rows = (Row(1, {"email": None}), Row(2, {"email": "x"}), person(3, phone="070"), BOB)
    rows = (*rows[:3], person(4, phone="+46701000004"))
    prepared = BREVO.requests(Batch("upsert", rows, LIST))

    assert prepared.invalid == {1: "no_identifier", 2: "invalid_email", 3: "invalid_phone"}
    assert [request.rows for request in prepared.requests] == [(4,)]


def test_the_wait_is_read_from_brevos_own_header():
    """Brevo sends no Retry-After."""
    answer = Response(429, {"x-sib-ratelimit-reset": "12"}, b"{}")

    assert BREVO.classify(imported(ADA), answer) == Retry("http_429", 12.0)


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf"])
def test_a_wait_that_is_no_number_is_none(value):
    """The engine's own waits are taken then."""
    answer = Response(429, {"x-sib-ratelimit-reset": value}, b"{}")

    assert BREVO.classify(imported(ADA), answer) == Retry("http_429")


def test_a_process_is_asked_for_until_it_has_ended():
    """Accepted is not delivered, and each question is counted."""
    poll = polled(ADA, BOB)
    again = followed(poll, 200, {"id": 78, "status": "in_process"})

    assert (poll.path, poll.is_poll, poll.polls) == ("/v3/processes/78", True, 0)
    assert again.polls == 1
    done = {"id": 78, "status": "completed", "info": {"import": {"invalid_emails": None}}}
    assert answered(again, 200, done) == Settled((1, 2))
    assert answered(again, 404) == Retry("http_404")


def test_processes_are_asked_for_a_hundred_times_an_hour_at_most():
    """The published limit of everything but contacts, in whatever hour one looks."""
    now = [0.0]

    def wait(seconds):
        now[0] += seconds
        return False

    limits = Brevo.capabilities
    pace = Pace(limits.rate, wait, lambda: now[0], limits.step_rates)
    moments = []
    for _ in range(300):
        pace.take_turn("import_process")
        moments.append(now[0])

    assert all(later - sooner >= 3_599 for sooner, later in zip(moments, moments[100:]))  # noqa: B905


@pytest.mark.parametrize(
    "report",
    [
        f"EMAIL\r\n{PERSONAL}2@example.com\r\n",
        f'\ufeff"ID";"EMAIL";"REASON"\n"1";"{PERSONAL.upper()}2@Example.com";"bad"\n',
        f"{PERSONAL}2@example.com",
        f"a,b\n1, {PERSONAL}2@example.com \n",
    ],
)
def test_a_report_is_read_whatever_its_columns_are(report):
    """The address is looked for in every cell."""
    done = {"status": "completed", "info": {"import": {"invalid_emails": URL}}}
    request = followed(polled(ADA, BOB, CID), 200, done)

    outcome = BREVO.classify(request, Response(200, body=report.encode()))

    assert request.address == URL
    assert outcome == Settled((1, 3), {2: "invalid_email"})


def test_reports_are_read_one_after_the_other():
    """A number names its row too; a line that names nobody of ours is counted."""
    info = {"duplicate_phone_id": f"{URL}?2", "invalid_emails": f"{URL}?1", "duplicate_ext_id": ""}
    rows = (ADA, person(2, phone="+46701000002"), CID)
    done = {"status": "completed", "info": {"import": info}}
    first = followed(polled(*rows), 200, done)

    second = BREVO.classify(first, Response(200, body=b"SMS\n46701000002\n46709999999\n"))
    assert isinstance(second, FollowUp)
    (request,) = second.requests
    last = f"EMAIL\n{PERSONAL}3@example.com\n".encode()

    assert BREVO.classify(request, Response(200, body=last)) == Settled(
        (1,),
        {2: "duplicate_phone_id", 3: "invalid_email"},
        unattributed={"duplicate_phone_id": 1},
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>sign in</html>"), (200, b""), (403, b"expired"), (404, b""), (302, b"")],
)
def test_a_report_that_cannot_be_had_leaves_the_rows_in_doubt(status, body):
    """Nobody is believed to be delivered; the next run sends them again."""
    done = {"status": "completed", "info": {"import": {"invalid_emails": URL}}}
    request = followed(polled(ADA, BOB), 200, done)

    outcome = BREVO.classify(request, Response(status, body=body))

    assert outcome == Settled(unknown=dict.fromkeys((1, 2), "report_unreadable"))
    assert BREVO.classify(request, Response(503)) == Retry("http_503")


@pytest.mark.parametrize(("report", "count"), [("ID\n12\n13\n", 2), ("12", 1), ("CONTACT_ID", 1)])
def test_a_report_that_names_nobody_of_ours_is_counted(report, count):
    """Which rows are meant is not known; they may be on the list, so they count as held."""
    done = {"status": "completed", "info": {"import": {"duplicate_contact_id": URL}}}
    request = followed(polled(ADA, BOB), 200, done)

    outcome = BREVO.classify(request, Response(200, body=report.encode()))

    assert outcome == Settled((1, 2), unattributed={"duplicate_contact_id": count})


def test_a_job_is_written_down_without_an_address():
    """A later run knows the process, and doubts the rows when there is a report."""
    poll = polled(ADA, BOB)
    written = _encoded(poll)
    later = _decoded(orjson.loads(written))
    done = {"status": "completed", "info": {"import": {"invalid_emails": URL}}}

    assert PERSONAL not in written
    assert answered(later, 200, {"status": "completed"}) == Settled((1, 2))
    assert answered(later, 200, done) == Settled(
        unknown=dict.fromkeys((1, 2), "report_of_another_run")
    )
    assert followed(later, 200, {"status": "failed"}).path == "/v3/contacts/lists/7"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_process_that_failed_is_explained_by_the_list_or_tried_again(status):
    """Gone: made anew. There: the rows are in doubt, for halving would take hours."""
    request = followed(polled(ADA, BOB), 200, {"id": 78, "status": status})

    gone = answered(request, 404, {"code": "document_not_found"})
    there = answered(request, 200, {"id": 7, "name": "Win back"})

    assert isinstance(gone, Stop)
    assert isinstance(gone.error, TargetMissing)
    assert there == Settled(unknown=dict.fromkeys((1, 2), f"import_{status}"))
    assert answered(request, 200, {"id": 8}) == Retry("garbled_answer")


def test_a_refused_import_is_narrowed_when_the_list_is_there():
    """Brevo does not say which contact is to blame."""
    request = followed(imported(ADA, BOB), 400, {"code": "invalid_parameter", "message": "x"})

    assert request.path == "/v3/contacts/lists/7"
    assert answered(request, 200, {"id": 7}) == Narrow("http_400")


def removal(*rows):
    """Return the removal of rows."""
    stale = tuple(replace_stale(row) for row in rows)
    (request,) = BREVO.requests(Batch("remove", stale, LIST)).requests
    return request


def replace_stale(row):
    """Return the row as one to be removed."""
    return row._replace(stale=frozenset({"email"}))


def test_a_removal_takes_addresses_off_the_list_and_nothing_else():
    """At most 150, each once."""
    request = removal(ADA, BOB, Row(9, ADA.values))

    assert (request.method, request.path) == ("POST", "/v3/contacts/lists/7/contacts/remove")
    assert orjson.loads(request.body) == {
        "emails": [f"{PERSONAL}1@example.com", f"{PERSONAL}2@example.com"]
    }
    many = BREVO.requests(replace(batch("brevo", "remove", 301), target=LIST)).requests
    assert [len(one.rows) for one in many] == [150, 150, 1]


def test_who_was_not_on_the_list_is_off_it():
    """Success and failure both end there; who is in neither got no answer."""
    emails = [f"{PERSONAL}{number}@Example.com" for number in (1, 2)]
    document = {"contacts": {"success": emails[:1], "failure": emails[1:]}}

    assert answered(removal(ADA, BOB), 201, document) == Settled((1, 2))
    assert answered(removal(ADA, BOB, CID), 201, document) == Settled(
        (1, 2), unknown={3: "not_answered"}
    )


def test_a_removal_that_changes_nothing_is_believed_when_the_list_is_there():
    """400 means that nobody was on it, unless the list is what does not exist."""
    message = "Contact already removed from list and/or does not exist"
    request = followed(removal(ADA, BOB), 400, {"code": "invalid_parameter", "message": message})

    assert answered(request, 200, {"id": 7}) == Settled((1, 2))
    assert isinstance(answered(request, 404), Stop)
    other = followed(removal(ADA, BOB), 400, {"code": "invalid_parameter", "message": "no"})
    assert answered(other, 200, {"id": 7}) == Narrow("http_400")


def test_a_new_list_is_put_into_our_folder():
    """Lists and folders come in pages; the folder is made once."""
    find = BREVO.target("Win back")
    assert isinstance(find, Request)
    other = {"lists": [{"id": 1, "name": "Other"}], "count": 2}
    second = followed(find, 200, other)
    assert second.parameters["offset"] == "1"
    folders = followed(second, 200, {"lists": [{"id": 2, "name": "win back"}], "count": 2})
    made = followed(folders, 200, {"folders": [], "count": 0})
    new = followed(made, 201, {"id": 5})

    assert (made.path, orjson.loads(made.body)) == ("/v3/contacts/folders", {"name": "regulars"})
    assert orjson.loads(new.body) == {"name": "Win back", "folderId": 5}
    found = answered(new, 201, {"id": 7})
    assert found.target == LIST
    known = {"folders": [{"id": 5, "name": "regulars"}], "count": 1}
    assert followed(folders, 200, known) == new


def test_an_empty_page_ends_the_search():
    """A count that is larger than what comes does not lead round in circles."""
    find = BREVO.target("Win back")

    assert followed(find, 200, {"lists": [], "count": 9}).step == "find_folder"
