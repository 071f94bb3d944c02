"""Malformed requests: whatever a body holds, the platforms refuse it and never break."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.platforms.server import running_in_thread
from sandbox.platforms.vendor import Settings

AUDIENCE = {"name": "n", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
SESSION = {"session_id": 1, "batch_seq": 1, "last_batch_flag": True}
USERS = {"payload": {"schema": ["EXTERN_ID", "EMAIL"], "data": [["u1", ""]]}, "session": SESSION}
DESTINATION = {
    "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1"},
    "productDestinationId": "8000000001",
}
CONSENT = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
HASH = "a" * 64
ADDRESS = {"givenName": HASH, "familyName": HASH, "regionCode": "SE", "postalCode": "1"}
MEMBER = {
    "userData": {"userIdentifiers": [{"emailAddress": HASH}, {"address": ADDRESS}]},
    "consent": CONSENT,
}
INGEST = {
    "destinations": [DESTINATION],
    "audienceMembers": [MEMBER],
    "consent": CONSENT,
    "encoding": "HEX",
    "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
    "validateOnly": False,
}
USER_LIST = {
    "displayName": "n",
    "description": "d",
    "membershipDuration": "86400s",
    "ingestedUserListInfo": {"uploadKeyTypes": ["CONTACT_ID"]},
}
PERSON = {
    "email": "a@b.se",
    "external_id": "c1",
    "location": {"city": "x"},
    "properties": {"x": 1},
}
PROFILE = {"type": "profile", "id": "01", "attributes": PERSON}
LIST = {"type": "list", "id": "NONE"}
CHANNELS = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}
LEAVER = {"type": "profile", "attributes": {"email": "a@b.se", "subscriptions": CHANNELS}}
IMPORT = {
    "jsonBody": [{"email": "a@b.se", "attributes": {"FIRSTNAME": "x", "SMS": "+46701000001"}}],
    "listIds": [1],
    "updateExistingContacts": True,
    "emptyContactsAttributes": True,
    "disableNotification": True,
}
PROPERTY = {
    "name": "spend",
    "label": "Spend",
    "type": "number",
    "fieldType": "number",
    "groupName": "contactinformation",
}
CONTACT = {
    "id": "a@b.se",
    "idProperty": "email",
    "objectWriteTraceId": "1",
    "properties": {"firstname": "A"},
}
UPSERT = {"inputs": [CONTACT, {**CONTACT, "id": "b@b.se", "objectWriteTraceId": "2"}]}


def resource(kind: str, attributes: Any, **fields: Any) -> dict[str, Any]:
    """Return the JSON:API body that creates a resource."""
    return {"data": {"type": kind, "attributes": attributes, **fields}}


BODIES: list[tuple[str, Any]] = [
    ("/klaviyo/api/lists", resource("list", {"name": "n"})),
    (
        "/klaviyo/api/profile-bulk-import-jobs",
        resource(
            "profile-bulk-import-job",
            {"profiles": {"data": [PROFILE]}},
            relationships={"lists": {"data": [LIST]}},
        ),
    ),
    ("/klaviyo/api/profile-bulk-import-jobs", resource(
        "profile-bulk-import-job", {"profiles": {"data": [PROFILE]}})),
    (
        "/klaviyo/api/profile-subscription-bulk-delete-jobs",
        resource(
            "profile-subscription-bulk-delete-job",
            {"profiles": {"data": [LEAVER]}},
            relationships={"list": {"data": LIST}},
        ),
    ),
    (
        "/klaviyo/api/data-privacy-deletion-jobs",
        resource(
            "data-privacy-deletion-job",
            {"profile": {"data": {"type": "profile", "attributes": {"email": "a@b.se"}}}},
        ),
    ),
    ("/google/v1/accountTypes/GOOGLE_ADS/accounts/1/userLists", USER_LIST),
    ("/google/v1/audienceMembers:ingest", INGEST),
    (
        "/google/v1/audienceMembers:removeAll",
        {"destinations": [DESTINATION], "removeAsOfTime": "2026-11-21T10:00:00Z"},
    ),
    ("/meta/v26.0/act_1/customaudiences", AUDIENCE),
    ("/meta/v26.0/120210000000000001/users", USERS),
    ("/meta/v26.0/120210000000000001/usersreplace", USERS),
    ("/brevo/v3/contacts/folders", {"name": "n"}),
    ("/brevo/v3/contacts/lists", {"name": "n", "folderId": 1}),
    ("/brevo/v3/contacts/import", IMPORT),
    ("/brevo/v3/contacts/lists/1/contacts/add", {"emails": ["a@b.se"]}),
    ("/brevo/v3/contacts/lists/1/contacts/remove", {"ids": [1, 2]}),
    ("/brevo/v3/contacts/attributes/normal/BIRTHDAY", {"type": "date"}),
    ("/hubspot/crm/v3/lists", {"name": "n", "objectTypeId": "0-1", "processingType": "MANUAL"}),
    ("/hubspot/crm/v3/properties/contacts", PROPERTY),
    ("/hubspot/crm/v3/objects/contacts/batch/upsert", UPSERT),
    (
        "/hubspot/crm/v3/objects/contacts/batch/read",
        {"inputs": [{"id": "a@b.se"}], "idProperty": "email", "properties": ["email"]},
    ),
    ("/hubspot/crm/v3/objects/contacts/gdpr-delete", {"objectId": "1"}),
    ("/fcm/v1/projects/p/messages:send", {"message": {"topic": "t", "data": {"k": "v"}}}),
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path of every value inside a JSON value, itself included."""
    yield path
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in inside:
            yield from places(part, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of a JSON value with another value at a path."""
    if not path:
        return new
    copy = json.loads(json.dumps(value))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = new
    return copy


SPOILED = [(path, body, place) for path, body in BODIES for place in places(body)]
JUNK: tuple[Any, ...] = (None, True, -1, 1.5, 10**30, "x", [], [5], [[]], [{}], {}, {"x": 1})


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Open all platforms over a state that holds one audience of each kind."""
    database: Path = tmp_path_factory.mktemp("malformed") / "platforms.sqlite"
    with (
        running_in_thread(database, Settings(rate_factor=1_000_000, polls=0)) as url,
        httpx.Client(base_url=url) as opened,
    ):
        made = ("/userLists", "/customaudiences", "/contacts/folders", "/contacts/lists")
        for path, body in (pair for pair in BODIES if pair[0].endswith(made)):
            assert send(opened, path, json.dumps(body)).status_code in (200, 201)
        yield opened


def send(client: httpx.Client, path: str, text: str) -> httpx.Response:
    """Send a JSON text with the credentials and the media type of its vendor."""
    scheme, media_type = "Bearer", "application/json"
    if path.startswith("/klaviyo"):
        scheme, media_type = "Klaviyo-API-Key", "application/vnd.api+json"
    headers = {"Authorization": f"{scheme} sandbox-token", "Content-Type": media_type}
    headers["api-key"] = "sandbox-token"
    return client.post(path, content=text, headers={**headers, "revision": "2026-10-15"})


def test_junk_anywhere_in_a_body_is_answered(client: httpx.Client) -> None:
    """Any JSON value in any place of any body gets an answer below 500, jobs included."""
    broken = [
        (path, place, junk)
        for path, body, place in SPOILED
        for junk in JUNK
        if send(client, path, json.dumps(put(body, place, junk))).status_code >= 500
    ]

    assert broken == []
    assert client.get("/_state").status_code == 200


def test_the_unspoiled_bodies_are_good(client: httpx.Client) -> None:
    """The bodies that get spoiled are accepted, apart from what is unknown or used."""
    client.post("/_reset")
    first = ("userL", "act_1", "folders", "contacts/lists")
    ordered = sorted(BODIES, key=lambda pair: not any(part in pair[0] for part in first))

    statuses = {(path, send(client, path, json.dumps(body)).status_code) for path, body in ordered}

    refused = {(path, status) for path, status in statuses if status >= 400}
    assert refused == {
        ("/klaviyo/api/profile-bulk-import-jobs", 404),
        ("/klaviyo/api/profile-subscription-bulk-delete-jobs", 404),
        ("/meta/v26.0/120210000000000001/usersreplace", 400),
        ("/brevo/v3/contacts/lists/1/contacts/add", 400),
        ("/brevo/v3/contacts/lists/1/contacts/remove", 400),
    }
