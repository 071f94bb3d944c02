"""Firebase over real HTTP on a local port: subscriptions, and how often each was asked for."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class StubFcm:
    """Who is subscribed, and every request by method and token."""

    subscribed: set[str] = field(default_factory=set)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: float = 0.0
    alarm_after: int = 0
    alarm: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    base_url: str = ""

    def handle(self, method: str, path: str) -> int:
        """Change one subscription and return the HTTP status."""
        time.sleep(self.seconds)
        token = unquote(path.split("/registrations/")[1].split("/")[0])
        with self.lock:
            self.requests[method, token] += 1
            if self.requests.total() == self.alarm_after:
                self.alarm.set()
            if method == "DELETE":
                self.subscribed.discard(token)
                return 200
            known = token in self.subscribed
            self.subscribed.add(token)
            return 409 if known else 200

    @contextmanager
    def serving(self) -> Iterator["StubFcm"]:
        """Serve until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.base_url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                status = stub.handle(self.command, urlsplit(self.path).path)
                self.send_response(status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
