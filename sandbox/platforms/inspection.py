"""The view behind the curtain: audiences, members, requests and faults, open to any test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.platforms import fcm
from sandbox.platforms.faults import Faults, UnusableFault, read_fault
from sandbox.platforms.page import render_page
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Json, Vendor, parse_json

SHOWN_MEMBERS = 12
SHOWN_REQUESTS = 2_000
_LOG = (
    "select id, occurred_at, vendor, method, path, status, count_rows as rows,"
    " changed_state, milliseconds, body_bytes, body_digest, fault from requests"
)
_LOG_KEYS = (
    "id", "occurred_at", "vendor", "method", "path", "status", "rows", "changed_state",
    "milliseconds", "body_bytes", "body_digest", "fault",
)  # fmt: skip


def _reply(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


class Inspection:
    """Answer questions about one store; finished jobs are waited for, requests are not logged."""

    def __init__(self, store: Store, vendors: tuple[Vendor, ...], faults: Faults) -> None:
        self._store = store
        self._vendors = {vendor.name: vendor for vendor in vendors}
        self._faults = faults

    def routes(self) -> list[Route]:
        """Return the routes of inspection and the page."""
        return [
            Route("/", self.page),
            Route("/_state", self.state),
            Route("/_state/{vendor}/audiences", self.audiences),
            Route("/_state/{vendor}/audiences/{name:path}/members", self.members),
            Route("/_requests", self.requests),
            Route("/_requests/summary", self.summary),
            Route("/_faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_reset", self.reset, methods=["POST"]),
        ]

    def _audiences(self, vendor: Vendor) -> list[Json]:
        with self._store.transaction():
            found = vendor.audiences(self._store)
        return [{"vendor": vendor.name, **audience} for audience in found]

    async def state(self, request: Request) -> Response:
        """Return every audience of every vendor with its count of members."""
        found = [a for vendor in self._vendors.values() for a in self._audiences(vendor)]
        return _reply({"audiences": found})

    async def audiences(self, request: Request) -> Response:
        """Return the audiences of one vendor."""
        vendor = self._vendors.get(request.path_params["vendor"])
        if vendor is None:
            return self._unknown_vendor()
        return _reply({"audiences": self._audiences(vendor)})

    async def members(self, request: Request) -> Response:
        """Return the members of one audience, named by its id or its name."""
        vendor = self._vendors.get(request.path_params["vendor"])
        if vendor is None:
            return self._unknown_vendor()
        named = _named(vendor, self._audiences(vendor), request.path_params["name"])
        if len(named) != 1:
            remedy = "Use its id." if named else "GET /_state lists the audiences."
            error = f"{len(named)} audiences have this name. {remedy}"
            return _reply({"error": error}, 409 if named else 404)
        members = vendor.members(self._store, named[0]["id"], -1)
        whole = {"vendor": vendor.name, **named[0], "count_members": len(members)}
        return _reply({**whole, "members": members})

    def _unknown_vendor(self) -> Response:
        error = f"No such vendor. Use one of: {', '.join(self._vendors)}."
        return _reply({"error": error}, 404)

    async def requests(self, request: Request) -> Response:
        """Return the logged requests with an id above `since`, oldest first."""
        since = int(request.query_params.get("since", "0"))
        rows = self._store.rows(f"{_LOG} where id > ? order by id", (since,))
        found = [_log_view(row) for row in rows]
        return _reply({"requests": found, "last_id": found[-1]["id"] if found else since})

    async def summary(self, request: Request) -> Response:
        """Return counts of requests above `since`, per vendor and in total."""
        since = int(request.query_params.get("since", "0"))
        return _reply(summarise(self._store, since, self._vendors))

    async def faults(self, request: Request) -> Response:
        """List, add or clear faults; let FCM tokens be unregistered."""
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            described = parse_json(await request.body())
            if not isinstance(described, dict):
                return _reply({"error": "A fault is a JSON object."}, 400)
            if tokens := described.get("unregistered_tokens"):
                fcm.bury_tokens(self._store, tokens)
                return _reply({"unregistered_tokens": len(tokens)}, 201)
            try:
                self._faults.add(read_fault(described, tuple(self._vendors)))
            except UnusableFault as error:
                return _reply({"error": str(error)}, 400)
        return _reply({"faults": self._faults.waiting()}, 201 if request.method == "POST" else 200)

    async def reset(self, request: Request) -> Response:
        """Forget all audiences, members, jobs, requests and faults."""
        self._store.reset()
        self._faults.clear()
        return Response(status_code=204)

    async def page(self, request: Request) -> Response:
        """Return the page for people."""
        shown = []
        for vendor in self._vendors.values():
            audiences = [
                (audience, vendor.members(self._store, audience["id"], SHOWN_MEMBERS))
                for audience in self._audiences(vendor)
            ]
            shown.append((vendor.name, vendor.title, audiences))
        rows = self._store.rows(f"{_LOG} order by id desc limit {SHOWN_REQUESTS}")
        requests = [_log_view(row) for row in rows]
        summary = summarise(self._store, 0, self._vendors)
        return HTMLResponse(render_page(shown, requests, summary))


def _named(vendor: Vendor, audiences: list[Json], name: str) -> list[Json]:
    """Return the audiences with an id or name; Klaviyo's account counts as the one `profiles`."""
    named = [a for a in audiences if a["id"] == name] or [a for a in audiences if a["name"] == name]
    if not named and (vendor.name, name) == ("klaviyo", "profiles"):
        return [{"id": name, "name": name}]
    return named


def _log_view(row: tuple[Any, ...]) -> Json:
    view = dict(zip(_LOG_KEYS, row, strict=True))
    return {**view, "changed_state": bool(view["changed_state"])}


def summarise(store: Store, since: int, vendors: Iterable[str]) -> Json:
    """Return counts of requests, of those that changed state, of rows and of statuses."""
    found: Json = {name: _nothing() for name in (*vendors, "total")}
    for vendor, status, requests, changed, rows in store.rows(
        "select vendor, status, count(*), sum(changed_state), sum(count_rows) from requests"
        " where id > ? group by vendor, status order by vendor, status",
        (since,),
    ):
        for part in (found[vendor], found["total"]):
            part["requests"] += requests
            part["changed_state"] += changed
            part["rows"] += rows
            part["statuses"][str(status)] = part["statuses"].get(str(status), 0) + requests
    total = found.pop("total")
    return {**total, "vendors": found}


def _nothing() -> Json:
    return {"requests": 0, "changed_state": 0, "rows": 0, "statuses": {}}
