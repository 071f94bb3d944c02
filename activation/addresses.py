"""Connect to public addresses only, where the address comes from somebody else."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpcore
import httpx

from activation.destinations.reach import NOT_PUBLIC, AddressRefused, AddressRule, is_public

_CONNECTIONS = 100
_IDLE_SECONDS = 5.0
_NO_CONNECTION = (httpcore.ConnectError, httpcore.ConnectTimeout)


_reading_certificates = threading.Lock()


def tls_context() -> ssl.SSLContext:
    """Return what certificates are checked with; to read them takes a tenth of a second.

    Threads that begin together wait for the one that reads them.
    """
    with _reading_certificates:
        return _tls_context()


@cache
def _tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def allowed_addresses(host: str, port: int, rule: AddressRule) -> list[str]:
    """Resolve a host and return its addresses.

    Raise AddressRefused when one of them is neither public nor allowed by the rule, OSError when
    the host has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    plain = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
    if rule.allows_loopback and all(address.is_loopback for address in plain):
        return addresses
    if not all(is_public(address) for address in plain):
        raise AddressRefused(NOT_PUBLIC, "the address is not on the public internet")
    return addresses


class _GuardedBackend(httpcore.SyncBackend):
    """Connect to the very addresses that were looked at: a second answer may be another one."""

    def __init__(self, rule: AddressRule) -> None:
        self._rule = rule

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers."""
        try:
            addresses = allowed_addresses(host, port, self._rule)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError from None
        failed: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except _NO_CONNECTION as error:
                failed = error
        raise failed


def connection_pool(rule: AddressRule | None) -> httpcore.ConnectionPool:
    """Return connections to the addresses that a rule allows, or to any without one.

    The guard sits beneath TLS, where connections are made.
    """
    return httpcore.ConnectionPool(
        ssl_context=tls_context(),
        max_connections=_CONNECTIONS,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=None if rule is None else _GuardedBackend(rule),
    )
