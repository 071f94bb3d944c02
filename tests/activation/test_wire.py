"""Requests and answers as they go over a real connection."""

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.conversation import Unanswered
from activation.destinations.base import Request
from activation.destinations.klaviyo import Klaviyo, KlaviyoSettings
from activation.http_sender import HttpSender, http_client
from activation.wire import Wire, whole_address


class Platform(BaseHTTPRequestHandler):
    """Tells what it was asked, unless the path asks for something odd."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        """Answer any method."""
        self.server.ports.add(self.client_address[1])
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.asked.append((self.command, self.path, self.headers, body))
        if self.path == "/lost":
            self.close_connection = True
            return
        packed = self.path == "/packed"
        told = gzip.compress(body) if packed else body
        self.send_response(307 if self.path == "/moved" else 200)
        for name, value in [("Location", "/elsewhere"), ("X-Twice", "a"), ("X-Twice", "b")]:
            self.send_header(name, value)
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def platform():
    """Run the platform; it remembers what it was asked, and from which ports."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Platform) as server:
        server.daemon_threads = True
        server.asked, server.ports = [], set()
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def sending(url):
    """Yield what sends Klaviyo's requests to an address."""
    with Wire() as wire:
        yield HttpSender(wire, Klaviyo(KlaviyoSettings("secret", url)))


def test_a_request_arrives_as_it_was_meant(platform):
    """Method, path, parameters, headers and body, and one connection for all of them."""
    request = Request("step", "POST", "/a%20b/å?c=d", parameters={"e": "f g&h"}, body=b"{}")
    with sending(platform.url) as send:
        answer = send(request)
        send(Request("step", "DELETE", "/"))

    method, path, headers, body = platform.asked[0]
    assert (method, path, body) == ("POST", "/a%20b/%C3%A5?c=d&e=f+g%26h", b"{}")
    assert headers["authorization"] == "Klaviyo-API-Key secret"
    assert headers["content-type"] == "application/json"
    assert headers["host"] == platform.url.removeprefix("http://")
    assert (answer.status, answer.body, answer.headers["x-twice"]) == (200, b"{}", "a, b")
    assert "content-length" not in platform.asked[1][2]
    assert len(platform.ports) == 1


def test_an_answer_is_unpacked(platform):
    """Platforms that list members may answer in gzip."""
    with sending(platform.url) as send:
        assert send(Request("step", "POST", "/packed", body=b"{}" * 99)).body == b"{}" * 99


def test_no_redirect_is_followed(platform):
    """Personal data goes to the configured address or nowhere."""
    with sending(platform.url) as send:
        assert send(Request("step", "GET", "/moved")).status == 307

    assert len(platform.asked) == 1


def test_a_lost_answer_is_in_doubt(platform):
    """The platform may have done what it was asked; the next request connects anew."""
    with sending(platform.url) as send:
        with pytest.raises(Unanswered) as unanswered:
            send(Request("step", "POST", "/lost", body=b"{}"))
        assert send(Request("step", "GET", "/")).status == 200

    assert unanswered.value.was_sent


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "localhost:9", "ftp://example.com", "http://", "http:///x", "x"]
)
def test_what_was_never_sent_is_known_not_to_be(url):
    """Nobody listens, or the address is none; neither it nor a value is in the error."""
    with sending(url) as send, pytest.raises(Unanswered) as unanswered:
        send(Request("step", "GET", "/v1/token-of-ada"))

    assert not unanswered.value.was_sent
    assert unanswered.value.__cause__ is None
    assert "token" not in str(unanswered.value)


def test_a_proxy_is_asked_where_the_environment_names_one(monkeypatch):
    """Some networks have no other way out."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with http_client(None) as client:
        assert isinstance(client, Wire)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with http_client(None) as client:
        assert isinstance(client, httpx.Client)


PATHS = st.from_regex(r"(/([\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*", fullmatch=True)


@settings(deadline=None)
@given(
    st.sampled_from(["http://h.example", "https://H.example:443", "http://h:81", "http://h:80"]),
    PATHS | st.sampled_from(["/å b", "/?x=1&y=%20", "/a#f", "/a/../b", "/./", "/%zz"]),
    st.dictionaries(st.text(max_size=5), st.text(max_size=6), max_size=3),
)
def test_an_address_is_written_as_httpx_writes_it(origin, path, parameters):
    """The short way to an address leads to the same one."""
    parsed = httpx.URL(origin + path)
    expected = parsed.copy_merge_params(parameters) if parameters else parsed

    place, target = whole_address(origin + path, parameters)

    assert target == expected.raw_path
    for part in ("raw_scheme", "raw_host", "port", "netloc"):
        assert getattr(place, part) == getattr(expected, part)
