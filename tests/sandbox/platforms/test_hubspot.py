"""HubSpot: the token, batches with errors per row, static lists by record ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.platforms.server import running_in_thread
from sandbox.platforms.vendor import Settings

Members = Callable[[str, str], list[dict[str, Any]]]
UPSERT = "/objects/contacts/batch/upsert"


def list_body(name: str = "Nudge", kind: str = "MANUAL") -> dict[str, Any]:
    """Return the body that creates a list of contacts."""
    return {"name": name, "objectTypeId": "0-1", "processingType": kind}


def create_list(hubspot: httpx.Client, name: str = "Nudge") -> str:
    """Create a static list and return its id."""
    created = hubspot.post("/lists", json=list_body(name))
    assert created.status_code == 200
    return str(created.json()["list"]["listId"])


def contact(email: str, trace: str | None = None, **properties: str) -> dict[str, Any]:
    """Return one input of an upsert."""
    given = {"id": email, "idProperty": "email", "properties": properties}
    return {**given, "objectWriteTraceId": trace} if trace else given


def upsert(hubspot: httpx.Client, *inputs: dict[str, Any]) -> httpx.Response:
    """Upsert contacts."""
    return hubspot.post(UPSERT, json={"inputs": list(inputs)})


def records(hubspot: httpx.Client, *emails: str) -> list[str]:
    """Upsert contacts and return their record ids."""
    answer = upsert(hubspot, *(contact(email) for email in emails))
    return [result["id"] for result in answer.raise_for_status().json()["results"]]


def change(hubspot: httpx.Client, list_id: str, added: list[str], removed: list[str]) -> Any:
    """Change who is on a list."""
    body = {"recordIdsToAdd": added, "recordIdsToRemove": removed}
    answer = hubspot.put(f"/lists/{list_id}/memberships/add-and-remove", json=body)
    return answer.raise_for_status().json()


@pytest.fixture
def throttled(tmp_path: Path) -> Iterator[httpx.Client]:
    """Open HubSpot with its real limits."""
    with (
        running_in_thread(tmp_path / "p.sqlite", Settings()) as url,
        httpx.Client(base_url=f"{url}/hubspot/crm/v3") as client,
    ):
        client.headers["Authorization"] = f"Bearer {Settings().token}"
        yield client


@pytest.mark.parametrize("token", ["", "Bearer other", "sandbox-token"])
def test_a_call_needs_the_token(hubspot: httpx.Client, token: str) -> None:
    """A call without the right token gets HubSpot's error body."""
    answer = hubspot.get("/lists/1", headers={"Authorization": token})

    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"
    assert {"status", "message", "correlationId"} <= answer.json().keys()


def test_all_requests_share_one_window(throttled: httpx.Client) -> None:
    """A hundred requests in ten seconds; the answer beyond tells the window, not a wait."""
    answers = [throttled.get("/lists/1") for _ in range(201)]
    refused = [answer for answer in answers if answer.status_code == 429]

    assert answers[0].status_code == 404
    assert refused
    assert refused[0].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert refused[0].headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert "retry-after" not in refused[0].headers


def test_an_upsert_creates_then_updates(hubspot: httpx.Client) -> None:
    """The record id stays; an empty text clears a property, an absent one is left alone."""
    first = upsert(hubspot, contact("Ada@Example.com", "7", firstname="Ada", phone="+4670"))
    again = upsert(hubspot, contact("ada@example.com", firstname=""))

    (new,), (known,) = first.json()["results"], again.json()["results"]
    assert (first.status_code, new["new"], new["objectWriteTraceId"]) == (200, True, "7")
    assert new["properties"]["email"] == "ada@example.com"
    assert (known["id"], known["new"]) == (new["id"], False)
    assert "firstname" not in known["properties"]
    assert known["properties"]["phone"] == "+4670"


def test_with_traces_wrong_rows_are_named_and_the_others_written(hubspot: httpx.Client) -> None:
    """207 carries an error for each wrong input."""
    answer = upsert(
        hubspot,
        contact("ada@example.com", "1"),
        contact("no address", "2"),
        contact("cid@example.com", "3", nobody="x"),
    )

    document = answer.json()
    assert (answer.status_code, document["numErrors"]) == (207, 2)
    assert [result["objectWriteTraceId"] for result in document["results"]] == ["1"]
    named = {
        error["context"]["objectWriteTraceId"][0]: error["errors"][0]["code"]
        for error in document["errors"]
    }
    assert named == {"2": "INVALID_EMAIL", "3": "PROPERTY_DOESNT_EXIST"}


def test_without_traces_one_wrong_row_refuses_the_batch(hubspot: httpx.Client) -> None:
    """Nothing is written, and only the first wrong row is told of."""
    answer = upsert(hubspot, contact("ada@example.com"), contact("wrong 1"), contact("wrong 2"))

    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert "wrong 1" in answer.json()["message"]
    assert "wrong 2" not in answer.text
    found = hubspot.post(
        "/objects/contacts/batch/read",
        json={"inputs": [{"id": "ada@example.com"}], "idProperty": "email"},
    )
    assert (found.status_code, found.json()["results"]) == (207, [])


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": []},
        {"inputs": [contact(f"a{number}@b.se") for number in range(101)]},
        {"inputs": [contact("a@b.se"), contact("A@b.se")]},
        {"inputs": [{"idProperty": "email", "properties": {}}]},
        {"inputs": [{**contact("a@b.se"), "idProperty": "phone"}]},
        {"inputs": [{**contact("a@b.se"), "properties": {"firstname": 5}}]},
        {"inputs": [{**contact("a@b.se"), "emial": "x"}]},
    ],
)
def test_wrong_batches_are_refused(hubspot: httpx.Client, body: dict[str, Any]) -> None:
    """None, too many, one twice, without id, by a property that is not unique, no text."""
    answer = hubspot.post(UPSERT, json=body)

    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_numbers_are_texts_that_are_numbers(hubspot: httpx.Client) -> None:
    """A property has to be made first, and has a type."""
    made = {"name": "spend", "label": "Spend", "type": "number", "fieldType": "number"}
    created = hubspot.post("/properties/contacts", json={**made, "groupName": "g"})
    answer = upsert(
        hubspot, contact("a@b.se", "1", spend="12.5"), contact("b@b.se", "2", spend="much")
    )

    assert created.status_code == 201
    assert answer.json()["results"][0]["properties"]["spend"] == "12.5"
    assert answer.json()["errors"][0]["errors"][0]["code"] == "INVALID_LONG"


def test_a_list_is_found_by_its_name_whatever_the_case(hubspot: httpx.Client) -> None:
    """A name can be had once; slashes and percent signs are part of it."""
    list_id = create_list(hubspot, "A/B 50 % ä")

    found = hubspot.get("/lists/object-type-id/0-1/name/a%2Fb%2050%20%25%20ä")
    twice = hubspot.post("/lists", json=list_body("a/b 50 % ä"))

    assert found.json()["list"]["listId"] == list_id
    assert hubspot.get("/lists/object-type-id/0-1/name/other").status_code == 404
    assert twice.status_code == 400


def test_membership_tells_what_changed_and_who_is_missing(
    hubspot: httpx.Client, members: Members
) -> None:
    """Ids nobody has are ignored and told."""
    list_id = create_list(hubspot)
    ada, bob = records(hubspot, "ada@example.com", "bob@example.com")

    first = change(hubspot, list_id, [ada, bob, "999"], [])
    second = change(hubspot, list_id, [ada], [bob])

    assert first["recordsIdsAdded"] == [ada, bob]
    assert first["recordIdsMissing"] == ["999"]
    assert (second["recordsIdsAdded"], second["recordIdsRemoved"]) == ([], [bob])
    assert [member["email"] for member in members("hubspot", "Nudge")] == ["ada@example.com"]


def test_a_list_with_filters_cannot_be_set(hubspot: httpx.Client) -> None:
    """HubSpot fills it by itself."""
    body = {**list_body("Filtered", "DYNAMIC"), "filterBranch": {}}
    list_id = hubspot.post("/lists", json=body).json()["list"]["listId"]

    answer = hubspot.put(f"/lists/{list_id}/memberships/add", json=["1"])

    assert answer.status_code == 400


def test_members_come_in_pages(hubspot: httpx.Client) -> None:
    """Following `after` leads through all records."""
    list_id = create_list(hubspot)
    ids = records(hubspot, *(f"a{number}@b.se" for number in range(5)))
    change(hubspot, list_id, ids, [])

    first = hubspot.get(f"/lists/{list_id}/memberships", params={"limit": 3}).json()
    after = first["paging"]["next"]["after"]
    second = hubspot.get(
        f"/lists/{list_id}/memberships", params={"limit": 3, "after": after}
    ).json()

    pages = [[one["recordId"] for one in page["results"]] for page in (first, second)]
    assert pages == [ids[:3], ids[3:]]
    assert "paging" not in second


def test_a_cleared_list_a_deleted_list_and_an_erased_contact(
    hubspot: httpx.Client, members: Members
) -> None:
    """Each leaves the list without them."""
    list_id = create_list(hubspot)
    ada, bob = records(hubspot, "ada@example.com", "bob@example.com")
    change(hubspot, list_id, [ada, bob], [])

    erased = {"objectId": "ada@example.com", "idProperty": "email"}
    assert hubspot.post("/objects/contacts/gdpr-delete", json=erased).status_code == 204
    assert [member["record_id"] for member in members("hubspot", "Nudge")] == [bob]
    assert hubspot.delete(f"/lists/{list_id}/memberships").status_code == 204
    assert members("hubspot", "Nudge") == []
    assert hubspot.delete(f"/lists/{list_id}").status_code == 204
    assert hubspot.get(f"/lists/{list_id}").status_code == 404
