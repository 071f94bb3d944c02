"""Meta's Marketing API: audiences, strict payloads, sessions, Graph errors."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.platforms.server import running_in_thread
from sandbox.platforms.vendor import Settings

Members = Callable[[str, str], list[dict[str, Any]]]
LastRequest = Callable[[], dict[str, Any]]
AUDIENCE = {"name": "Win back", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
SCHEMA = ["EXTERN_ID", "EMAIL", "PHONE"]


def digest(text: str) -> str:
    """Return the SHA-256 of a text in lower-case hexadecimal."""
    return sha256(text.encode()).hexdigest()


def row(person: str, email: str | None = None) -> list[str]:
    """Return a row with an external id and a hashed e-mail."""
    return [person, digest(email or person), ""]


def payload(*rows: Any, schema: list[str] | None = None) -> dict[str, Any]:
    """Return the parameters of a call that changes users."""
    return {"payload": {"schema": schema or SCHEMA, "data": [*rows]}}


def session(number: int, batch: int, *, last: bool) -> dict[str, Any]:
    """Return the session parameter of one batch."""
    return {"session": {"session_id": number, "batch_seq": batch, "last_batch_flag": last}}


def create(meta: httpx.Client) -> str:
    """Create an audience and return its id."""
    created = meta.post("/act_77/customaudiences", json=AUDIENCE)
    assert created.status_code == 200, created.text
    return str(created.json()["id"])


def error_of(answer: httpx.Response) -> tuple[int, int]:
    """Return (status, code) of a Graph error after checking its shape."""
    error = answer.json()["error"]
    assert {"message", "type", "code", "fbtrace_id"} <= error.keys()
    return answer.status_code, error["code"]


def test_a_wrong_token_is_code_190(meta: httpx.Client) -> None:
    """A call without the token is refused as an OAuth error."""
    answer = meta.get("/act_77/customaudiences", headers={"Authorization": "Bearer other"})

    assert error_of(answer) == (401, 190)


def test_the_token_may_travel_as_a_parameter(meta: httpx.Client) -> None:
    """`access_token` works in the query and in a body, without a header."""
    headers = {"Authorization": ""}
    form = {**AUDIENCE, "access_token": "sandbox-token"}

    created = meta.post("/act_77/customaudiences", data=form, headers=headers)
    listed = meta.get(
        "/act_77/customaudiences", params={"access_token": "sandbox-token"}, headers=headers
    )

    assert created.json() == listed.json()["data"][0]


def test_audiences_are_listed_per_account_with_the_wanted_fields(meta: httpx.Client) -> None:
    """A listing gives ids, and more when asked; another account has none of them."""
    audience_id = create(meta)

    plain = meta.get("/act_77/customaudiences").json()["data"]
    named = meta.get("/act_77/customaudiences", params={"fields": "name,subtype"}).json()["data"]

    assert plain == [{"id": audience_id}]
    assert named == [{"id": audience_id, "name": "Win back", "subtype": "CUSTOM"}]
    assert meta.get("/act_78/customaudiences").json()["data"] == []
    assert error_of(meta.get("/act_77/customaudiences", params={"fields": "nam"})) == (400, 100)


def test_listings_have_pages(meta: httpx.Client) -> None:
    """`paging.next` leads to the rest of the audiences."""
    ids = [create(meta) for _ in range(3)]

    first = meta.get("/act_77/customaudiences", params={"limit": "2"}).json()
    rest = httpx.get(first["paging"]["next"], headers=meta.headers).json()

    assert [a["id"] for a in first["data"] + rest["data"]] == ids
    assert "next" not in rest["paging"]


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"subtype": "CUSTOMER"},
        {"customer_file_source": "CRM"},
        {"customer_file_source": None},
        {"retention": 5},
    ],
)
def test_wrong_audiences_are_refused(meta: httpx.Client, changed: dict[str, Any]) -> None:
    """Missing names, unknown enum values and unknown parameters are code 100."""
    answer = meta.post("/act_77/customaudiences", json={**AUDIENCE, **changed})

    assert error_of(answer) == (400, 100)


def test_users_are_added_and_shown_by_schema(
    meta: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """A row is kept by its keys; empty cells are not."""
    audience_id = create(meta)

    answer = meta.post(f"/{audience_id}/users", json=payload(row("c1"), row("c2")))

    body = answer.json()
    assert body.pop("session_id")
    assert body == {
        "audience_id": audience_id,
        "num_received": 2,
        "num_invalid_entries": 0,
        "invalid_entry_samples": {},
    }
    found = sorted(members("meta", "Win back"), key=lambda user: user["EXTERN_ID"])
    assert found == [{"EMAIL": digest(c), "EXTERN_ID": c} for c in ("c1", "c2")]
    assert (last_request()["changed_state"], last_request()["rows"]) == (True, 2)


def test_form_bodies_and_query_parameters_are_read_like_json(
    meta: httpx.Client, members: Members
) -> None:
    """The vendor's own client sends JSON texts: in a form to add, in the query to remove."""
    audience_id = create(meta)
    texts = {
        "payload": json.dumps(payload(row("c1"), row("c2"))["payload"]),
        "session": json.dumps(session(1, 1, last=True)["session"]),
    }
    gone = {"payload": json.dumps(payload(row("c1"))["payload"])}

    assert meta.post(f"/{audience_id}/users", data=texts).json()["num_received"] == 2
    assert meta.delete(f"/{audience_id}/users", params=gone).json()["num_received"] == 1

    assert [user["EXTERN_ID"] for user in members("meta", "Win back")] == ["c2"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["c9", "a@b.se", ""],
        ["c9", digest("a").upper(), ""],
        ["c9", digest("a")[:-1], ""],
        ["c9", None, ""],
        ["c9", 5, ""],
        ["", "", ""],
    ],
)
def test_invalid_entries_are_counted_and_left_out(
    meta: httpx.Client, members: Members, wrong: list[Any]
) -> None:
    """A cell that is no hash spoils its own row only, and a sample of it comes back."""
    audience_id = create(meta)

    body = meta.post(f"/{audience_id}/users", json=payload(row("c1"), wrong)).json()

    assert (body["num_received"], body["num_invalid_entries"]) == (2, 1)
    assert len(body["invalid_entry_samples"]) == 1
    assert [user["EXTERN_ID"] for user in members("meta", "Win back")] == ["c1"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, 100),
        ({"payload": "x"}, 100),
        ({"payload": {"schema": SCHEMA}}, 100),
        ({"payload": {"schema": SCHEMA, "data": []}}, 100),
        ({"payload": {**payload(row("c1"))["payload"], "app_ids": []}}, 100),
        ({**payload(row("c1")), "sessions": {}}, 100),
        (payload(row("c1"), schema=["EXTERN_ID", "MAIL", "PHONE"]), 100),
        (payload(row("c1"), schema=["EMAIL", "EMAIL", "PHONE"]), 100),
        (payload(*[["c"]] * 10_001, schema=["EXTERN_ID"]), 100),
        (payload("c1", schema=["EXTERN_ID"]), 2650),
        (payload(["c1", digest("a")]), 2650),
    ],
)
def test_wrong_payloads_are_refused(
    meta: httpx.Client, members: Members, parameters: dict[str, Any], code: int
) -> None:
    """Unknown keys, too many rows and rows that are no lists store nothing."""
    answer = meta.post(f"/{create(meta)}/users", json=parameters)

    assert error_of(answer) == (400, code)
    assert members("meta", "Win back") == []


def test_an_unknown_audience_is_code_100_subcode_33(meta: httpx.Client) -> None:
    """Users of an audience that does not exist cannot be changed."""
    answer = meta.post("/123/users", json=payload(row("c1")))

    assert error_of(answer) == (400, 100)
    assert answer.json()["error"]["error_subcode"] == 33


def test_a_removal_finds_users_by_the_strongest_key(
    meta: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """A removal by external id takes the user with the old e-mail; by e-mail it works too."""
    audience_id = create(meta)
    meta.post(f"/{audience_id}/users", json=payload(row("c1", "old"), row("c2"), row("c3")))

    body = payload(row("c1", "new"), ["", digest("c2"), ""])
    meta.request("DELETE", f"/{audience_id}/users", json=body)
    first = last_request()["changed_state"]
    meta.request("DELETE", f"/{audience_id}/users", json=body)

    assert [user["EXTERN_ID"] for user in members("meta", "Win back")] == ["c3"]
    assert (first, last_request()["changed_state"]) == (True, False)


def test_a_row_is_the_same_in_any_order_of_keys(meta: httpx.Client, members: Members) -> None:
    """The order of the schema does not make another user."""
    audience_id = create(meta)

    meta.post(f"/{audience_id}/users", json=payload(["c1", digest("a")], schema=SCHEMA[:2]))
    meta.post(f"/{audience_id}/users", json=payload([digest("a"), "c1"], schema=SCHEMA[1::-1]))

    assert len(members("meta", "Win back")) == 1


def test_a_replace_session_leaves_exactly_its_users(meta: httpx.Client, members: Members) -> None:
    """After the last batch only users of the session are left; before it, nobody is lost."""
    audience_id = create(meta)
    meta.post(f"/{audience_id}/users", json=payload(row("old"), row("both")))
    path = f"/{audience_id}/usersreplace"

    meta.post(path, json={**payload(row("both")), **session(5, 1, last=False)})
    halfway = {user["EXTERN_ID"] for user in members("meta", "Win back")}
    meta.post(path, json={**payload(row("new")), **session(5, 2, last=True)})

    assert halfway == {"old", "both"}
    assert {user["EXTERN_ID"] for user in members("meta", "Win back")} == {"both", "new"}
    (status,) = meta.get(f"/{audience_id}/sessions", params={"session_id": "5"}).json()["data"]
    assert (status["stage"], status["num_received"]) == ("done", "2")


def test_sessions_keep_their_order(meta: httpx.Client, last_request: LastRequest) -> None:
    """Gaps, other operations and batches after the last are refused; a repetition is not."""
    path = f"/{create(meta)}/users"
    first = {**payload(row("c1")), **session(5, 1, last=False)}
    second = {**payload(row("c2")), **session(5, 2, last=True)}
    third = {**payload(row("c3")), **session(5, 3, last=True)}

    assert error_of(meta.post(path, json=second)) == (400, 100)
    assert meta.post(path, json=first).status_code == 200
    assert error_of(meta.request("DELETE", path, json=second)) == (400, 100)
    assert meta.post(path, json=second).status_code == 200
    assert meta.post(path, json=second).status_code == 200
    assert last_request()["changed_state"] is False
    assert error_of(meta.post(path, json=third)) == (400, 100)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"session_id": 1, "batch_seq": 1},
        {"session_id": "1", "batch_seq": 1, "last_batch_flag": True},
        {"session_id": 1, "batch_seq": 1, "last_batch_flag": 1},
        {"session_id": 1, "batch_seq": 1, "last_batch_flag": True, "size": 1},
    ],
)
def test_replacing_needs_a_whole_session(meta: httpx.Client, wrong: Any) -> None:
    """A replacement without a complete, well-typed session is refused."""
    body = {**payload(row("c1")), "session": wrong}

    answer = meta.post(f"/{create(meta)}/usersreplace", json=body)

    assert error_of(answer) == (400, 100)


def test_a_secret_asks_for_its_proof(tmp_path: Path) -> None:
    """With an app secret, only calls with the right proof are answered."""
    key = "a key of the test"
    right = hmac.new(key.encode(), b"sandbox-token", sha256).hexdigest()
    settings = Settings(app_secret=key)
    with running_in_thread(tmp_path / "platforms.sqlite", settings) as url:
        statuses = [
            httpx.get(
                f"{url}/meta/v26.0/act_1/customaudiences",
                params={"access_token": "sandbox-token", **proof},
            ).status_code
            for proof in ({}, {"appsecret_proof": "0" * 64}, {"appsecret_proof": right})
        ]

    assert statuses == [400, 400, 200]
