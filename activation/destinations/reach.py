"""Say which addresses a destination may reach, and name what only some destinations have."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from urllib.parse import SplitResult, urlsplit

from activation.destinations.base import Request, Target
from activation.destinations.layout import Layout
from activation.destinations.row_texts import RowText

NOT_PUBLIC = "address_not_public"
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_TUNNELS = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class AddressRule:
    """Only addresses on the public internet, over TLS.

    `allows_loopback` adds this machine, without TLS if need be: for tests and the sandbox.
    """

    allows_loopback: bool = False


class AddressRefused(Exception):
    """A request was not sent: nothing may be sent to its address."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class ReadableDestination(Protocol):
    """A platform that tells who is in a target, so that it can be compared with the ledger."""

    def members(self, target: Target, layout: Layout) -> Request:
        """Return the first request for the members; `classify` answers with Listed."""
        ...


@runtime_checkable
class SealingDestination(Protocol):
    """A platform whose requests are signed or encrypted anew for every attempt."""

    def sealed(self, request: Request, moment: datetime) -> Request:
        """Return the request as it goes out at a moment (UTC, with zone)."""
        ...


@runtime_checkable
class WritingDestination(Protocol):
    """A platform whose rows are texts that the warehouse can make, faster than Python."""

    def row_text(self, target: str, layout: Layout, run_id: str) -> RowText | None:
        """Return how a row to be sent is written, or None when rows of this layout are not.

        `target` is the target's name.
        """
        ...


def check_url(url: str, rule: AddressRule) -> None:
    """Raise AddressRefused unless a URL is one that may be asked; a name is not resolved here."""
    parts = split_url(url)
    host = parts.hostname or ""
    if not host or parts.scheme not in ("http", "https"):
        raise AddressRefused("address_malformed", "the address is no URL with a host")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("address_with_credentials", "the address holds credentials")
    literal = _literal(host)
    if rule.allows_loopback and is_loopback(host):
        return
    if parts.scheme == "http":
        raise AddressRefused("address_without_tls", "the address does not begin with https://")
    if literal is not None and not is_public(literal):
        raise AddressRefused(NOT_PUBLIC, "the address is not on the public internet")


def split_url(url: str) -> SplitResult:
    """Return the parts of a URL, and empty ones of a text that is none."""
    try:
        parts = urlsplit(url)
        is_usable = parts.port != 0
    except ValueError:
        is_usable = False
    return parts if is_usable else urlsplit("")


def is_public(address: Address) -> bool:
    """Say whether an address can only be that of a host on the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _TRANSLATED:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GLOBAL_UNICAST or any(address in network for network in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_loopback(host: str) -> bool:
    """Say whether a host names this machine without anybody being asked."""
    literal = _literal(host)
    return host == "localhost" if literal is None else literal.is_loopback


def says_yes(text: str) -> bool:
    """Read a setting that is on or off; anything but `true` is off."""
    return text.strip().lower() == "true"


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
