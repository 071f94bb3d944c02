"""The way in: every vendor request is admitted, limited, answered and logged, or spoiled."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import blake2b

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.platforms.faults import Fault, Faults, faulty_response
from sandbox.platforms.state import Entry, Store
from sandbox.platforms.vendor import Answer, Call, Endpoint, Refusal, Settings, Vendor, timestamp
from sandbox.platforms.windows import Windows

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Gateway:
    """Answer HTTP requests for vendors out of one store."""

    def __init__(self, store: Store, settings: Settings, faults: Faults) -> None:
        self._store = store
        self._settings = settings
        self._faults = faults
        self._windows = Windows(settings.rate_factor)

    def routes(self, vendor: Vendor) -> list[Route]:
        """Return the vendor's routes below `/<name>`, with one at the end for unknown paths."""

        def lost(call: Call) -> Answer:
            raise Refusal(vendor.problem(404, "The requested path and method do not exist."))

        endpoints = [*vendor.endpoints]
        endpoints += [Endpoint(method, "/{unknown:path}", lost) for method in METHODS]
        return [
            Route(f"/{vendor.name}{e.path}", self._serve(vendor, e), methods=[e.method])
            for e in endpoints
        ]

    def _serve(
        self, vendor: Vendor, endpoint: Endpoint
    ) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            started = time.perf_counter()
            body = await request.body()
            fault = self._faults.take(vendor.name, request.method, request.url.path)
            if fault and fault.delay_seconds:
                await asyncio.sleep(fault.delay_seconds)
            call = self._call(vendor, request, body)
            answer = self._answer(vendor, endpoint, call, fault, started)
            spoils = fault is not None and fault.spoils
            return faulty_response(fault) if fault and spoils else _response(vendor, answer)

        return serve

    def _call(self, vendor: Vendor, request: Request, body: bytes) -> Call:
        return Call(
            method=request.method,
            base_url=f"{request.base_url}{vendor.name}",
            params=request.path_params,
            query=request.query_params,
            headers=request.headers,
            body=body,
            store=self._store,
            settings=self._settings,
            now=datetime.now(UTC),
        )

    def _answer(
        self, vendor: Vendor, endpoint: Endpoint, call: Call, fault: Fault | None, started: float
    ) -> Answer:
        label = fault.label if fault else None
        try:
            with self._store.transaction():
                if fault and fault.hinders:
                    answer = Answer(fault.status or 0)
                else:
                    vendor.settle(self._store)
                    answer = self._handle(vendor, endpoint, call)
                self._store.log(_entry(vendor, endpoint, call, answer, label, started))
        except Refusal as refusal:
            answer = refusal.answer
            with self._store.transaction():
                self._store.log(_entry(vendor, endpoint, call, answer, label, started))
        return answer

    def _handle(self, vendor: Vendor, endpoint: Endpoint, call: Call) -> Answer:
        vendor.admit(call)
        if not endpoint.limits:
            return endpoint.handle(call)
        bucket = endpoint.bucket or f"{endpoint.method} {endpoint.path}"
        verdict = self._windows.take(f"{vendor.name} {bucket}", endpoint.limits)
        if not verdict.allowed:
            raise Refusal(vendor.throttled(verdict))
        answer = endpoint.handle(call)
        headers = {**answer.headers, **vendor.quota(verdict)}
        return Answer(answer.status, answer.body, headers, answer.rows, answer.changed)


def _entry(
    vendor: Vendor, endpoint: Endpoint, call: Call, answer: Answer, fault: str | None,
    started: float,
) -> Entry:  # fmt: skip
    return Entry(
        occurred_at=timestamp(call.now),
        vendor=vendor.name,
        method=call.method,
        path=_logged_path(vendor, endpoint, call),
        status=answer.status,
        rows=answer.rows,
        changed=answer.changed,
        milliseconds=round((time.perf_counter() - started) * 1000, 3),
        body_bytes=len(call.body),
        body_digest=blake2b(call.body, digest_size=8).hexdigest(),
        fault=fault,
    )


def _logged_path(vendor: Vendor, endpoint: Endpoint, call: Call) -> str:
    kept = {"unknown": "...", endpoint.hidden: "..."}  # may hold what must not be logged
    values = {**call.params, **kept}
    path = _PARAMETER.sub(lambda found: str(values[found[1]]), endpoint.path)
    return f"/{vendor.name}{path}"


def _response(vendor: Vendor, answer: Answer) -> Response:
    headers = {**answer.headers}
    content = answer.body if isinstance(answer.body, bytes) else b""
    if answer.body is not None and not isinstance(answer.body, bytes):
        content = orjson.dumps(answer.body)
        headers["content-type"] = vendor.media_type
    return Response(content, answer.status, headers)
