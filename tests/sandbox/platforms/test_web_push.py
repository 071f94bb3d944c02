"""The push service: verifies who sends, decrypts as the browser does, and knows who has left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import http_ece
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from sandbox.platforms.web_push_keys import decode, encode

Members = Callable[[str, str], list[dict[str, Any]]]


@pytest.fixture
def sender() -> Vapid02:
    """Return an application server with a key of its own."""
    one = Vapid02()
    one.generate_keys()
    return one


@pytest.fixture
def browser(inspection: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Return a maker of subscriptions."""

    def make(server_key: str | None = None) -> dict[str, Any]:
        body = {"application_server_key": server_key}
        made: dict[str, Any] = inspection.post("/web_push/subscriptions", json=body).json()
        return made

    return make


@pytest.fixture
def service(server: str) -> Iterator[httpx.Client]:
    """Open the push service."""
    with httpx.Client(base_url=server) as client:
        yield client


def public(sender: Vapid02) -> str:
    """Return a sender's public key as a browser is given it."""
    numbers = sender.public_key.public_numbers()
    return encode(b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))


def signed(sender: Vapid02, origin: str, seconds: int = 3_600) -> str:
    """Sign as the common library does."""
    claims = {"aud": origin, "exp": int(time.time()) + seconds, "sub": "mailto:a@example.com"}
    header: str = sender.sign(claims)["Authorization"]
    return header


def sealed(subscription: dict[str, Any], text: bytes = b'{"title":"Hello"}') -> bytes:
    """Encrypt as the common library does."""
    body: bytes = http_ece.encrypt(
        text,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decode(subscription["keys"]["p256dh"]),
        auth_secret=decode(subscription["keys"]["auth"]),
        version="aes128gcm",
    )
    return body


def push(
    client: httpx.Client, subscription: dict[str, Any], authorization: str, **overrides: Any
) -> httpx.Response:
    """Send one message; `overrides` replace headers, None leaves one out, `body` the body."""
    body = overrides.pop("body", None) or sealed(subscription)
    given = {name.replace("_", "-"): value for name, value in overrides.items()}
    headers = {
        "authorization": authorization,
        "ttl": "60",
        "content-encoding": "aes128gcm",
        **given,
    }
    sent = {name: value for name, value in headers.items() if value is not None}
    return client.post(subscription["endpoint"], content=body, headers=sent)


def test_a_message_is_read_by_its_browser(
    service: httpx.Client,
    server: str,
    sender: Vapid02,
    browser: Callable[..., dict[str, Any]],
    members: Members,
) -> None:
    """Made by the common libraries, whose work this code shares nothing with."""
    made = browser(public(sender))
    answer = push(service, made, signed(sender, server), urgency="high", topic="cart")

    assert (answer.status_code, answer.headers["ttl"]) == (201, "60")
    (message,) = members("web_push", "messages")
    assert message.pop("received_at")
    assert message == {
        "subscription": made["endpoint"].rpartition("/")[2],
        "payload": {"title": "Hello"},
        "ttl": 60,
        "urgency": "high",
        "topic": "cart",
    }


@pytest.mark.parametrize(
    ("overrides", "status"),
    [
        ({"authorization": None}, 401),
        ({"authorization": "Bearer x"}, 401),
        ({"authorization": "vapid t=a.b.c,k=d"}, 401),
        ({"ttl": None}, 400),
        ({"ttl": "-1"}, 400),
        ({"ttl": "soon"}, 400),
        ({"urgency": "now"}, 400),
        ({"topic": "x" * 33}, 400),
        ({"topic": "a/b"}, 400),
        ({"content_encoding": None}, 400),
        ({"content_encoding": "aesgcm"}, 400),
        ({"body": b"x" * 4_097}, 413),
        ({"body": b"x" * 200}, 400),
        ({"body": b"x"}, 400),
    ],
)
def test_what_is_no_message_is_refused(
    service: httpx.Client,
    server: str,
    sender: Vapid02,
    browser: Callable[..., dict[str, Any]],
    overrides: dict[str, Any],
    status: int,
) -> None:
    """And nothing of it is kept."""
    answer = push(service, browser(), **{"authorization": signed(sender, server), **overrides})

    assert answer.status_code == status
    assert service.get("/_state/web_push/audiences").json() == {"audiences": []}


@pytest.mark.parametrize("seconds", [-1, 86_500])
def test_a_token_is_valid_for_a_day_at_most(
    service: httpx.Client,
    server: str,
    sender: Vapid02,
    browser: Callable[..., dict[str, Any]],
    seconds: int,
) -> None:
    """And not before or after."""
    assert push(service, browser(), signed(sender, server, seconds)).status_code == 401


def test_a_token_for_another_service_is_refused(
    service: httpx.Client, sender: Vapid02, browser: Callable[..., dict[str, Any]]
) -> None:
    """It was not made for this one."""
    token = signed(sender, "https://other.example.com")

    assert push(service, browser(), token).status_code == 401


def test_a_changed_token_is_refused(
    service: httpx.Client, server: str, sender: Vapid02, browser: Callable[..., dict[str, Any]]
) -> None:
    """Its signature is by another key than the one beside it."""
    other = Vapid02()
    other.generate_keys()
    token = signed(sender, server).rpartition("k=")[0] + f"k={public(other)}"

    assert push(service, browser(), token).status_code == 401


def test_a_subscription_belongs_to_the_key_it_was_made_for(
    service: httpx.Client, server: str, sender: Vapid02, browser: Callable[..., dict[str, Any]]
) -> None:
    """Others may not send to it, and another browser's keys open nothing."""
    other = Vapid02()
    other.generate_keys()

    assert push(service, browser(public(other)), signed(sender, server)).status_code == 403
    made, stranger = browser(public(sender)), browser()
    answer = push(service, made, signed(sender, server), body=sealed(stranger))
    assert answer.status_code == 400


def test_a_visitor_who_leaves_is_gone_and_one_unknown_was_never_there(
    service: httpx.Client, server: str, sender: Vapid02, browser: Callable[..., dict[str, Any]]
) -> None:
    """410 and 404."""
    made = browser()
    path = "/web_push/subscriptions/" + made["endpoint"].rpartition("/")[2]
    assert service.delete(path).status_code == 204
    assert service.delete(path).status_code == 404
    unknown = {**made, "endpoint": f"{server}/web_push/push/nobody"}

    assert push(service, made, signed(sender, server)).status_code == 410
    assert push(service, unknown, signed(sender, server)).status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"more": 1}', b'{"application_server_key": "AAAA"}', b"\xff"]
)
def test_a_subscription_of_another_shape_is_refused(service: httpx.Client, body: bytes) -> None:
    """A browser would not make it either."""
    assert service.post("/web_push/subscriptions", content=body).status_code == 400


def test_the_log_names_no_endpoint(
    service: httpx.Client,
    server: str,
    sender: Vapid02,
    browser: Callable[..., dict[str, Any]],
    last_request: Callable[[], dict[str, Any]],
) -> None:
    """Whoever knows it may write to the person."""
    push(service, browser(), signed(sender, server))

    assert last_request()["path"] == "/web_push/push/..."
