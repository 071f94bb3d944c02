"""The exact requests each platform gets; the vendors' own packages accept their shapes."""

import hashlib
import hmac

import orjson
import pytest

from activation.destinations.base import Batch, Request, Row, Target
from tests.contracts.destinations import SECRETS, batch, destination, row

ADA = "ada.lovelace1@example.com"


def digest(value: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()


def only_request(name, operation):
    """Return the one request of a batch of one row, and its document."""
    (request,) = destination(name).requests(batch(name, operation, 1)).requests
    return request, orjson.loads(request.body) if request.body else None


def test_klaviyo_import():
    """Profiles are upserted and put on the list; consent is not mentioned."""
    request, document = only_request("klaviyo", "upsert")

    assert (request.method, request.path) == ("POST", "/api/profile-bulk-import-jobs")
    assert request.content_type == "application/vnd.api+json"
    assert document == {
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {
                "profiles": {
                    "data": [
                        {
                            "type": "profile",
                            "attributes": {
                                "email": ADA,
                                "phone_number": "+46701000001",
                                "external_id": "c1",
                                "first_name": "Zoë",
                                "last_name": "O'Neil",
                                "properties": {"spend": 12.5},
                            },
                        }
                    ]
                }
            },
            "relationships": {"lists": {"data": [{"type": "list", "id": "42"}]}},
        }
    }


def test_klaviyo_headers():
    """Every request carries key, revision and media type."""
    assert destination("klaviyo").headers() == {
        "authorization": f"Klaviyo-API-Key {SECRETS[0]}",
        "revision": "2026-10-15",
        "accept": "application/vnd.api+json",
    }


def test_klaviyo_null_property_is_cleared_and_null_attribute_left_alone():
    """Null clears at Klaviyo, so only properties are sent as null."""
    values = {"email": ADA, "first_name": None, "phone_number": "", "property_spend": None}
    one = Batch("upsert", (Row(1, values),), Target("42", "Win back"))
    (request,) = destination("klaviyo").requests(one).requests

    (profile,) = orjson.loads(request.body)["data"]["attributes"]["profiles"]["data"]
    assert profile["attributes"] == {"email": ADA, "properties": {"spend": None}}


def test_klaviyo_removal_looks_profiles_up_by_what_is_stale():
    """Klaviyo's list removal knows profile ids only."""
    request, _ = only_request("klaviyo", "remove")

    assert (request.method, request.path) == ("GET", "/api/profiles")
    assert request.parameters == {
        "filter": f'any(email,["{ADA}"])',
        "fields[profile]": "email",
        "page[size]": "100",
    }


def test_google_ingest():
    """A member has its identifiers, each of one kind, and its consent."""
    request, document = only_request("google_customer_match", "upsert")

    assert (request.method, request.path) == ("POST", "/v1/audienceMembers:ingest")
    assert document == {
        "destinations": [
            {
                "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1234567890"},
                "loginAccount": {"accountType": "GOOGLE_ADS", "accountId": "9876543210"},
                "productDestinationId": "42",
            }
        ],
        "audienceMembers": [
            {
                "userData": {
                    "userIdentifiers": [
                        {"emailAddress": digest(ADA)},
                        {"phoneNumber": digest("+46701000001")},
                        {
                            "address": {
                                "givenName": digest("zoë"),
                                "familyName": digest("o'neil"),
                                "regionCode": "SE",
                                "postalCode": "111 22",
                            }
                        },
                    ]
                },
                "consent": {
                    "adUserData": "CONSENT_GRANTED",
                    "adPersonalization": "CONSENT_GRANTED",
                },
            }
        ],
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
    }


def test_google_remove_carries_no_consent():
    """The removal message has no consent field; sending one is refused."""
    request, document = only_request("google_customer_match", "remove")

    assert request.path == "/v1/audienceMembers:remove"
    assert set(document) == {"destinations", "audienceMembers", "encoding"}
    assert set(document["audienceMembers"][0]) == {"userData"}


def test_google_consent_is_what_the_gate_found():
    """A purpose the gate was not asked about is not granted."""
    one = Batch("upsert", (row("google_customer_match", 1),), Target("42", "x"))
    (request,) = destination("google_customer_match").requests(one).requests

    consent = orjson.loads(request.body)["audienceMembers"][0]["consent"]
    assert consent == {"adUserData": "CONSENT_DENIED", "adPersonalization": "CONSENT_DENIED"}


def test_google_removes_only_what_is_stale():
    """An e-mail address somebody still uses is not part of the removal."""
    one = Batch(
        "remove", (row("google_customer_match", 1, frozenset({"phone"})),), Target("42", "x")
    )
    (request,) = destination("google_customer_match").requests(one).requests

    assert orjson.loads(request.body)["audienceMembers"] == [
        {"userData": {"userIdentifiers": [{"phoneNumber": digest("+46701000001")}]}}
    ]


def test_google_new_list():
    """A list is made with everything the API requires, for the longest membership."""
    google = destination("google_customer_match")
    step = google.target("Existing customers")
    assert isinstance(step, Request)

    assert step.path == "/v1/accountTypes/GOOGLE_ADS/accounts/1234567890/userLists"
    assert step.headers == {"login-account": "accountTypes/GOOGLE_ADS/accounts/9876543210"}
    made = google._found_or_made(step, {}).requests[0]
    assert orjson.loads(made.body) == {
        "displayName": "Existing customers",
        "description": "Kept in step by regulars",
        "membershipStatus": "OPEN",
        "membershipDuration": "46656000s",
        "ingestedUserListInfo": {
            "uploadKeyTypes": ["CONTACT_ID"],
            "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
        },
    }


def test_meta_users():
    """Rows are lists, hashed per column; the customer's number is not hashed."""
    request, document = only_request("meta_custom_audiences", "upsert")

    assert (request.method, request.path) == ("POST", "/v26.0/42/users")
    session = document.pop("session")
    assert session.pop("session_id") > 0
    assert session == {"batch_seq": 1, "last_batch_flag": True, "estimated_num_total": 1}
    assert document == {
        "payload": {
            "schema": ["EXTERN_ID", "EMAIL", "PHONE", "FN", "LN", "ZIP", "CT", "COUNTRY"],
            "data": [
                [
                    "c1",
                    digest(ADA),
                    digest("46701000001"),
                    digest("zoë"),
                    digest("oneil"),
                    digest("11122"),
                    digest("stockholm"),
                    digest("se"),
                ]
            ],
        }
    }


def test_meta_removal():
    """A removal names the stale keys; a missing cell is an empty text."""
    one = Batch(
        "remove", (row("meta_custom_audiences", 1, frozenset({"email"})),), Target("42", "")
    )
    (request,) = destination("meta_custom_audiences").requests(one).requests

    assert (request.method, request.path) == ("DELETE", "/v26.0/42/users")
    assert orjson.loads(request.body)["payload"] == {
        "schema": ["EXTERN_ID", "EMAIL", "PHONE"],
        "data": [["", digest(ADA), ""]],
    }


def test_meta_sessions_differ_between_runs_and_repeat_within_a_retry():
    """Meta answers a known session without effect, so a later run must not reuse it."""

    def session(run_id):
        one = Batch("upsert", (row("meta_custom_audiences", 1),), Target("42", ""), run_id=run_id)
        (request,) = destination("meta_custom_audiences").requests(one).requests
        return orjson.loads(request.body)["session"]["session_id"]

    assert session("first") == session("first")
    assert session("first") != session("second")


def test_meta_proof_of_the_app_secret():
    """The proof is the token signed with the app secret."""
    expected = hmac.new(SECRETS[1].encode(), SECRETS[0].encode(), hashlib.sha256).hexdigest()

    assert destination("meta_custom_audiences").parameters() == {"appsecret_proof": expected}


@pytest.mark.parametrize(
    ("operation", "method", "suffix", "parameters", "body"),
    [
        ("upsert", "POST", "", {"topic_name": "42"}, b"{}"),
        ("remove", "DELETE", "/42", {"allow_missing": "true"}, None),
    ],
)
def test_fcm_subscription(operation, method, suffix, parameters, body):
    """One token per request, in the form of the vendor's own client."""
    request, _ = only_request("fcm", operation)

    path = "/v1/projects/project/registrations/ada.lovelace%3A1/topicSubscriptions"
    assert (request.method, request.path) == (method, path + suffix)
    assert (request.parameters, request.body) == (parameters, body)


def test_fcm_topics_say_nothing():
    """Anybody with the app can read topic names."""
    topic = destination("fcm").target("Loyal early access")
    assert isinstance(topic, Target)

    assert "loyal" not in topic.identifier.lower()
    assert topic.identifier == "r-" + digest("project|Loyal early access")[:32]
