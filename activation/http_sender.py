"""Send a destination's requests by HTTP; the only place that does."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.request import getproxies

import httpx

from activation.addresses import tls_context
from activation.conversation import Unanswered
from activation.destinations.base import Destination, Request, Response
from activation.destinations.reach import SealingDestination, check_url
from activation.wire import CONNECT_SECONDS, SILENCE_SECONDS, Wire

# They log whole addresses, and those hold push tokens and e-mail addresses.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_PROXIES = {"http", "https", "all"}
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


def utc_now() -> datetime:
    """Return the wall clock in UTC, with its zone."""
    return datetime.now(UTC)


class Answer(Protocol):
    """What came back for a request."""

    @property
    def status_code(self) -> int:
        """Return the status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers."""
        ...

    @property
    def content(self) -> bytes:
        """Return the body, unpacked."""
        ...


class Client(Protocol):
    """What carries requests: a Wire, or an httpx.Client."""

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        """Return the answer to a request; raise as httpx does."""
        ...


def http_client(destination: Any) -> httpx.Client | Wire:
    """Return what follows no redirect and gives up on a silent platform.

    Where the environment names a proxy, it is used; except for a destination with an address rule,
    which is talked to directly: a proxy resolves names by itself.
    """
    rule = getattr(destination, "address_rule", None)
    if rule is None and _PROXIES & getproxies().keys():
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
        return httpx.Client(timeout=timeout, verify=tls_context())
    return Wire(rule)


@dataclass(frozen=True)
class HttpSender:
    """Send a destination's requests; credentials are added here and nowhere kept."""

    client: Client
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


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
