"""What each platform's answers mean for the rows."""

import orjson
import pytest

from activation.destinations.base import (
    FollowUp,
    Found,
    Narrow,
    Request,
    Response,
    Retry,
    Settled,
    Stop,
)
from activation.errors import (
    AuthenticationRefused,
    PlatformRefused,
    TargetMissing,
)
from tests.contracts.destinations import batch, destination

ROWS = (1, 2, 3)


def said(name, step, status, document=None, *, context=None, rows=ROWS, polls=0):
    """Classify one answer to a request of a step."""
    request = Request(
        step, "POST", "/", rows, context=context, polls=polls, is_poll="status" in step
    )
    body = b"" if document is None else orjson.dumps(document)
    return destination(name).classify(request, Response(status, body=body))


def job(status, failed=0):
    """Return Klaviyo's answer about an import job."""
    return {"data": {"id": "J", "attributes": {"status": status, "failed_count": failed}}}


def import_error(index, code="invalid"):
    """Return one of Klaviyo's import errors."""
    pointer = f"/data/attributes/profiles/data/{index}/attributes/email"
    return {"attributes": {"code": code, "source": {"pointer": pointer}}}


class TestKlaviyo:
    """Import jobs are followed to their end."""

    def test_accepted_job_is_polled(self):
        """Accepted is not delivered."""
        outcome = said("klaviyo", "import_profiles", 202, {"data": {"id": "J"}})

        assert isinstance(outcome, FollowUp)
        assert outcome.requests[0].path == "/api/profile-bulk-import-jobs/J"
        assert (outcome.requests[0].is_poll, outcome.requests[0].rows) == (True, ROWS)

    @pytest.mark.parametrize("status", ["queued", "processing"])
    def test_unfinished_job_is_polled_again(self, status):
        """Each poll is counted, so that they slow down."""
        outcome = said("klaviyo", "import_job", 200, job(status), polls=4)

        assert isinstance(outcome, FollowUp)
        assert outcome.requests[0].polls == 5

    def test_finished_job_delivers(self):
        """Complete without failures is delivered."""
        assert said("klaviyo", "import_job", 200, job("complete")) == Settled(ROWS)

    def test_cancelled_job_is_narrowed_down(self):
        """A job the platform gave up is tried in parts."""
        assert said("klaviyo", "import_job", 200, job("cancelled")) == Narrow("import_cancelled")

    def test_failures_are_fetched_page_by_page_and_named(self):
        """Rows are found by their position; the rest was delivered."""
        first = said("klaviyo", "import_job", 200, job("complete", failed=2))
        assert isinstance(first, FollowUp)
        errors = first.requests[0]
        page = {
            "data": [import_error(0)],
            "links": {"next": "https://a.klaviyo.com/x?page%5Bcursor%5D=abc"},
        }
        second = destination("klaviyo").classify(errors, Response(200, body=orjson.dumps(page)))
        assert isinstance(second, FollowUp)
        assert second.requests[0].parameters == {"page[cursor]": "abc"}
        last = {"data": [import_error(2, "duplicate_profile")], "links": {"next": None}}

        outcome = destination("klaviyo").classify(
            second.requests[0], Response(200, body=orjson.dumps(last))
        )

        assert outcome == Settled((2,), {1: "invalid", 3: "duplicate_profile"})

    def test_failures_that_are_not_named_are_narrowed_down(self):
        """More failures than errors: the named ones are dropped, the rest is tried again."""
        outcome = said(
            "klaviyo", "import_errors", 200, {"data": [import_error(1)]}, context=(2, {})
        )

        assert outcome == Narrow("import_failed", {2: "invalid"})

    @pytest.mark.parametrize(
        ("status", "errors"),
        [
            (404, []),
            (400, [{"code": "x", "source": {"pointer": "/data/relationships/lists/data/0"}}]),
        ],
    )
    def test_missing_list_is_told_apart(self, status, errors):
        """A list that is gone is made anew by the next run."""
        outcome = said("klaviyo", "import_profiles", status, {"errors": errors})

        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, TargetMissing)

    def test_only_the_profiles_asked_for_are_taken_out(self):
        """A lookup that finds too much removes no stranger."""
        (lookup,) = destination("klaviyo").requests(batch("klaviyo", "remove", 2)).requests
        found = [
            {"type": "profile", "id": "P1", "attributes": {"email": "ADA.lovelace1@example.com"}},
            {"type": "profile", "id": "P9", "attributes": {"email": "stranger@example.com"}},
        ]
        outcome = destination("klaviyo").classify(
            lookup, Response(200, body=orjson.dumps({"data": found}))
        )

        assert isinstance(outcome, FollowUp)
        (removal,) = outcome.requests
        assert (removal.method, removal.path) == ("DELETE", "/api/lists/42/relationships/profiles")
        assert orjson.loads(removal.body) == {"data": [{"type": "profile", "id": "P1"}]}

    def test_row_without_profile_has_nothing_to_take_out(self):
        """Nobody found is nobody on the list."""
        (lookup,) = destination("klaviyo").requests(batch("klaviyo", "remove", 1)).requests

        assert destination("klaviyo").classify(lookup, Response(200, body=b'{"data":[]}')) == (
            Settled((1,))
        )


def google_status(status, counts=()):
    """Return the Data Manager API's answer about a request."""
    errors = [{"reason": reason, "recordCount": str(count)} for reason, count in counts]
    return {
        "requestStatusPerDestination": [
            {"requestStatus": status, "errorInfo": {"errorCounts": errors}}
        ]
    }


def google_refusal(violations=(), reason=None):
    """Return a fail-fast refusal of the Data Manager API."""
    details = [{"fieldViolations": list(violations)}]
    if reason:
        details.append({"reason": reason})
    return {"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": details}}


class TestGoogle:
    """Requests are accepted, processed, and counted by reason."""

    NAME = "google_customer_match"

    def test_accepted_request_is_polled(self):
        """Accepted is not delivered."""
        outcome = said(self.NAME, "ingest_members", 200, {"requestId": "R"})

        assert isinstance(outcome, FollowUp)
        assert outcome.requests[0].parameters == {"requestId": "R"}

    @pytest.mark.parametrize(
        ("status", "document"), [(404, {}), (200, google_status("PROCESSING"))]
    )
    def test_early_status_is_asked_for_again(self, status, document):
        """A request just accepted may be unknown for a while."""
        outcome = said(self.NAME, "request_status", status, document, context="R", polls=1)

        assert isinstance(outcome, FollowUp)
        assert outcome.requests[0].polls == 2

    def test_success_delivers(self):
        """Success is delivered."""
        outcome = said(self.NAME, "request_status", 200, google_status("SUCCESS"), context="R")

        assert outcome == Settled(ROWS)

    def test_partial_success_counts_what_it_does_not_name(self):
        """Google never says which rows it left out."""
        document = google_status("PARTIAL_SUCCESS", [("PROCESSING_ERROR_REASON_NO_CONSENT", 2)])
        outcome = said(self.NAME, "request_status", 200, document, context="R")

        assert outcome == Settled(ROWS, unattributed={"no_consent": 2})

    @pytest.mark.parametrize(
        ("reason", "expected"),
        [
            (
                "PROCESSING_ERROR_REASON_NO_CONSENT",
                Settled(rejected=dict.fromkeys(ROWS, "no_consent")),
            ),
            (
                "PROCESSING_ERROR_REASON_INTERNAL_ERROR",
                Settled(unknown=dict.fromkeys(ROWS, "internal_error")),
            ),
        ],
    )
    def test_failure_rejects_unless_it_is_googles_own(self, reason, expected):
        """An internal error is tried again by the next run."""
        document = google_status("FAILED", [(reason, 3)])

        assert said(self.NAME, "request_status", 200, document, context="R") == expected

    @pytest.mark.parametrize(
        "field",
        [
            "audience_members.audience_members[1].user_data.user_identifiers",
            "audience_members[1].user_data",
            "audienceMembers[1]",
        ],
    )
    def test_fail_fast_names_members(self, field):
        """One wrong member rejects the request; it is dropped, the rest sent again."""
        refusal = google_refusal([{"field": field, "reason": "INVALID_SHA256_FORMAT"}])

        assert said(self.NAME, "ingest_members", 400, refusal) == Narrow(
            "http_400", {2: "invalid_sha256_format"}
        )

    def test_fail_fast_without_names_is_halved(self):
        """When no member is named, the request is cut in two."""
        assert said(self.NAME, "ingest_members", 400, google_refusal()) == Narrow("http_400")

    def test_missing_list_is_told_apart(self):
        """A list that is gone is made anew by the next run."""
        refusal = google_refusal(reason="INVALID_USER_LIST_ID")
        outcome = said(self.NAME, "ingest_members", 400, refusal)

        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, TargetMissing)

    def test_unsigned_terms_stop(self):
        """A person must accept the terms."""
        refusal = google_refusal(reason="TERMS_AND_CONDITIONS_NOT_SIGNED")
        outcome = said(self.NAME, "ingest_members", 400, refusal)

        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, PlatformRefused)

    def test_list_is_found_on_a_later_page(self):
        """Lists are paged."""
        google = destination(self.NAME)
        step = google.target("Buyers")
        page = {"userLists": [{"id": "1", "displayName": "Other"}], "nextPageToken": "t"}
        first = google.classify(step, Response(200, body=orjson.dumps(page)))
        assert isinstance(first, FollowUp)
        assert first.requests[0].parameters["pageToken"] == "t"
        found = {"userLists": [{"name": "accountTypes/x/userLists/77", "displayName": "Buyers"}]}

        outcome = google.classify(first.requests[0], Response(200, body=orjson.dumps(found)))

        assert isinstance(outcome, Found)
        assert outcome.target.identifier == "77"


def meta_error(code, subcode=None):
    """Return an error of the Graph API."""
    return {"error": {"code": code, "error_subcode": subcode, "message": "text"}}


class TestMeta:
    """The error's code decides, not the status."""

    NAME = "meta_custom_audiences"

    def test_all_received_delivers(self):
        """Nothing invalid is delivered."""
        document = {"num_received": 3, "num_invalid_entries": 0}

        assert said(self.NAME, "add_users", 200, document) == Settled(ROWS)

    def test_rows_missing_from_the_count_are_sent_again(self):
        """An answer about fewer rows is not about this request."""
        document = {"num_received": 2, "num_invalid_entries": 0}

        assert said(self.NAME, "add_users", 200, document) == Retry("rows_missing")

    def test_invalid_entries_are_narrowed_down(self):
        """Meta counts invalid entries; halving finds them."""
        some = {"num_received": 3, "num_invalid_entries": 1}
        every = {"num_received": 3, "num_invalid_entries": 3}

        assert said(self.NAME, "add_users", 200, some) == Narrow("invalid_entry")
        assert said(self.NAME, "add_users", 200, every) == Settled(
            rejected=dict.fromkeys(ROWS, "invalid_entry")
        )

    def test_many_invalid_entries_are_counted_only(self):
        """Beyond a few the search would cost more than it tells."""
        rows = tuple(range(100))
        document = {"num_received": 100, "num_invalid_entries": 20}

        assert said(self.NAME, "add_users", 200, document, rows=rows) == Settled(
            rows, unattributed={"invalid_entry": 20}
        )

    @pytest.mark.parametrize("code", [1, 2, 4, 17, 341, 368, 5000, 21009, 80003])
    def test_passing_codes_are_retried_whatever_the_status(self, code):
        """Meta throttles with 400."""
        assert said(self.NAME, "add_users", 400, meta_error(code)) == Retry(f"code_{code}")

    def test_invalid_token_stops(self):
        """Code 190 is a token to be renewed."""
        outcome = said(self.NAME, "add_users", 400, meta_error(190))

        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, AuthenticationRefused)

    def test_missing_audience_is_told_apart(self):
        """An audience that is gone is made anew by the next run."""
        outcome = said(self.NAME, "add_users", 400, meta_error(100, 33))

        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, TargetMissing)

    @pytest.mark.parametrize(("code", "subcode"), [(294, None), (2650, None), (100, 1713230)])
    def test_account_matters_stop(self, code, subcode):
        """A flagged audience or a missing permission needs a person."""
        outcome = said(self.NAME, "add_users", 400, meta_error(code, subcode))

        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, PlatformRefused)

    def test_bad_parameter_is_narrowed_down(self):
        """Code 100 about the rows is searched for."""
        assert said(self.NAME, "add_users", 400, meta_error(100)) == Narrow("code_100")

    def test_audience_is_found_on_a_later_page(self):
        """Audiences are paged by cursor."""
        meta = destination(self.NAME)
        step = meta.target("Buyers")
        page = {
            "data": [{"id": "1", "name": "Other"}],
            "paging": {"next": "https://x", "cursors": {"after": "A"}},
        }
        outcome = meta.classify(step, Response(200, body=orjson.dumps(page)))

        assert isinstance(outcome, FollowUp)
        assert outcome.requests[0].parameters["after"] == "A"


def fcm_error(status, code=None):
    """Return an error of FCM."""
    details = [{"errorCode": code}] if code else []
    return {"error": {"status": status, "details": details}}


class TestFcm:
    """Each token is settled by its own answer."""

    @pytest.mark.parametrize("status", [200, 409])
    def test_subscribed_already_is_subscribed(self, status):
        """409 is what was wanted."""
        assert said("fcm", "subscribe", status, {}, rows=(1,)) == Settled((1,))

    @pytest.mark.parametrize(
        ("status", "code"),
        [(404, "UNREGISTERED"), (403, "SENDER_ID_MISMATCH"), (400, "INVALID_ARGUMENT")],
    )
    def test_token_that_cannot_be_subscribed_is_rejected(self, status, code):
        """A dead token stops nobody else."""
        outcome = said("fcm", "subscribe", status, fcm_error("X", code), rows=(1,))

        assert outcome == Settled(rejected={1: code.lower()})

    def test_dead_token_is_unsubscribed_by_nature(self):
        """Removing a token that no longer exists has succeeded."""
        document = fcm_error("NOT_FOUND", "UNREGISTERED")

        assert said("fcm", "unsubscribe", 404, document, rows=(1,)) == Settled((1,))

    def test_project_without_the_topic_api_stops(self):
        """404 without a reason concerns the project, not the token."""
        outcome = said("fcm", "subscribe", 404, fcm_error("NOT_FOUND"), rows=(1,))

        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, PlatformRefused)

    def test_missing_permission_stops(self):
        """403 without a row's reason concerns the credentials."""
        outcome = said("fcm", "subscribe", 403, fcm_error("PERMISSION_DENIED"), rows=(1,))

        assert isinstance(outcome, Stop)
