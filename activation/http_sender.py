"""Send a destination's requests by HTTP; the only place that does."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from activation.addresses import GuardedTransport, tls_context
from activation.conversation import Unanswered
from activation.destinations.base import Destination, Request, Response
from activation.destinations.reach import SealingDestination, check_url

# They log whole addresses, and those hold push tokens and e-mail addresses.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


def utc_now() -> datetime:
    """Return the wall clock in UTC, with its zone."""
    return datetime.now(UTC)


def http_client(destination: Any) -> httpx.Client:
    """Return a client that follows no redirect and gives up on a silent platform.

    A destination with an address rule is talked to directly: a proxy resolves names by itself.
    """
    rule = getattr(destination, "address_rule", None)
    if rule is None:
        return httpx.Client(timeout=_TIMEOUT, verify=tls_context())
    return httpx.Client(timeout=_TIMEOUT, transport=GuardedTransport(rule), trust_env=False)


@dataclass(frozen=True)
class HttpSender:
    """Send a destination's requests; credentials are added here and nowhere kept."""

    client: httpx.Client
    destination: Destination
    clock: Callable[[], datetime] = utc_now

    def __call__(self, request: Request) -> Response:
        """Return the platform's answer.

        Raise Unanswered when there is none, AddressRefused when nothing may be sent there.
        """
        url = request.address or self.destination.base_url.rstrip("/") + request.path
        rule = getattr(self.destination, "address_rule", None)
        if rule is not None:
            check_url(url, rule)
        if isinstance(self.destination, SealingDestination) and not request.address:
            request = self.destination.sealed(request, self.clock())
        headers, parameters = dict(request.headers), dict(request.parameters)
        if not request.address:
            headers = {**self.destination.headers(), **headers}
            parameters |= self.destination.parameters()
        if request.body is not None:
            headers["content-type"] = request.content_type
        try:
            answer = self.client.request(
                request.method,
                url,
                params=parameters or None,
                content=request.body,
                headers=headers,
            )
        except _NEVER_SENT:
            raise Unanswered("no_connection", was_sent=False) from None
        except httpx.RequestError:
            raise Unanswered("no_answer", was_sent=True) from None
        return Response(answer.status_code, _lower(answer.headers), answer.content)


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
