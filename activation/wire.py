"""Exchange requests and answers with a platform over connections that are kept open.

httpx spends most of a small request on what is not needed here: merged defaults, cookies,
redirects, authentication flows. This asks httpcore, which httpx itself is built on.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

import httpcore
import httpx

from activation.addresses import connection_pool
from activation.destinations.reach import AddressRule

SILENCE_SECONDS = 60.0
CONNECT_SECONDS = 10.0

_TIMEOUTS = {
    "connect": CONNECT_SECONDS,
    "read": SILENCE_SECONDS,
    "write": SILENCE_SECONDS,
    "pool": SILENCE_SECONDS,
}
_DEFAULTS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "regulars"}
_PLAIN = re.compile(
    r"(https?://[a-z0-9][a-z0-9.:-]*)(/(?:[\w.~!$&()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)", re.ASCII
)
_WITH_BODY = ("POST", "PUT", "PATCH")
_NOT_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.UnsupportedProtocol)
_NO_ANSWER = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


@dataclass(frozen=True, repr=False)
class Answer:
    """What came back; names of headers are lower-case, values of one name are joined."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Wire:
    """The connections of one thread; no redirect is followed and no proxy asked.

    With an AddressRule nothing is connected to but the addresses that it allows.
    """

    def __init__(self, rule: AddressRule | None = None) -> None:
        self._pool = connection_pool(rule)

    def __enter__(self) -> "Wire":
        """Return the wire; nothing is connected yet."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Close all connections."""
        self._pool.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to a request.

        Raise httpx's InvalidURL, UnsupportedProtocol or ConnectError when it was certainly not
        sent, another TransportError when it may have been, and AddressRefused when nothing may be
        sent there.
        """
        place, target = whole_address(url, params or {})
        try:
            found = self._pool.request(
                method,
                httpcore.URL(
                    scheme=place.raw_scheme,
                    host=place.raw_host,
                    port=place.port,
                    target=target,
                ),
                headers=list(_headers(method, place, headers or {}, content)),
                content=content,
                extensions={"timeout": _TIMEOUTS},
            )
        except _NOT_SENT:
            raise httpx.ConnectError("") from None
        except _NO_ANSWER:
            raise httpx.TransportError("") from None
        return _read(found)


def whole_address(url: str, parameters: Mapping[str, str]) -> tuple[httpx.URL, bytes]:
    """Return whom to ask, and path and query as they are sent.

    To parse an address is a good part of the work on a small request; most need it once.
    """
    plain = _PLAIN.fullmatch(url)
    if plain and "/." not in plain[2]:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return _parsed(plain[1]), f"{plain[2]}{query}".encode()
    place = httpx.URL(url)
    if not place.host:
        raise httpx.UnsupportedProtocol("")
    place = place.copy_merge_params(parameters) if parameters else place
    return place, place.raw_path


@lru_cache(maxsize=64)
def _parsed(origin: str) -> httpx.URL:
    return httpx.URL(origin)


def _headers(
    method: str, place: httpx.URL, given: Mapping[str, str], content: bytes | None
) -> Iterator[tuple[bytes, bytes]]:
    yield b"host", place.netloc
    named = {name.lower(): value for name, value in given.items()}
    for name, value in {**_DEFAULTS, **named}.items():
        yield name.encode("ascii"), value.encode("ascii")
    if content is not None or method in _WITH_BODY:
        yield b"content-length", b"%d" % len(content or b"")


def _read(found: httpcore.Response) -> Answer:
    headers: dict[str, str] = {}
    for raw_name, raw_value in found.headers:
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if "content-encoding" not in headers:
        return Answer(found.status, headers, found.content)
    return Answer(found.status, headers, _unpacked(found))


def _unpacked(found: httpcore.Response) -> bytes:
    packed = httpx.ByteStream(found.content)
    answer = httpx.Response(found.status, headers=found.headers, stream=packed)
    return answer.read()
