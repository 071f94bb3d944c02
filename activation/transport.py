"""Open what a destination's requests travel by: HTTP, or a database connection."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from activation.database import DatabaseSender
from activation.destinations.base import Request, Response
from activation.http_sender import Client, HttpSender, http_client

Send = Callable[[Request], Response]


@dataclass
class ThreadedSender:
    """An HTTP client for every thread that sends: clients that are shared wait for each other."""

    destination: Any
    _local: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "ThreadedSender":
        """Return the sender; nothing is opened yet."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Close the clients of all threads."""
        self._open.close()

    def __call__(self, request: Request) -> Response:
        """Return the platform's answer; raise what HttpSender raises."""
        send = getattr(self._local, "send", None)
        if send is None:
            send = self._local.send = HttpSender(self._client(), self.destination)
        return send(request)

    def _client(self) -> Client:
        client = http_client(self.destination)
        with self._lock:
            self._open.enter_context(client)
        return client


@contextmanager
def sender_for(destination: Any, client: httpx.Client | None) -> Iterator[Send]:
    """Yield what sends a destination's requests; a `client` that is given stays open."""
    if destination.capabilities.transport == "database":
        with DatabaseSender(destination) as sender:
            yield sender
    elif client is not None:
        yield HttpSender(client, destination)
    else:
        with ThreadedSender(destination) as threaded:
            yield threaded
