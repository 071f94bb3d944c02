"""Faults on demand: statuses, headers, delays, cut connections, before or after the work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandbox.platforms.faults import Fault, Faults, UnusableFault, read_fault

Members = Callable[[str, str], list[dict[str, Any]]]
LastRequest = Callable[[], dict[str, Any]]


def subscribe(fcm: httpx.Client) -> httpx.Response:
    """Subscribe a device to a topic."""
    return fcm.post("/registrations/a/topicSubscriptions", params={"topic_name": "t1"}, json={})


def test_a_fault_strikes_so_many_times(fcm: httpx.Client, inspection: httpx.Client) -> None:
    """A fault gives its status, headers and body to its number of requests, then ends."""
    fault = {
        "vendor": "fcm",
        "path_contains": "topicSubscriptions",
        "status": 503,
        "times": 2,
        "headers": {"Retry-After": "7"},
        "body": {"error": {"status": "UNAVAILABLE"}},
    }
    inspection.post("/_faults", json=fault).raise_for_status()

    answers = [subscribe(fcm) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json() == {"error": {"status": "UNAVAILABLE"}}


def test_a_fault_before_the_work_changes_nothing(
    fcm: httpx.Client, inspection: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """The platform did not see the request; the log names the fault."""
    inspection.post("/_faults", json={"vendor": "fcm", "status": 500})

    subscribe(fcm)

    assert inspection.get("/_state").json()["audiences"] == []
    logged = last_request()
    assert (logged["status"], logged["changed_state"], logged["fault"]) == (
        500,
        False,
        "status 500",
    )


def test_a_fault_after_the_work_hides_a_change(
    fcm: httpx.Client, inspection: httpx.Client, members: Members, last_request: LastRequest
) -> None:
    """The platform did its work, though the client saw the connection break."""
    inspection.post("/_faults", json={"vendor": "fcm", "drop_connection": True, "when": "after"})

    with pytest.raises(httpx.RemoteProtocolError):
        subscribe(fcm)

    assert [member["token"] for member in members("fcm", "t1")] == ["a"]
    logged = last_request()
    assert (logged["status"], logged["changed_state"], logged["fault"]) == (200, True, "dropped")


def test_a_connection_can_break_in_the_middle_of_a_body(
    fcm: httpx.Client, inspection: httpx.Client
) -> None:
    """With a status, the body begins and does not end; the next request works again."""
    fault = {"vendor": "*", "status": 200, "drop_connection": True, "body": {"name": "x" * 100}}
    inspection.post("/_faults", json=fault)

    with pytest.raises(httpx.RemoteProtocolError, match="complete"):
        subscribe(fcm)

    assert subscribe(fcm).status_code == 200


def test_a_text_body_is_html(fcm: httpx.Client, inspection: httpx.Client) -> None:
    """A proxy's error page comes as HTML."""
    inspection.post("/_faults", json={"vendor": "fcm", "status": 502, "body": "<h1>Bad</h1>"})

    answer = subscribe(fcm)

    assert answer.headers["content-type"] == "text/html"
    assert answer.text == "<h1>Bad</h1>"


def test_a_delay_alone_only_delays(fcm: httpx.Client, inspection: httpx.Client) -> None:
    """A late answer is a right answer."""
    inspection.post("/_faults", json={"vendor": "fcm", "delay_seconds": 0.2})
    started = time.monotonic()

    answer = subscribe(fcm)

    assert answer.status_code == 200
    assert time.monotonic() - started >= 0.2


def test_faults_can_be_cleared(fcm: httpx.Client, inspection: httpx.Client) -> None:
    """A fault without an end stays until it is cleared."""
    inspection.post("/_faults", json={"vendor": "fcm", "status": 500, "times": None})
    struck = [subscribe(fcm).status_code for _ in range(3)]

    assert len(inspection.get("/_faults").json()["faults"]) == 1
    assert inspection.delete("/_faults").json() == {"faults": []}
    assert (struck, subscribe(fcm).status_code) == ([500] * 3, 200)


def test_a_fault_can_let_requests_pass_first() -> None:
    """`skip` counts down before the fault strikes, for matching requests only."""
    faults = Faults()
    faults.add(Fault(vendor="meta", path_contains="users", method="POST", status=500, skip=1))

    taken = [
        faults.take("meta", "POST", "/1/users"),
        faults.take("meta", "DELETE", "/1/users"),
        faults.take("google", "POST", "/1/users"),
        faults.take("meta", "POST", "/1/users"),
        faults.take("meta", "POST", "/1/users"),
    ]

    assert [fault is not None for fault in taken] == [False, False, False, True, False]


@pytest.mark.parametrize(
    "described",
    [{"status": 500}, {"vendor": "brevo"}, {"vendor": "meta", "state": 5},
     {"vendor": "meta", "when": "later"}],
)  # fmt: skip
def test_a_fault_nobody_understands_is_refused(described: dict[str, Any]) -> None:
    """The error names what can be used instead."""
    with pytest.raises(UnusableFault, match="Use one of"):
        read_fault(described, ("klaviyo", "meta"))
