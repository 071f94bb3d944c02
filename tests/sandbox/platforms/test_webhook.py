"""The receiver of signed webhooks: strict about signatures and shapes, and nothing counts twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from sandbox.platforms.webhook import secret_of
from tests.sandbox.platforms.conftest import TOKEN

Members = Callable[[str, str], list[dict[str, Any]]]
Deliver = Callable[..., httpx.Response]


def rows(*keys: str, kind: str = "rows.upserted", prefix: str = "e") -> dict[str, Any]:
    """Return a message about some keys."""
    values: dict[str, Any] = {"values": {"name": "Ada"}} if kind == "rows.upserted" else {}
    listed = [{"id": f"{prefix}-{key}", "key": key, **values} for key in keys]
    return {"type": kind, "data": {"target": "people", "rows": listed}}


def sign(identifier: str, stamp: str, body: bytes, secret: str) -> str:
    """Sign as the specification says, apart from the sandbox's own code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = identifier.encode() + b"." + stamp.encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@pytest.fixture
def deliver(inspection: httpx.Client) -> Deliver:
    """Return a sender of messages; `headers` override the right ones, None leaves one out."""

    def send(
        message: object, identifier: str = "m1", age: int = 0, **headers: str | None
    ) -> httpx.Response:
        body = message if isinstance(message, bytes) else orjson.dumps(message)
        stamp = str(int(time.time()) - age)
        right = {
            "webhook-id": identifier,
            "webhook-timestamp": stamp,
            "webhook-signature": sign(identifier, stamp, body, secret_of(TOKEN)),
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        sent = {name: value for name, value in right.items() if value is not None}
        return inspection.post("/webhook/hooks/shop", content=body, headers=sent)

    return send


def test_rows_are_kept_changed_and_taken_out(deliver: Deliver, members: Members) -> None:
    """What a message says is what the receiver holds."""
    assert deliver(rows("a", "b")).status_code == 204
    assert deliver(rows("a", kind="rows.removed", prefix="r"), "m2").status_code == 204

    assert [one["key"] for one in members("webhook", "people")] == ["b"]


def test_the_page_shows_rows(deliver: Deliver, inspection: httpx.Client) -> None:
    """For people."""
    deliver(rows("a"))

    assert "Signed webhooks" in inspection.get("/").text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"webhook_id": None}, 400),
        ({"webhook_timestamp": None}, 400),
        ({"webhook_signature": None}, 400),
        ({"webhook_timestamp": "soon"}, 400),
        ({"webhook_id": "a.b"}, 400),
        ({"webhook_signature": "v1,no base64"}, 400),
        ({"webhook_signature": "v1,AAAA"}, 401),
        ({"webhook_signature": "v2,AAAA"}, 401),
        ({"webhook_id": "another"}, 401),
        ({"age": 301}, 401),
        ({"age": -310}, 401),
        ({"content_type": "text/plain"}, 415),
    ],
)
def test_what_is_not_rightly_signed_is_refused(
    deliver: Deliver, inspection: httpx.Client, headers: dict[str, Any], status: int
) -> None:
    """By anybody without the secret, of another message, or at another time."""
    assert deliver(rows("a"), **headers).status_code == status
    assert inspection.get("/_state/webhook/audiences").json() == {"audiences": []}


def test_one_right_signature_among_several_is_enough(deliver: Deliver) -> None:
    """While a secret changes."""
    body = orjson.dumps(rows("a"))
    stamp = str(int(time.time()))
    right = sign("m1", stamp, body, secret_of(TOKEN))
    headers = {"webhook_timestamp": stamp, "webhook_signature": f"v1,AAAA v1a,BBBB {right}"}

    assert deliver(body, **headers).status_code == 204


def test_a_message_and_a_row_are_applied_once(
    deliver: Deliver, members: Members, last_request: Callable[[], dict[str, Any]]
) -> None:
    """A known message id is no news, a known row id in another message neither."""
    deliver(rows("a"))
    assert deliver(rows("a")).status_code == 204
    assert last_request()["changed_state"] is False
    deliver(rows("a", kind="rows.removed", prefix="r"), "m2")

    deliver(rows("a", "b"), "m3")

    assert [one["key"] for one in members("webhook", "people")] == ["b"]
    assert deliver(rows("c"), "m1").status_code == 409


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"null",
        b"[]",
        b'{"type": "rows.upserted"',
        {},
        {**rows("a"), "more": 1},
        {**rows("a"), "type": "rows.replaced"},
        {**rows("a"), "type": ["rows.upserted"]},
        {"type": "rows.upserted", "data": []},
        {"type": "rows.upserted", "data": {"target": "", "rows": []}},
        {"type": "rows.upserted", "data": {"target": "people", "rows": []}},
        {"type": "rows.upserted", "data": {"target": "people", "rows": [5]}},
        {"type": "rows.upserted", "data": {"target": "people", "rows": [{"id": "1", "key": "a"}]}},
        {**rows("a"), "type": "rows.removed"},
        rows("a", "a"),
        rows(*(f"k{number}" for number in range(1_001))),
    ],
)
def test_messages_of_another_shape_are_refused(
    deliver: Deliver, inspection: httpx.Client, message: object
) -> None:
    """Nothing of them is kept."""
    assert deliver(message).status_code in (400, 422)
    assert inspection.get("/_state/webhook/audiences").json() == {"audiences": []}
