"""Google's Data Manager API: strict messages, fail-fast batches, polling, sweeping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import pytest

Members = Callable[[str, str], list[dict[str, Any]]]
LastRequest = Callable[[], dict[str, Any]]
LISTS = "/v1/accountTypes/GOOGLE_ADS/accounts/1234567890/userLists"
GRANTED = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
USER_LIST = {
    "displayName": "Existing customers",
    "description": "Everybody who bought",
    "membershipStatus": "OPEN",
    "membershipDuration": "46656000s",
    "ingestedUserListInfo": {
        "uploadKeyTypes": ["CONTACT_ID"],
        "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
    },
}


def digest(text: str) -> str:
    """Return the SHA-256 of a text in lower-case hexadecimal."""
    return sha256(text.encode()).hexdigest()


def email(text: str) -> dict[str, str]:
    """Return an e-mail identifier."""
    return {"emailAddress": digest(text)}


def phone(text: str) -> dict[str, str]:
    """Return a phone identifier."""
    return {"phoneNumber": digest(text)}


def address(**changed: str) -> dict[str, Any]:
    """Return an address identifier."""
    usual = {
        "givenName": digest("anna"),
        "familyName": digest("berg"),
        "regionCode": "SE",
        "postalCode": "11122",
    }
    return {"address": {**usual, **changed}}


def member(*identifiers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return an audience member with identifiers."""
    return {"userData": {"userIdentifiers": [*identifiers]}, **fields}


def create_list(google: httpx.Client) -> list[dict[str, Any]]:
    """Create the user list and return it as the destinations of a request."""
    created = google.post(LISTS, json=USER_LIST)
    assert created.status_code == 200, created.text
    account = {"accountType": "GOOGLE_ADS", "accountId": "1234567890"}
    return [{"operatingAccount": account, "productDestinationId": created.json()["id"]}]


def ingest_body(
    destinations: list[dict[str, Any]], *people: dict[str, Any], **fields: Any
) -> dict[str, Any]:
    """Return an ingest request in which everybody consents."""
    return {
        "destinations": destinations,
        "audienceMembers": [*people],
        "consent": GRANTED,
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        **fields,
    }


def remove_body(destinations: list[dict[str, Any]], *people: dict[str, Any]) -> dict[str, Any]:
    """Return a removal request."""
    return {"destinations": destinations, "audienceMembers": [*people], "encoding": "HEX"}


def ingest(google: httpx.Client, body: dict[str, Any]) -> httpx.Response:
    """Send an ingest request."""
    return google.post("/v1/audienceMembers:ingest", json=body)


def violations(answer: httpx.Response) -> list[tuple[str, str | None]]:
    """Return (field, reason) of each violation of a 400 INVALID_ARGUMENT."""
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    bad = [d for d in error["details"] if d["@type"].endswith("BadRequest")]
    return [(v["field"], v.get("reason")) for v in bad[0]["fieldViolations"]]


def final_status(google: httpx.Client, request_id: str) -> dict[str, Any]:
    """Poll a request to its end and return the status of its only destination."""
    for _ in range(5):
        answer = google.get("/v1/requestStatus:retrieve", params={"requestId": request_id})
        if answer.status_code == 200:
            (status,) = answer.json()["requestStatusPerDestination"]
            if status["requestStatus"] != "PROCESSING":
                return dict(status)
    raise AssertionError("the request never came to an end")


def test_a_wrong_token_is_unauthenticated(google: httpx.Client) -> None:
    """A call without the token gets 401 in google.rpc form."""
    answer = google.get(LISTS, headers={"Authorization": "Bearer other"})

    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_a_user_list_is_created_listed_and_read(google: httpx.Client) -> None:
    """A user list can be found by display name and read with its size."""
    (destination,) = create_list(google)
    list_id = destination["productDestinationId"]

    found = google.get(LISTS, params={"filter": 'display_name = "Existing customers"'})
    other = google.get(LISTS, params={"filter": 'display_name = "Nobody"'})

    assert [one["id"] for one in found.json()["userLists"]] == [list_id]
    assert found.json()["userLists"][0]["name"].endswith(f"/userLists/{list_id}")
    assert other.json()["userLists"] == []
    read = google.get(f"{LISTS}/{list_id}").json()
    assert read["sizeInfo"]["searchNetworkMembersCount"] == "0"
    assert google.get(f"{LISTS}/1").status_code == 404


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"displayName": ""}, "REQUIRED_FIELD_MISSING"),
        ({"description": None}, "REQUIRED_FIELD_MISSING"),
        ({"membershipDuration": "90000s"}, "INVALID_ARGUMENT"),
        ({"membershipDuration": "30 days"}, "INVALID_ARGUMENT"),
        ({"membershipDuration": "46742400s"}, "MEMBERSHIP_DURATION_TOO_LONG"),
        ({"ingestedUserListInfo": {}}, "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES"),
        ({"name2": "x"}, None),
        ({"membershipStatus": "ACTIVE"}, None),
    ],
)
def test_wrong_user_lists_are_refused(
    google: httpx.Client, changed: dict[str, Any], reason: str | None
) -> None:
    """A list without description, with half days or unknown fields is not created."""
    answer = google.post(LISTS, json={**USER_LIST, **changed})

    assert [found for _, found in violations(answer)] == [reason]
    assert google.get(LISTS).json()["userLists"] == []


def test_display_names_are_unique(google: httpx.Client) -> None:
    """A second list of the same name is refused."""
    create_list(google)

    answer = google.post(LISTS, json=USER_LIST)

    assert violations(answer) == [("user_list.display_name", "DISPLAY_NAME_ALREADY_USED")]


def test_members_are_stored_by_their_identifiers(
    google: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """An ingested member shows its sorted identifiers, both consents and when it was added."""
    destinations = create_list(google)
    before = datetime.now(UTC)

    answer = ingest(
        google, ingest_body(destinations, member(phone("+46701"), email("a@b.se"), address()))
    )

    assert set(answer.json()) == {"requestId"}
    assert (last_request()["changed_state"], last_request()["rows"]) == (True, 1)
    (stored,) = members("google", "Existing customers")
    assert stored["identifiers"] == [
        f"address:{digest('anna')},{digest('berg')},SE,11122",
        f"emailAddress:{digest('a@b.se')}",
        f"phoneNumber:{digest('+46701')}",
    ]
    assert stored["ad_user_data"] == stored["ad_personalization"] == "CONSENT_GRANTED"
    assert before <= datetime.fromisoformat(stored["last_added_at"]) <= datetime.now(UTC)


def test_a_repeated_ingest_keeps_one_member(
    google: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """The same member again is the same member, added later; that counts as a change."""
    body = ingest_body(create_list(google), member(email("a@b.se"), phone("+46701")))
    ingest(google, body)
    (first,) = members("google", "Existing customers")

    body["audienceMembers"] = [member(phone("+46701"), email("a@b.se"))]
    ingest(google, body)

    (second,) = members("google", "Existing customers")
    assert second["identifiers"] == first["identifiers"]
    assert second["last_added_at"] > first["last_added_at"]
    assert last_request()["changed_state"] is True


PERSON = "audience_members.audience_members[1]"
IDENTIFIERS = f"{PERSON}.user_data.user_identifiers"


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        (member({"emailAddress": "a@b.se"}), IDENTIFIERS, "INVALID_HEX_ENCODING"),
        (member({"phoneNumber": "+46701234567"}), IDENTIFIERS, "INVALID_HEX_ENCODING"),
        (member({"emailAddress": "ab" * 20}), PERSON, "INVALID_SHA256_FORMAT"),
        (member({"emailAddress": digest("a").upper()}), PERSON, "INVALID_SHA256_FORMAT"),
        (member(address(givenName="Anna")), PERSON, "INVALID_SHA256_FORMAT"),
        (member(address(regionCode="se")), IDENTIFIERS, "INVALID_REGION_CODE"),
        (member(address(postalCode="")), IDENTIFIERS, "REQUIRED_FIELD_MISSING"),
        (member(), PERSON, "NO_IDENTIFIERS_PROVIDED"),
        ({"consent": GRANTED}, PERSON, "NO_IDENTIFIERS_PROVIDED"),
        (member(*[email(str(n)) for n in range(11)]), PERSON, "TOO_MANY_USER_IDENTIFIERS"),
    ],
)
def test_one_invalid_member_rejects_the_whole_request(
    google: httpx.Client, members: Members, wrong: dict[str, Any], field: str, reason: str
) -> None:
    """A bad member is named by its index, and nothing of the request is stored."""
    destinations = create_list(google)

    answer = ingest(google, ingest_body(destinations, member(email("a@b.se")), wrong))

    assert violations(answer) == [(field, reason)]
    details = {d["@type"].rpartition(".")[2]: d for d in answer.json()["error"]["details"]}
    assert details["ErrorInfo"]["domain"] == "datamanager.googleapis.com"
    assert details["RequestInfo"]["requestId"]
    assert members("google", "Existing customers") == []


def test_every_invalid_member_is_named(google: httpx.Client) -> None:
    """All bad members of a request are named at once, so that they can be dropped together."""
    bad = member({"emailAddress": digest("a")[:-2]})

    answer = ingest(google, ingest_body(create_list(google), bad, member(email("a")), bad))

    places = [field for field, _ in violations(answer)]
    assert places == [f"audience_members.audience_members[{n}]" for n in (0, 2)]


@pytest.mark.parametrize(
    "wrong",
    [
        member({"addressInfo": {"givenName": digest("a")}}),
        member({"hashedEmail": digest("a")}),
        member({**email("a"), **phone("b")}),
        member(email("a"), mobileData={"mobileIds": ["x"]}),
        member(email("a"), consent={"adUserData": "GRANTED"}),
        member(email("a"), consent={"adStorage": "CONSENT_GRANTED"}),
        member({"emailAddress": 5}),
        member("a"),
        {"userData": {"identifiers": []}},
        {"user_list": "x"},
        "a",
    ],
)
def test_json_outside_the_schema_is_refused(
    google: httpx.Client, members: Members, wrong: Any
) -> None:
    """Unknown names, two values of a oneof and wrong enum values do not parse."""
    answer = ingest(google, ingest_body(create_list(google), wrong))

    assert answer.json()["error"]["message"].startswith("Invalid JSON payload received.")
    assert violations(answer)
    assert members("google", "Existing customers") == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"destinations": []}, "REQUIRED_FIELD_MISSING"),
        ({"audienceMembers": []}, "REQUIRED_FIELD_MISSING"),
        ({"encoding": None}, "REQUIRED_FIELD_MISSING"),
        ({"encoding": "BASE64"}, "REQUIRED_FIELD_MISSING"),
        ({"encoding": "hex"}, None),
        ({"audience": []}, None),
        ({"termsOfService": None}, "TERMS_AND_CONDITIONS_NOT_SIGNED"),
        (
            {"termsOfService": {"customerMatchTermsOfServiceStatus": "REJECTED"}},
            "TERMS_AND_CONDITIONS_NOT_SIGNED",
        ),
        ({"audienceMembers": [member(email("a"))] * 10_001}, "TOO_MANY_AUDIENCE_MEMBERS"),
    ],
)
def test_wrong_requests_are_refused(
    google: httpx.Client, changed: dict[str, Any], reason: str | None
) -> None:
    """Missing parts, wrong encodings and too many members have their reasons."""
    body = ingest_body(create_list(google), member(email("a")))

    answer = ingest(google, {**body, **changed})

    assert [found for _, found in violations(answer)] == [reason]


def test_destinations_must_exist_in_the_account(google: httpx.Client) -> None:
    """A list of another account, an unknown list and eleven destinations are refused."""
    (destination,) = create_list(google)
    other = {**destination, "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "9"}}
    unknown = {**destination, "productDestinationId": "42"}
    person = member(email("a"))

    reasons = [
        violations(ingest(google, ingest_body(wrong, person)))[0][1]
        for wrong in ([other], [unknown], [destination] * 11)
    ]

    assert reasons == ["INVALID_USER_LIST_ID", "INVALID_USER_LIST_ID", "TOO_MANY_DESTINATIONS"]


def test_members_without_consent_are_counted_and_not_stored(
    google: httpx.Client, members: Members
) -> None:
    """Denied, unknown and missing consent end as error counts of a partial success."""
    destinations = create_list(google)
    denied = {"adUserData": "CONSENT_DENIED", "adPersonalization": "CONSENT_GRANTED"}
    unknown = dict.fromkeys(GRANTED, "CONSENT_STATUS_UNSPECIFIED")
    body = ingest_body(
        destinations,
        member(email("yes"), consent=GRANTED),
        member(email("no"), consent=denied),
        member(email("silent")),
        member(email("silent too")),
        member(email("unsaid"), consent=unknown),
    )
    del body["consent"]

    status = final_status(google, ingest(google, body).json()["requestId"])

    assert status["requestStatus"] == "PARTIAL_SUCCESS"
    counts = {e["reason"]: e["recordCount"] for e in status["errorInfo"]["errorCounts"]}
    prefix = "PROCESSING_ERROR_REASON_"
    assert counts == {
        f"{prefix}DENIED_CONSENT": "1",
        f"{prefix}NO_CONSENT": "2",
        f"{prefix}UNKNOWN_CONSENT": "1",
    }
    (stored,) = members("google", "Existing customers")
    assert stored["identifiers"] == [f"emailAddress:{digest('yes')}"]


def test_validate_only_stores_nothing(google: httpx.Client, members: Members) -> None:
    """A request to validate gets no request id and leaves no trace."""
    body = ingest_body(create_list(google), member(email("a")), validateOnly=True)

    answer = ingest(google, body)

    assert (answer.status_code, answer.json()) == (200, {})
    assert members("google", "Existing customers") == []


def test_a_request_is_unknown_then_processing_then_done(google: httpx.Client) -> None:
    """A just-accepted request is a 404 for a moment, then PROCESSING, then SUCCESS with counts."""
    body = ingest_body(create_list(google), member(email("a"), phone("b")))
    request_id = ingest(google, body).json()["requestId"]

    answers = [
        google.get("/v1/requestStatus:retrieve", params={"requestId": request_id}) for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [404, 200, 200]
    assert answers[0].json()["error"]["status"] == "NOT_FOUND"
    processing, done = (a.json()["requestStatusPerDestination"][0] for a in answers[1:])
    assert processing["requestStatus"] == "PROCESSING"
    assert done["requestStatus"] == "SUCCESS"
    counts = done["audienceMembersIngestionStatus"]["userDataIngestionStatus"]
    assert counts == {"recordCount": "1", "userIdentifierCount": "2"}


def test_a_removal_finds_members_by_the_strongest_identifier(
    google: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """A removal by e-mail takes the member with its old phone, and nobody who shares the phone."""
    destinations = create_list(google)
    people = (
        member(email("a"), phone("shared")),
        member(email("b"), phone("shared")),
        member(email("c"), phone("old")),
        member(phone("alone"), address()),
        member(address(postalCode="99999")),
    )
    ingest(google, ingest_body(destinations, *people))

    gone = (people[0], member(email("c"), phone("new")), member(phone("alone")), people[4])
    answer = google.post("/v1/audienceMembers:remove", json=remove_body(destinations, *gone))
    first = last_request()
    google.post("/v1/audienceMembers:remove", json=remove_body(destinations, *gone))

    assert answer.status_code == 200
    (left,) = members("google", "Existing customers")
    assert f"emailAddress:{digest('b')}" in left["identifiers"]
    assert (first["changed_state"], first["rows"]) == (True, 4)
    assert last_request()["changed_state"] is False


def test_a_removal_carries_no_consent(google: httpx.Client) -> None:
    """A removal with a consent field is outside the schema."""
    body = {**remove_body(create_list(google), member(email("a"))), "consent": {}}

    answer = google.post("/v1/audienceMembers:remove", json=body)

    assert violations(answer) == [("", None)]


def test_sweeping_removes_only_whom_a_new_ingest_left_behind(
    google: httpx.Client, members: Members
) -> None:
    """Everybody last added before the moment goes; members ingested again after it stay."""
    destinations = create_list(google)
    ingest(google, ingest_body(destinations, member(email("stays")), member(email("leaves"))))
    moment = datetime.now(UTC).isoformat()

    ingest(google, ingest_body(destinations, member(email("stays")), member(email("joins"))))
    sweep = {"destinations": destinations, "removeAsOfTime": moment}
    answer = google.post("/v1/audienceMembers:removeAll", json=sweep)

    assert final_status(google, answer.json()["requestId"])["requestStatus"] == "SUCCESS"
    left = {stored["identifiers"][0] for stored in members("google", "Existing customers")}
    assert left == {f"emailAddress:{digest(text)}" for text in ("stays", "joins")}


def test_remove_all_without_a_moment_empties_the_list(
    google: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """Without a moment everybody goes; a second time there is nothing to change."""
    destinations = create_list(google)
    ingest(google, ingest_body(destinations, member(email("a"))))

    google.post("/v1/audienceMembers:removeAll", json={"destinations": destinations})
    first = last_request()["changed_state"]
    google.post("/v1/audienceMembers:removeAll", json={"destinations": destinations})

    assert members("google", "Existing customers") == []
    assert (first, last_request()["changed_state"]) == (True, False)


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2126-11-21T10:00:00+00:00", "INVALID_REMOVE_AS_OF_TIME"),
        ("yesterday", None),
        ("2026-11-21T10:00:00", None),
    ],
)
def test_a_sweep_needs_a_moment_in_the_past(
    google: httpx.Client, moment: str, reason: str | None
) -> None:
    """A future or unreadable moment is refused."""
    body = {"destinations": create_list(google), "removeAsOfTime": moment}

    answer = google.post("/v1/audienceMembers:removeAll", json=body)

    assert violations(answer) == [("remove_as_of_time", reason)]
