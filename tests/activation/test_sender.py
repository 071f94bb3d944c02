"""What is added to a request on its way out."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from activation.destinations.answers import wait_seconds
from activation.destinations.base import Request, Response
from activation.http_sender import HttpSender
from tests.contracts.destinations import HTTP, SECRETS, destination

SEALED = ("web_push", "webhook")
"""Those whose credentials are in what they seal, and that no platform names an address to."""


@pytest.mark.parametrize("name", [name for name in HTTP if name not in SEALED])
def test_an_address_that_the_platform_names_gets_no_credentials(name):
    """A report may lie with a stranger: neither headers nor proofs go there."""
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, text="EMAIL")

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        send = HttpSender(client, destination(name))
        send(Request("report", "GET", "", address="https://files.example.com/r.csv?signed=1"))
        send(Request("step", "GET", "/path"))

    report, usual = seen
    assert str(report.url) == "https://files.example.com/r.csv?signed=1"
    assert not any(secret in f"{report.url} {report.headers.raw}" for secret in SECRETS)
    assert any(secret in f"{usual.url} {usual.headers.raw}" for secret in SECRETS)


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("40", 40, 40), ("-3", 0, 0), ("soon", None, None), ("", None, None), ("nan", None, None)],
)
def test_the_wait_a_platform_names_in_seconds(said, least, most):
    """What is no number and no date says nothing."""
    waited = wait_seconds(Response(429, {"retry-after": said}))

    assert waited is least is None or least <= waited <= most


def test_the_wait_a_platform_names_as_a_date():
    """HTTP allows both; a date that is past asks for no wait."""
    future = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    assert 85 <= wait_seconds(Response(429, {"retry-after": future})) <= 90
    assert wait_seconds(Response(503, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})) == 0
