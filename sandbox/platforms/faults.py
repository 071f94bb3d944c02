"""Faults on demand: wrong statuses, delays, cut connections, for tests and rehearsals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MOMENTS = ("before", "after")


class UnusableFault(ValueError):
    """A fault description that names no vendor or has a field nobody knows."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What shall happen to the next `times` matching requests (None: to all of them).

    `skip` lets so many matching requests pass first. `when="after"` lets the platform do its work
    and spoils only the reply. `drop_connection` cuts the connection; together with `status` it
    cuts in the middle of the body. Without `status` and `drop_connection` there is only a delay.
    """

    vendor: str
    path_contains: str = ""
    method: str | None = None
    status: int | None = None
    times: int | None = 1
    skip: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    delay_seconds: float = 0.0
    drop_connection: bool = False
    when: str = "before"

    @property
    def label(self) -> str:
        """Return the word for the request log."""
        if self.drop_connection:
            return "dropped"
        return f"status {self.status}" if self.status else "delayed"

    @property
    def spoils(self) -> bool:
        """Say whether the reply is spoiled, not only late."""
        return self.status is not None or self.drop_connection

    @property
    def hinders(self) -> bool:
        """Say whether the platform does not even see the request."""
        return self.spoils and self.when == "before"

    def matches(self, vendor: str, method: str, path: str) -> bool:
        """Say whether a request is meant."""
        return (
            self.vendor in (vendor, "*")
            and self.method in (None, method)
            and self.path_contains in path
        )


def read_fault(described: Mapping[str, Any], vendors: tuple[str, ...]) -> Fault:
    """Return the fault a JSON object describes; raise UnusableFault with the remedy."""
    known = [f.name for f in fields(Fault)]
    if unknown := sorted(set(described) - set(known)):
        msg = f"Unknown field {unknown[0]!r}. Use one of: {', '.join(known)}."
        raise UnusableFault(msg)
    if described.get("vendor") not in (*vendors, "*"):
        msg = f"A fault needs a vendor. Use one of: {', '.join(vendors)} or * for all."
        raise UnusableFault(msg)
    if described.get("when", "before") not in MOMENTS:
        msg = f"`when` is unknown. Use one of: {', '.join(MOMENTS)}."
        raise UnusableFault(msg)
    return Fault(**described)


class Faults:
    """The faults that still wait; they live in memory and end with the server."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its requests."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    def waiting(self) -> list[Fault]:
        """Return the faults that still wait, in the order they came."""
        return list(self._waiting)

    def take(self, vendor: str, method: str, path: str) -> Fault | None:
        """Return the first fault due for a request and count it down."""
        for place, fault in enumerate(self._waiting):
            if not fault.matches(vendor, method, path):
                continue
            if fault.skip:
                self._waiting[place] = replace(fault, skip=fault.skip - 1)
                continue
            if fault.times is not None:
                self._waiting[place] = replace(fault, times=fault.times - 1)
                self._waiting = [f for f in self._waiting if f.times != 0]
            return fault
        return None


def faulty_response(fault: Fault) -> Response:
    """Return the response a fault asks for."""
    text = fault.body if isinstance(fault.body, str) else None
    body = text.encode() if text is not None else orjson.dumps(fault.body or {})
    kind = "text/html" if text is not None else "application/json"
    headers = {"content-type": kind, **{k.lower(): v for k, v in fault.headers.items()}}
    if fault.drop_connection:
        return CutResponse(body, fault.status, headers)
    return Response(body, fault.status or 500, headers)


class CutResponse(Response):
    """A response whose connection is cut: before its first byte, or in the middle of its body."""

    def __init__(self, body: bytes, status: int | None, headers: Mapping[str, str]) -> None:
        super().__init__(body, status or 500, dict(headers))
        self._silent = status is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of the promised body or nothing, then close the connection hard."""
        if not self._silent:
            half = self.body[: len(self.body) // 2]
            await send(
                {"type": "http.response.start", "status": self.status_code,
                 "headers": self.raw_headers}
            )  # fmt: skip
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await asyncio.sleep(0.02)
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:
            msg = "The connection was cut on purpose."
            raise ConnectionResetError(msg)
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
