"""What is added to a request on its way out."""

import httpx
import pytest

from activation.delivery import HttpSender
from activation.destinations.base import Request
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
