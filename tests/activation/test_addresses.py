"""Addresses that come from somebody else: only public ones over TLS are talked to."""

import ipaddress
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from activation import addresses
from activation.addresses import allowed_addresses
from activation.destinations.reach import AddressRefused, AddressRule, check_url, is_public
from activation.wire import Wire

STRICT, LOCAL = AddressRule(), AddressRule(allows_loopback=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 - refused, not bound to
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:a00:1::",
        "2001:0:a00:1::",
        "2001:db8::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_of_no_public_host_are_told(address):
    """Private, local, shared, documented, tunnelled and group addresses, in every disguise."""
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused):
        check_url(f"https://{host}/hook", STRICT)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_told(address):
    """Also through the translation of addresses that networks without version 4 use."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "address_malformed"),
        ("hook", "address_malformed"),
        ("ftp://example.com/hook", "address_malformed"),
        ("https:///hook", "address_malformed"),
        ("https://[::1/hook", "address_malformed"),
        ("https://example.com:99999/hook", "address_malformed"),
        ("http://example.com/hook", "address_without_tls"),
        ("http://localhost/hook", "address_without_tls"),
        ("https://user@example.com/hook", "address_with_credentials"),
        ("https://user:word@example.com/hook", "address_with_credentials"),
        ("https://127.0.0.1/hook", "address_not_public"),
    ],
)
def test_unusable_urls_are_refused_by_code(url, code):
    """The code says what is wrong and the address is not repeated."""
    with pytest.raises(AddressRefused) as refused:
        check_url(url, STRICT)

    assert refused.value.code == code
    assert "example" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://example.com/a?b=c", "https://example.com:8443/"])
def test_public_urls_over_tls_are_allowed(url):
    """A name is judged by its addresses, when it is connected to."""
    check_url(url, STRICT)


def test_this_machine_is_allowed_only_when_said_so_and_nothing_else_with_it():
    """The setting for tests opens no private network."""
    check_url("http://127.0.0.1:9/hook", LOCAL)
    check_url("http://localhost:9/hook", LOCAL)
    with pytest.raises(AddressRefused):
        check_url("http://10.0.0.1/hook", LOCAL)

    assert allowed_addresses("localhost", 9, LOCAL)
    with pytest.raises(AddressRefused):
        allowed_addresses("localhost", 9, STRICT)
    with pytest.raises(AddressRefused):
        allowed_addresses("10.0.0.1", 9, LOCAL)


@contextmanager
def listening():
    """Serve an empty page on this machine and yield its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_name_that_leads_home_is_not_connected_to():
    """The guard sits where connections are made, so that no later answer of the DNS matters."""
    with listening() as port:
        with Wire(STRICT) as client:
            with pytest.raises(AddressRefused):
                client.request("GET", f"http://localhost:{port}/")
            with pytest.raises(AddressRefused):
                client.request("GET", f"http://2130706433:{port}/")
        with Wire(LOCAL) as client:
            assert client.request("GET", f"http://localhost:{port}/").status_code == 204


def test_a_name_without_address_is_no_connection():
    """It is tried again like any platform that cannot be reached."""
    with (
        Wire(STRICT) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.request("GET", "https://nobody.invalid/")


def test_certificates_are_read_once_by_threads_that_begin_together(monkeypatch):
    """Each of sixteen senders would read them: more work than to send a hundred thousand rows."""
    read = []

    def slowly():
        time.sleep(0.05)
        read.append(object())
        return read[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", slowly)
    addresses._tls_context.cache_clear()
    try:
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda _: addresses.tls_context(), range(16)))
    finally:
        addresses._tls_context.cache_clear()

    assert found == read * 16
