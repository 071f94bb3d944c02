"""Klaviyo: headers, strict bodies, asynchronous imports, memberships and consent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Members = Callable[[str, str], list[dict[str, Any]]]
LastRequest = Callable[[], dict[str, Any]]
JOBS = "/api/profile-bulk-import-jobs"
ROWS = "/data/attributes/profiles/data"


def import_body(*people: dict[str, Any], lists: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a bulk import of people, onto lists."""
    data: dict[str, Any] = {
        "type": "profile-bulk-import-job",
        "attributes": {
            "profiles": {"data": [{"type": "profile", "attributes": p} for p in people]}
        },
    }
    if lists:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": i} for i in lists]}}
    return {"data": data}


def list_body(name: str) -> dict[str, Any]:
    """Return the body that creates a list."""
    return {"data": {"type": "list", "attributes": {"name": name}}}


def subscription_body(verb: str, consent: str, email: str, list_id: str) -> dict[str, Any]:
    """Return a job that subscribes or unsubscribes one address."""
    attributes = {
        "email": email,
        "subscriptions": {"email": {"marketing": {"consent": consent}}},
    }
    return {
        "data": {
            "type": f"profile-subscription-bulk-{verb}-job",
            "attributes": {"profiles": {"data": [{"type": "profile", "attributes": attributes}]}},
            "relationships": {"list": {"data": {"type": "list", "id": list_id}}},
        }
    }


def create_list(klaviyo: httpx.Client, name: str = "Nudge") -> str:
    """Create a list and return its id."""
    created = klaviyo.post("/api/lists", json=list_body(name))
    assert created.status_code == 201
    return str(created.json()["data"]["id"])


def run_import(klaviyo: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """Send an import, poll it to its end and return its attributes."""
    accepted = klaviyo.post(JOBS, json=body)
    assert accepted.status_code == 202, accepted.text
    job = accepted.json()["data"]
    while job["attributes"]["status"] != "complete":
        job = klaviyo.get(f"{JOBS}/{job['id']}").json()["data"]
    return {"id": job["id"], **job["attributes"]}


def profile_ids(klaviyo: httpx.Client, *external_ids: str) -> list[str]:
    """Return the profile ids of people."""
    values = ",".join(f'"{value}"' for value in external_ids)
    found = klaviyo.get("/api/profiles", params={"filter": f"any(external_id,[{values}])"})
    return [profile["id"] for profile in found.json()["data"]]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "not_authenticated"),
        ({"Authorization": "Klaviyo-API-Key other"}, 401, "authentication_failed"),
        ({"Authorization": "Bearer sandbox-token"}, 401, "authentication_failed"),
        ({"revision": ""}, 400, "invalid"),
        ({"revision": "2026-10-16"}, 400, "invalid"),
        ({"revision": "2024-02-15"}, 410, "gone"),
        ({"Content-Type": "application/json"}, 415, "unsupported_media_type"),
    ],
)
def test_wrong_headers_are_refused(
    klaviyo: httpx.Client, headers: dict[str, str], status: int, code: str
) -> None:
    """A call without key, usable revision or JSON:API body gets Klaviyo's status and code."""
    answer = klaviyo.post("/api/lists", json=list_body("Nudge"), headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/vnd.api+json"
    (error,) = answer.json()["errors"]
    assert (error["status"], error["code"]) == (status, code)
    assert {"id", "title", "detail", "source"} <= error.keys()


def test_a_list_is_created_and_found_by_name(klaviyo: httpx.Client) -> None:
    """A list can be looked up by its name, quotes included."""
    list_id = create_list(klaviyo, 'The "best" list')
    create_list(klaviyo, "Another")

    found = klaviyo.get("/api/lists", params={"filter": r'equals(name,"The \"best\" list")'})

    assert [one["id"] for one in found.json()["data"]] == [list_id]
    assert klaviyo.get(f"/api/lists/{list_id}").json()["data"]["id"] == list_id
    assert klaviyo.get("/api/lists/UNKNOWN").status_code == 404


def test_lists_come_ten_a_page(klaviyo: httpx.Client) -> None:
    """Following `links.next` leads through all lists."""
    for number in range(12):
        create_list(klaviyo, f"List {number}")

    first = klaviyo.get("/api/lists").json()
    second = httpx.get(first["links"]["next"], headers=klaviyo.headers).json()

    assert (len(first["data"]), len(second["data"])) == (10, 2)
    assert second["links"]["next"] is None


def test_an_import_is_queued_then_processing_then_complete(
    klaviyo: httpx.Client, last_request: LastRequest
) -> None:
    """A job goes through its states poll by poll, and polling changes nothing."""
    job_id = klaviyo.post(JOBS, json=import_body({"email": "a@b.se"})).json()["data"]["id"]
    accepted = last_request()

    states = [
        klaviyo.get(f"{JOBS}/{job_id}").json()["data"]["attributes"]["status"] for _ in range(4)
    ]

    assert states == ["queued", "processing", "complete", "complete"]
    assert (accepted["changed_state"], accepted["rows"]) == (True, 1)
    assert last_request()["changed_state"] is False


def test_an_import_puts_people_on_the_list_without_consent(
    klaviyo: httpx.Client, members: Members
) -> None:
    """An import upserts profiles and memberships; nobody becomes subscribed."""
    list_id = create_list(klaviyo)
    person = {
        "email": "Anna@Example.SE",
        "external_id": "c1",
        "phone_number": "+46701234567",
        "first_name": "Anna",
        "properties": {"stage": "loyal", "orders": 3},
    }

    job = run_import(klaviyo, import_body(person, lists=(list_id,)))

    assert (job["total_count"], job["completed_count"], job["failed_count"]) == (1, 1, 0)
    (member,) = members("klaviyo", "Nudge")
    assert member.pop("profile_id")
    assert member == {
        "external_id": "c1",
        "email": "anna@example.se",
        "phone_number": "+46701234567",
        "attributes": {"first_name": "Anna"},
        "properties": {"stage": "loyal", "orders": 3},
        "consent": {"email": "NEVER_SUBSCRIBED", "sms": "NEVER_SUBSCRIBED"},
        "suppression": None,
    }


def test_absence_keeps_a_field_and_null_clears_it(klaviyo: httpx.Client, members: Members) -> None:
    """A second import changes only what it names."""
    first = {"email": "a@b.se", "external_id": "c1", "first_name": "A", "properties": {"x": 1}}
    run_import(klaviyo, import_body(first))

    second = {"external_id": "c1", "first_name": None, "properties": {"x": None, "y": 2}}
    run_import(klaviyo, import_body(second))

    (profile,) = members("klaviyo", "profiles")
    assert profile["email"] == "a@b.se"
    assert profile["attributes"] == {"first_name": None}
    assert profile["properties"] == {"y": 2}


def test_identifiers_may_move_between_people_in_one_import(
    klaviyo: httpx.Client, members: Members
) -> None:
    """A person who gives up an address frees it for the next row of the same import."""
    run_import(
        klaviyo,
        import_body(
            {"external_id": "c1", "email": "old@b.se"}, {"external_id": "c2", "email": "two@b.se"}
        ),
    )

    job = run_import(
        klaviyo,
        import_body(
            {"external_id": "c1", "email": "new@b.se"}, {"external_id": "c2", "email": "old@b.se"}
        ),
    )

    assert job["failed_count"] == 0
    emails = {m["external_id"]: m["email"] for m in members("klaviyo", "profiles")}
    assert emails == {"c1": "new@b.se", "c2": "old@b.se"}


def test_bad_rows_fail_alone_and_say_why(klaviyo: httpx.Client, members: Members) -> None:
    """Rows with invalid or conflicting identifiers are reported by pointer; the others land."""
    run_import(klaviyo, import_body({"external_id": "c1"}, {"email": "two@b.se"}))
    people = [
        {"email": "not an address", "external_id": "c7"},
        {"email": "good@b.se"},
        {"phone_number": "0701234567"},
        {"external_id": "c1", "email": "two@b.se"},
        {"first_name": "Nobody"},
    ]

    job = run_import(klaviyo, import_body(*people))
    errors = klaviyo.get(f"{JOBS}/{job['id']}/import-errors").json()["data"]

    assert (job["completed_count"], job["failed_count"]) == (1, 4)
    found = [(e["attributes"]["source"]["pointer"], e["attributes"]["code"]) for e in errors]
    assert found == [
        (f"{ROWS}/0/attributes/email", "invalid"),
        (f"{ROWS}/2/attributes/phone_number", "invalid"),
        (f"{ROWS}/3/attributes/external_id", "duplicate_profile"),
        (f"{ROWS}/4/attributes/email", "invalid"),
    ]
    assert errors[0]["attributes"]["original_payload"] == people[0]
    assert {e["attributes"]["title"] for e in errors} == {"Invalid input.", "Duplicate profile."}
    assert len(members("klaviyo", "profiles")) == 3


def test_import_errors_come_in_pages(klaviyo: httpx.Client) -> None:
    """More than 100 failed rows are reached through `links.next`."""
    job = run_import(klaviyo, import_body(*({"email": f"wrong {n}"} for n in range(130))))

    first = klaviyo.get(f"{JOBS}/{job['id']}/import-errors").json()
    second = httpx.get(first["links"]["next"], headers=klaviyo.headers).json()

    assert (len(first["data"]), len(second["data"])) == (100, 30)


@pytest.mark.parametrize(
    ("person", "pointer"),
    [
        ({"emial": "a@b.se"}, f"{ROWS}/1/attributes/emial"),
        ({"email": 5}, f"{ROWS}/1/attributes/email"),
        ({"properties": []}, f"{ROWS}/1/attributes/properties"),
        ({"location": {"street": "x"}}, f"{ROWS}/1/attributes/location"),
        ({"consent": True}, f"{ROWS}/1/attributes/consent"),
        ({"properties": {"x": "y" * 100_001}}, f"{ROWS}/1"),
    ],
)
def test_a_field_nobody_knows_refuses_the_whole_import(
    klaviyo: httpx.Client, members: Members, person: dict[str, Any], pointer: str
) -> None:
    """An unknown, mistyped or oversized field is a 400 with its pointer; nothing is queued."""
    answer = klaviyo.post(JOBS, json=import_body({"email": "good@b.se"}, person))

    assert answer.status_code == 400
    assert [error["source"]["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert members("klaviyo", "profiles") == []


def test_an_import_has_a_largest_size(klaviyo: httpx.Client) -> None:
    """More than 10,000 profiles, more than 5 MB, none at all, or a wrong type are refused."""
    many = klaviyo.post(JOBS, json=import_body(*({"external_id": str(n)} for n in range(10_001))))
    heavy = klaviyo.post(JOBS, content=b" " * 5_000_001)
    empty = klaviyo.post(JOBS, json=import_body())
    wrong = import_body({"external_id": "1"})
    wrong["data"]["type"] = "profile-import-job"

    assert [many.status_code, heavy.status_code, empty.status_code] == [400, 413, 400]
    assert klaviyo.post(JOBS, json=wrong).json()["errors"][0]["source"]["pointer"] == "/data/type"
    assert klaviyo.post(JOBS, content=b"{not json").status_code == 400


def test_an_import_needs_lists_that_exist(klaviyo: httpx.Client) -> None:
    """An import onto an unknown list is a 404."""
    answer = klaviyo.post(JOBS, json=import_body({"email": "a@b.se"}, lists=("NONE",)))

    assert answer.status_code == 404


def test_membership_changes_by_profile_id_only(
    klaviyo: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """Profiles are added and removed by id; a removal of nobody changes nothing."""
    list_id = create_list(klaviyo)
    run_import(klaviyo, import_body({"external_id": "c1"}, {"external_id": "c2"}))
    path = f"/api/lists/{list_id}/relationships/profiles"
    references = [{"type": "profile", "id": i} for i in profile_ids(klaviyo, "c1", "c2")]

    added = klaviyo.post(path, json={"data": references})
    listed = klaviyo.get(path).json()["data"]
    removed = klaviyo.request("DELETE", path, json={"data": references[:1]})
    removed_changed = last_request()
    again = klaviyo.request("DELETE", path, json={"data": references[:1]})

    assert (added.status_code, removed.status_code, again.status_code) == (204, 204, 204)
    assert listed == references
    assert [m["external_id"] for m in members("klaviyo", "Nudge")] == ["c2"]
    assert (removed_changed["changed_state"], removed_changed["rows"]) == (True, 1)
    assert last_request()["changed_state"] is False


@pytest.mark.parametrize(
    "references",
    [
        [{"type": "profile", "attributes": {"email": "a@b.se"}}],
        [{"type": "list", "id": "x"}],
        [],
        [{"type": "profile", "id": str(n)} for n in range(1_001)],
    ],
)
def test_membership_refuses_other_references(
    klaviyo: httpx.Client, references: list[dict[str, Any]]
) -> None:
    """Addresses, other types, nobody, and more than 1,000 ids are refused."""
    list_id = create_list(klaviyo)

    answer = klaviyo.post(f"/api/lists/{list_id}/relationships/profiles", json={"data": references})

    assert answer.status_code == 400


def test_rows_may_name_their_profile_by_id(klaviyo: httpx.Client, members: Members) -> None:
    """A row with a profile's id updates that profile; an id nobody has is a row error."""
    run_import(klaviyo, import_body({"external_id": "c1"}))
    body = import_body({"email": "a@b.se"}, {"email": "c@d.se"})
    first, second = body["data"]["attributes"]["profiles"]["data"]
    first["id"], second["id"] = profile_ids(klaviyo, "c1")[0], "01UNKNOWN"

    job = run_import(klaviyo, body)

    assert job["failed_count"] == 1
    (profile,) = members("klaviyo", "profiles")
    assert (profile["external_id"], profile["email"]) == ("c1", "a@b.se")


def test_profiles_are_looked_up_by_identifier(klaviyo: httpx.Client) -> None:
    """A lookup returns the wanted fields of the named people, at most 100 a page."""
    run_import(klaviyo, import_body(*({"external_id": f"c{n}"} for n in range(3))))

    answer = klaviyo.get(
        "/api/profiles",
        params={
            "filter": 'any(external_id,["c0","c2","c9"])',
            "fields[profile]": "external_id",
            "page[size]": "100",
        },
    )

    assert [p["attributes"] for p in answer.json()["data"]] == [
        {"external_id": "c0"},
        {"external_id": "c2"},
    ]


@pytest.mark.parametrize(
    "params",
    [
        {"page[size]": "101"},
        {"page[size]": "0"},
        {"filter": "any(external_id,c1)"},
        {"filter": 'contains(email,"a")'},
        {"filter": 'any(first_name,["a"])'},
        {"filter": "any(external_id,[" + ",".join(f'"{n}"' for n in range(101)) + "])"},
    ],
)
def test_wrong_lookups_are_refused(klaviyo: httpx.Client, params: dict[str, str]) -> None:
    """A page too big or a filter nobody can read is a 400 that names the parameter."""
    answer = klaviyo.get("/api/profiles", params=params)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"]["parameter"] == next(iter(params))


def test_unsubscribing_somebody_off_the_list_is_global(
    klaviyo: httpx.Client, members: Members
) -> None:
    """With a list a person is on, only the list is left; otherwise all consent is gone."""
    on_list, off_list = create_list(klaviyo, "On"), create_list(klaviyo, "Off")
    path = "/api/profile-subscription-bulk"
    body = subscription_body("create", "SUBSCRIBED", "a@b.se", on_list)
    assert klaviyo.post(f"{path}-create-jobs", json=body).status_code == 202

    leave = subscription_body("delete", "UNSUBSCRIBED", "a@b.se", on_list)
    klaviyo.post(f"{path}-delete-jobs", json=leave)
    (after_leaving,) = members("klaviyo", "profiles")
    trap = subscription_body("delete", "UNSUBSCRIBED", "a@b.se", off_list)
    klaviyo.post(f"{path}-delete-jobs", json=trap)
    (after_trap,) = members("klaviyo", "profiles")

    assert members("klaviyo", "On") == []
    assert after_leaving["consent"]["email"] == "SUBSCRIBED"
    assert (after_trap["consent"]["email"], after_trap["suppression"]) == (
        "UNSUBSCRIBED",
        "UNSUBSCRIBE",
    )


def test_a_subscription_job_knows_its_consent(klaviyo: httpx.Client) -> None:
    """A subscribe job with another consent value is a 400."""
    body = subscription_body("create", "GRANTED", "a@b.se", create_list(klaviyo))

    answer = klaviyo.post("/api/profile-subscription-bulk-create-jobs", json=body)

    assert answer.status_code == 400


def test_a_job_with_one_wrong_person_changes_nobody(
    klaviyo: httpx.Client, members: Members
) -> None:
    """People before the wrong one are not subscribed either."""
    body = subscription_body("create", "SUBSCRIBED", "a@b.se", create_list(klaviyo))
    body["data"]["attributes"]["profiles"]["data"].append({"type": "profile", "attributes": {}})

    answer = klaviyo.post("/api/profile-subscription-bulk-create-jobs", json=body)

    assert answer.status_code == 400
    assert members("klaviyo", "profiles") == []


def test_erasing_takes_exactly_one_identifier(klaviyo: httpx.Client, members: Members) -> None:
    """A deletion job removes the person everywhere; two identifiers are refused."""
    list_id = create_list(klaviyo)
    run_import(klaviyo, import_body({"email": "a@b.se"}, {"email": "c@d.se"}, lists=(list_id,)))

    def erase(**attributes: str) -> int:
        profile = {"data": {"type": "profile", "attributes": attributes}}
        data = {"type": "data-privacy-deletion-job", "attributes": {"profile": profile}}
        return klaviyo.post("/api/data-privacy-deletion-jobs", json={"data": data}).status_code

    assert erase(email="a@b.se", phone_number="+46701234567") == 400
    assert erase(email="A@b.se") == 202
    assert [m["email"] for m in members("klaviyo", "Nudge")] == ["c@d.se"]
    assert [m["email"] for m in members("klaviyo", "profiles")] == ["c@d.se"]
