"""The view behind the curtain: audiences, the request log, the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

Members = Callable[[str, str], list[dict[str, Any]]]
AUDIENCE = {"name": "Win back", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}


def add_user(meta: httpx.Client, audience_id: str, *people: str) -> httpx.Response:
    """Add people to an audience by their external ids."""
    payload = {"schema": ["EXTERN_ID"], "data": [[person] for person in people]}
    return meta.post(f"/{audience_id}/users", json={"payload": payload})


def test_the_state_counts_every_audience(meta: httpx.Client, inspection: httpx.Client) -> None:
    """All audiences of all vendors are listed with their counts."""
    audience_id = meta.post("/act_1/customaudiences", json=AUDIENCE).json()["id"]
    add_user(meta, audience_id, "c1", "c2")

    state = inspection.get("/_state").json()["audiences"]

    (audience,) = state
    assert (audience["vendor"], audience["name"]) == ("meta", "Win back")
    assert (audience["id"], audience["count_members"]) == (audience_id, 2)
    assert inspection.get("/_state/meta/audiences").json()["audiences"] == state
    assert inspection.get("/_state/google/audiences").json()["audiences"] == []


def test_members_are_named_by_id_or_by_one_name(
    meta: httpx.Client, inspection: httpx.Client
) -> None:
    """An id always works; a name that two audiences have asks for the id."""
    first, second = (
        meta.post("/act_1/customaudiences", json={**AUDIENCE, "name": "A/B ä"}).json()["id"]
        for _ in range(2)
    )

    def status(name: str) -> int:
        return inspection.get(f"/_state/meta/audiences/{name}/members").status_code

    assert [status(first), status(second)] == [200, 200]
    assert [status("A/B ä"), status("Unknown")] == [409, 404]
    assert inspection.get("/_state/nobody/audiences").status_code == 404


def test_the_log_tells_requests_since_one(meta: httpx.Client, inspection: httpx.Client) -> None:
    """Each vendor request is one line; inspection itself is none."""
    meta.post("/act_1/customaudiences", json=AUDIENCE)
    since = inspection.get("/_requests").json()["last_id"]
    meta.get("/act_1/customaudiences")

    logged = inspection.get("/_requests", params={"since": since}).json()

    (entry,) = logged["requests"]
    assert entry["id"] == logged["last_id"] > since
    assert (entry["vendor"], entry["method"], entry["status"]) == ("meta", "GET", 200)
    assert (entry["path"], entry["changed_state"]) == ("/meta/v26.0/act_1/customaudiences", False)


def test_refused_requests_are_logged(meta: httpx.Client, inspection: httpx.Client) -> None:
    """A refusal and an unknown path are lines too."""
    meta.post("/act_1/customaudiences", json={})
    meta.get("/nothing/here", params={"access_token": "sandbox-token"})

    first, second = inspection.get("/_requests").json()["requests"]

    assert (first["status"], first["changed_state"]) == (400, False)
    assert (second["status"], second["path"]) == (400, "/meta/...")


def test_the_same_bytes_have_the_same_digest(meta: httpx.Client, inspection: httpx.Client) -> None:
    """A batch that was sent twice can be seen, without keeping what was in it."""
    audience_id = meta.post("/act_1/customaudiences", json=AUDIENCE).json()["id"]
    for person in ("c1", "c1", "c2"):
        add_user(meta, audience_id, person)

    _, *batches = inspection.get("/_requests").json()["requests"]

    digests = [batch["body_digest"] for batch in batches]
    assert digests[0] == digests[1] != digests[2]


def test_the_log_holds_no_personal_value(
    klaviyo: httpx.Client, meta: httpx.Client, inspection: httpx.Client
) -> None:
    """Neither bodies nor queries nor tokens reach the log."""
    klaviyo.get("/api/profiles", params={"filter": 'any(email,["anna@example.se"])'})
    meta.get("/act_1/customaudiences", params={"access_token": "sandbox-token"})

    text = inspection.get("/_requests").text

    assert "anna" not in text
    assert "sandbox-token" not in text


def test_the_summary_counts_per_vendor(meta: httpx.Client, inspection: httpx.Client) -> None:
    """Requests, changes, rows and statuses add up; `since` leaves earlier ones out."""
    audience_id = meta.post("/act_1/customaudiences", json=AUDIENCE).json()["id"]
    add_user(meta, audience_id, "c1", "c2")
    meta.get("/act_1/customaudiences")
    meta.post("/act_1/customaudiences", json={})

    summary = inspection.get("/_requests/summary").json()

    assert (summary["requests"], summary["changed_state"], summary["rows"]) == (4, 2, 4)
    assert summary["statuses"] == {"200": 3, "400": 1}
    assert summary["vendors"]["meta"]["requests"] == 4
    assert summary["vendors"]["fcm"]["requests"] == 0
    last = inspection.get("/_requests").json()["last_id"]
    later = inspection.get("/_requests/summary", params={"since": last}).json()
    assert later["requests"] == later["changed_state"] == 0


def test_the_page_shows_audiences_members_and_requests(
    meta: httpx.Client, inspection: httpx.Client
) -> None:
    """The page names audiences and members, escaped; like requests in a row are one line."""
    named = {**AUDIENCE, "name": "<Win & back>"}
    audience_id = meta.post("/act_1/customaudiences", json=named).json()["id"]
    for _ in range(2):
        add_user(meta, audience_id, *(f"person-{number:02}" for number in range(20)))

    page = inspection.get("/").text

    assert "&lt;Win &amp; back&gt;" in page
    assert "person-00" in page
    assert "<h2>Brevo</h2>" in page
    assert "<h2>HubSpot</h2>" in page
    assert "The first 12 of 20." in page
    assert page.count(f"POST /meta/v26.0/{audience_id}/users") == 1
    assert "<td class=number>2</td>" in page
    assert "http://" not in page.replace(str(inspection.base_url), "")


def test_a_reset_forgets_everything(meta: httpx.Client, inspection: httpx.Client) -> None:
    """After a reset there are no audiences, requests or faults."""
    meta.post("/act_1/customaudiences", json=AUDIENCE)
    inspection.post("/_faults", json={"vendor": "meta", "status": 500})

    assert inspection.post("/_reset").status_code == 204

    assert inspection.get("/_state").json()["audiences"] == []
    assert inspection.get("/_requests").json() == {"requests": [], "last_id": 0}
    assert inspection.get("/_faults").json() == {"faults": []}
