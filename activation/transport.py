"""Open what a destination's requests travel by: HTTP, or a database connection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import httpx

from activation.database import DatabaseSender
from activation.delivery import HttpSender, http_client
from activation.destinations.base import Request, Response

Send = Callable[[Request], Response]


@contextmanager
def sender_for(destination: Any, client: httpx.Client | None) -> Iterator[Send]:
    """Yield what sends a destination's requests; a `client` that is given stays open."""
    if destination.capabilities.transport == "database":
        with DatabaseSender(destination) as sender:
            yield sender
        return
    with nullcontext(client) if client else http_client(destination) as http:
        yield HttpSender(http, destination)
