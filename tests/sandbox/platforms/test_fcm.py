"""Firebase Cloud Messaging: subscriptions one token at a time, and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Members = Callable[[str, str], list[dict[str, Any]]]
LastRequest = Callable[[], dict[str, Any]]


def subscribe(fcm: httpx.Client, token: str, topic: str = "t1") -> httpx.Response:
    """Subscribe a token to a topic."""
    path = f"/registrations/{token}/topicSubscriptions"
    return fcm.post(path, params={"topic_name": topic}, json={})


def unsubscribe(fcm: httpx.Client, token: str, **params: str) -> httpx.Response:
    """Take a token off the topic."""
    return fcm.delete(f"/registrations/{token}/topicSubscriptions/t1", params=params)


def test_a_wrong_token_is_unauthenticated(fcm: httpx.Client) -> None:
    """A call without the access token gets 401 in google.rpc form."""
    fcm.headers["Authorization"] = "Bearer other"

    answer = subscribe(fcm, "a")

    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_a_second_subscription_is_a_conflict(
    fcm: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """The first subscription changes something; the same again is 409 ALREADY_EXISTS."""
    first = subscribe(fcm, "a:1")
    changed = last_request()["changed_state"]
    second = subscribe(fcm, "a:1")

    assert (first.status_code, changed) == (200, True)
    assert (second.status_code, second.json()["error"]["status"]) == (409, "ALREADY_EXISTS")
    assert last_request()["changed_state"] is False
    assert [member["token"] for member in members("fcm", "t1")] == ["a:1"]


def test_a_missing_subscription_may_be_allowed(
    fcm: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """A token that is not subscribed is a 404, unless `allow_missing` says otherwise."""
    subscribe(fcm, "a")

    removed = unsubscribe(fcm, "a", allow_missing="true")
    changed = last_request()["changed_state"]
    again = unsubscribe(fcm, "a", allow_missing="true")
    strict = unsubscribe(fcm, "a")

    assert [a.status_code for a in (removed, again, strict)] == [200, 200, 404]
    assert (changed, last_request()["changed_state"]) == (True, False)


def test_dead_tokens_are_unregistered(fcm: httpx.Client, inspection: httpx.Client) -> None:
    """Tokens known as dead, by their ending or by request, get 404 UNREGISTERED."""
    inspection.post("/_faults", json={"vendor": "fcm", "unregistered_tokens": ["a"]})

    answers = [subscribe(fcm, token) for token in ("a", "b-unregistered", "c")]

    assert [answer.status_code for answer in answers] == [404, 404, 200]
    (detail,) = answers[0].json()["error"]["details"]
    assert detail["errorCode"] == "UNREGISTERED"


@pytest.mark.parametrize("topic", ["", "v i p", "vip/1", "å", "x" * 901])
def test_topics_have_a_rule(fcm: httpx.Client, topic: str) -> None:
    """A topic outside [a-zA-Z0-9-_.~%]+ or above 900 characters is refused."""
    answer = subscribe(fcm, "a", topic)

    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_subscribing_takes_an_empty_object(fcm: httpx.Client) -> None:
    """Any other body, or another parameter, is refused."""
    path = "/registrations/a/topicSubscriptions"

    statuses = [
        fcm.post(path, params={"topic_name": "t1"}, json={"topic": "t1"}).status_code,
        fcm.post(path, params={"topic_name": "t1"}).status_code,
        fcm.post(path, params={"topic_name": "t1", "topic": "t1"}, json={}).status_code,
    ]

    assert statuses == [400, 400, 400]


def test_device_tokens_are_never_logged(fcm: httpx.Client, last_request: LastRequest) -> None:
    """The log shows the path with a placeholder, on unknown paths too."""
    subscribe(fcm, "secret-device")
    known = last_request()["path"]
    fcm.get("/registrations/secret-device/unknown")

    assert known == "/fcm/v1/projects/shop/registrations/.../topicSubscriptions"
    assert "secret-device" not in last_request()["path"]


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ({"topic": "t1", "data": {"k": "v"}}, 200),
        ({"token": "a", "notification": {"title": "Hi"}}, 200),
        ({"token": "a-unregistered"}, 404),
        ({"topic": "t1", "token": "a"}, 400),
        ({"data": {"k": "v"}}, 400),
        ({"topic": "t1", "data": {"n": 1}}, 400),
        ({"topic": "t1", "priority": "high"}, 400),
    ],
)
def test_messages_have_one_target_and_text_data(
    fcm: httpx.Client, last_request: LastRequest, message: dict[str, Any], status: int
) -> None:
    """A message with one live target and text data is accepted, any other refused."""
    answer = fcm.post("/messages:send", json={"message": message})

    assert answer.status_code == status
    assert last_request()["changed_state"] is (status == 200)


def test_a_validated_message_is_not_kept(fcm: httpx.Client, last_request: LastRequest) -> None:
    """`validate_only` answers like a success and changes nothing."""
    answer = fcm.post("/messages:send", json={"message": {"topic": "t1"}, "validate_only": True})

    assert answer.json()["name"].startswith("projects/shop/messages/")
    assert last_request()["changed_state"] is False
