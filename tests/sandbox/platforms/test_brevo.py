"""Brevo: the key, strict bodies, processes with reports, memberships and the blocklist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Members = Callable[[str, str], list[dict[str, Any]]]


def create_list(brevo: httpx.Client, name: str = "Nudge") -> int:
    """Create a list in a folder of its own and return its id."""
    folder = brevo.post("/contacts/folders", json={"name": "regulars"}).json()["id"]
    created = brevo.post("/contacts/lists", json={"name": name, "folderId": folder})
    assert created.status_code == 201
    return int(created.json()["id"])


def import_body(list_id: int, *people: dict[str, Any], **flags: Any) -> dict[str, Any]:
    """Return an import of people onto a list."""
    return {"jsonBody": list(people), "listIds": [list_id], **flags}


def run_import(brevo: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """Send an import and ask for its process until it has ended."""
    accepted = brevo.post("/contacts/import", json=body)
    assert accepted.status_code == 202, accepted.text
    while True:
        process = brevo.get(f"/processes/{accepted.json()['processId']}").json()
        if process["status"] not in ("queued", "in_process"):
            return dict(process)


@pytest.mark.parametrize("key", ["", "other"])
def test_a_call_needs_the_key(brevo: httpx.Client, key: str) -> None:
    """A call without the right key gets Brevo's error body."""
    answer = brevo.get("/contacts/lists", headers={"api-key": key})

    assert (answer.status_code, answer.json()) == (
        401,
        {"code": "unauthorized", "message": "Key not found"},
    )


def test_every_answer_tells_the_rate(brevo: httpx.Client) -> None:
    """Limit, what is left and the seconds until it is whole again."""
    headers = brevo.get("/contacts/lists").headers

    limit = int(headers["x-sib-ratelimit-limit"])
    assert 0 <= int(headers["x-sib-ratelimit-remaining"]) < limit
    assert int(headers["x-sib-ratelimit-reset"]) >= 1
    assert "retry-after" not in headers


def test_lists_come_in_pages(brevo: httpx.Client) -> None:
    """Newest first unless asked, at most 50 at once; a list needs a folder that exists."""
    made = [create_list(brevo, f"List {number}") for number in range(12)]

    usual = brevo.get("/contacts/lists").json()
    rest = brevo.get("/contacts/lists", params={"limit": 50, "offset": 10, "sort": "asc"}).json()

    assert [one["id"] for one in usual["lists"]] == made[:1:-1]
    assert [one["id"] for one in rest["lists"]] == made[10:]
    assert usual["count"] == rest["count"] == 12
    assert brevo.get("/contacts/lists", params={"limit": 51}).json()["code"] == "out_of_range"
    orphan = brevo.post("/contacts/lists", json={"name": "x", "folderId": 999_999})
    assert (orphan.status_code, orphan.json()["code"]) == (404, "document_not_found")


def test_an_import_is_accepted_then_worked_off(brevo: httpx.Client, members: Members) -> None:
    """A process passes through its states; then the contacts are on the list."""
    list_id = create_list(brevo)
    body = import_body(list_id, {"email": "Ada@Example.com", "attributes": {"FIRSTNAME": "Ada"}})

    process = brevo.post("/contacts/import", json=body).json()["processId"]
    states = [brevo.get(f"/processes/{process}").json()["status"] for _ in range(3)]

    assert states == ["queued", "in_process", "completed"]
    (ada,) = members("brevo", "Nudge")
    assert (ada["email"], ada["attributes"]) == ("ada@example.com", {"FIRSTNAME": "Ada"})
    assert brevo.get("/processes/999999").status_code == 404


def test_a_report_names_refused_contacts_and_needs_no_key(brevo: httpx.Client) -> None:
    """One file for each kind of error, at an address that must not be sent the key."""
    list_id = create_list(brevo)
    phone = {"SMS": "+46701000001"}
    people = (
        {"email": "ada@example.com", "attributes": phone},
        {"email": "not an address"},
        {"email": "ADA@example.com"},
        {"email": "bob@example.com", "attributes": phone},
    )

    reports = run_import(brevo, import_body(list_id, *people))["info"]["import"]

    found = {kind: httpx.get(url).text.split() for kind, url in reports.items() if url}
    assert found == {
        "invalid_emails": ["EMAIL", "not", "an", "address"],
        "duplicate_email_id": ["EMAIL", "ada@example.com"],
        "duplicate_phone_id": ["EMAIL", "bob@example.com"],
    }
    assert brevo.get(reports["invalid_emails"]).status_code == 400
    listed = brevo.get(f"/contacts/lists/{list_id}/contacts").json()
    assert [one["email"] for one in listed["contacts"]] == ["ada@example.com"]


def test_unknown_attributes_and_misfits_are_ignored_silently(brevo: httpx.Client) -> None:
    """Only what exists and fits is kept."""
    list_id = create_list(brevo)
    for name, kind in (("BORN", "date"), ("SPEND", "float")):
        assert (
            brevo.post(f"/contacts/attributes/normal/{name}", json={"type": kind}).status_code
            == 201
        )
    given = {"born": "1990-02-30", "SPEND": 12.5, "NOBODY": "x", "SMS": "no number"}

    run_import(brevo, import_body(list_id, {"email": "ada@example.com", "attributes": given}))

    assert brevo.get("/contacts/ada%40example.com").json()["attributes"] == {"SPEND": 12.5}
    known = brevo.get("/contacts/attributes").json()["attributes"]
    assert {"SPEND", "FIRSTNAME", "SMS"} <= {one["name"] for one in known}


@pytest.mark.parametrize(("flag", "left"), [(True, {}), (False, {"FIRSTNAME": "Ada"})])
def test_an_empty_text_clears_only_when_asked(
    brevo: httpx.Client, flag: bool, left: dict[str, str]
) -> None:
    """`emptyContactsAttributes` decides what an empty text means."""
    list_id = create_list(brevo)
    for name in ("Ada", ""):
        person = {"email": "ada@example.com", "attributes": {"FIRSTNAME": name}}
        flags = {"updateExistingContacts": True, "emptyContactsAttributes": flag}
        run_import(brevo, import_body(list_id, person, **flags))

    assert brevo.get("/contacts/ada%40example.com").json()["attributes"] == left


def test_the_blocklist_outlives_an_import_that_does_not_mention_it(
    brevo: httpx.Client, members: Members
) -> None:
    """Whoever unsubscribed stays blocked on the list; only an explicit `false` lifts that."""
    list_id = create_list(brevo)
    body = import_body(list_id, {"email": "ada@example.com"}, updateExistingContacts=True)
    run_import(brevo, body)
    brevo.put("/contacts/ada%40example.com", json={"emailBlacklisted": True}).raise_for_status()

    run_import(brevo, body)
    kept = members("brevo", "Nudge")[0]["email_blacklisted"]
    run_import(brevo, {**body, "emailBlacklist": False})
    lifted = members("brevo", "Nudge")[0]["email_blacklisted"]

    assert (kept, lifted) == (True, False)


def test_a_removal_tells_who_was_there(brevo: httpx.Client, members: Members) -> None:
    """Who was not on the list is a failure; a removal that changes nothing is refused."""
    list_id = create_list(brevo)
    run_import(brevo, import_body(list_id, {"email": "ada@example.com"}))
    path = f"/contacts/lists/{list_id}/contacts/remove"
    both = {"emails": ["Ada@example.com", "bob@example.com"]}

    first, second = brevo.post(path, json=both), brevo.post(path, json=both)

    assert (first.status_code, first.json()["contacts"]) == (
        201,
        {"success": ["Ada@example.com"], "failure": ["bob@example.com"]},
    )
    assert (second.status_code, second.json()["code"]) == (400, "invalid_parameter")
    assert members("brevo", "Nudge") == []
    assert brevo.get("/contacts/ada%40example.com").json()["emailBlacklisted"] is False


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/contacts/import", {"listIds": [1]}, 400, "missing_parameter"),
        ("/contacts/import", {"jsonBody": [{"email": "a@b.se"}]}, 400, "missing_parameter"),
        ("/contacts/import", import_body(1, {"emial": "a@b.se"}), 400, "invalid_parameter"),
        ("/contacts/import", import_body(999_999, {"email": "a@b.se"}), 400, "invalid_parameter"),
        (
            "/contacts/import",
            import_body(1, {"email": "a@b.se"}, emptyContactsAttributes=True),
            400,
            "invalid_parameter",
        ),
        ("/contacts/lists", {"name": "x"}, 400, "missing_parameter"),
        ("/contacts/lists", {"name": "x", "folderId": 1, "y": 1}, 400, "invalid_parameter"),
        (
            "/contacts/lists/999999/contacts/remove",
            {"emails": ["a@b.se"]},
            404,
            "document_not_found",
        ),
        (
            "/contacts/lists/1/contacts/remove",
            {"emails": [f"a{number}@b.se" for number in range(151)]},
            400,
            "invalid_parameter",
        ),
    ],
)
def test_wrong_bodies_are_refused(
    brevo: httpx.Client, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    """What is missing, unknown, too much or about nothing is told by its code."""
    create_list(brevo)

    answer = brevo.post(path, json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_import_onto_a_list_deleted_meanwhile_fails(brevo: httpx.Client) -> None:
    """The process ends as failed."""
    list_id = create_list(brevo)
    body = import_body(list_id, {"email": "ada@example.com"})
    process = brevo.post("/contacts/import", json=body).json()["processId"]
    brevo.delete(f"/contacts/lists/{list_id}").raise_for_status()

    states = [brevo.get(f"/processes/{process}").json()["status"] for _ in range(3)]

    assert states[-1] == "failed"


def test_an_erased_contact_is_gone(brevo: httpx.Client, members: Members) -> None:
    """A deleted contact is on no list, and its address is in no log."""
    list_id = create_list(brevo)
    run_import(brevo, import_body(list_id, {"email": "ada@example.com"}))

    assert brevo.delete("/contacts/ada%40example.com").status_code == 204

    assert members("brevo", "Nudge") == []
    assert brevo.get("/contacts/ada%40example.com").status_code == 404
    assert (
        "ada" not in brevo.get("http://" + str(brevo.base_url.netloc.decode()) + "/_requests").text
    )
