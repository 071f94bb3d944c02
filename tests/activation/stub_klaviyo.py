"""Klaviyo in memory, as far as one list needs it: lists, import jobs, profile lookup, removal."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx

Answer = Callable[[httpx.Request], httpx.Response | None]


@dataclass
class StubKlaviyo:
    """The platform's state, every request it got, and a hook to misbehave."""

    lists: dict[str, str] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    interfere: Answer = lambda request: None
    polls: int = 0
    rejected: frozenset[str] = frozenset()
    lock: Any = field(default_factory=threading.Lock)

    def client(self) -> httpx.Client:
        """Return a client that talks to this stub only."""
        return httpx.Client(transport=httpx.MockTransport(self.answer))

    def emails(self, name: str = "Win back") -> set[str]:
        """Return the e-mail addresses on a list."""
        return {
            self.profiles[member]["email"]
            for identifier, title in self.lists.items()
            if title == name
            for member in self.members[identifier]
        }

    def sent(self, method: str, part: str) -> int:
        """Count the requests of a method whose path contains a text."""
        return sum(r.method == method and part in r.url.path for r in self.requests)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        with self.lock:
            self.requests.append(request)
            odd = self.interfere(request)
            if odd is not None:
                return odd
            if request.headers["authorization"] != "Klaviyo-API-Key secret":
                return httpx.Response(401, json={"errors": []})
            return self._route(request)

    def _route(self, request: httpx.Request) -> httpx.Response:
        path, body = request.url.path, json.loads(request.content or b"null")
        match request.method, path.split("/")[2:]:
            case "GET", ["lists"]:
                found = [
                    {"type": "list", "id": identifier, "attributes": {"name": name}}
                    for identifier, name in self.lists.items()
                ]
                return httpx.Response(200, json={"data": found})
            case "POST", ["lists"]:
                identifier = f"L{len(self.lists)}"
                self.lists[identifier] = body["data"]["attributes"]["name"]
                self.members[identifier] = set()
                return httpx.Response(201, json={"data": {"type": "list", "id": identifier}})
            case "POST", ["profile-bulk-import-jobs"]:
                return self._import(body["data"])
            case "GET", ["profile-bulk-import-jobs", job]:
                return self._job(job)
            case "GET", ["profile-bulk-import-jobs", job, "import-errors"]:
                return httpx.Response(200, json={"data": self.jobs[job]["errors"]})
            case "GET", ["lists", identifier, "profiles"]:
                return self._listed(request, identifier)
            case "GET", ["profiles"]:
                return self._find(unquote(request.url.params["filter"]))
            case "DELETE", ["lists", identifier, "relationships", "profiles"]:
                self.members[identifier] -= {profile["id"] for profile in body["data"]}
                return httpx.Response(204)
        return httpx.Response(404, json={"errors": []})

    def _import(self, job: dict[str, Any]) -> httpx.Response:
        (target,) = job["relationships"]["lists"]["data"]
        if target["id"] not in self.lists:
            return httpx.Response(404, json={"errors": [{"code": "not_found"}]})
        errors = []
        for index, profile in enumerate(job["attributes"]["profiles"]["data"]):
            attributes = profile["attributes"]
            if attributes["email"] in self.rejected:
                pointer = f"/data/attributes/profiles/data/{index}/attributes/email"
                errors.append({"attributes": {"code": "invalid", "source": {"pointer": pointer}}})
                continue
            identifier = "P" + attributes["email"]
            known = self.profiles.setdefault(identifier, {})
            self.profiles[identifier] = {**known, **attributes}
            self.members[target["id"]].add(identifier)
        number = f"J{len(self.jobs)}"
        self.jobs[number] = {"left": self.polls, "errors": errors}
        return httpx.Response(202, json={"data": {"type": job["type"], "id": number}})

    def _job(self, number: str) -> httpx.Response:
        job = self.jobs[number]
        status = "complete" if job["left"] == 0 else "processing"
        job["left"] = max(0, job["left"] - 1)
        attributes = {"status": status, "failed_count": len(job["errors"])}
        return httpx.Response(200, json={"data": {"id": number, "attributes": attributes}})

    def _listed(self, request: httpx.Request, identifier: str) -> httpx.Response:
        """Return two profiles a page."""
        start = int(request.url.params.get("page[cursor]", 0))
        members = sorted(self.members[identifier])
        data = [
            {"type": "profile", "id": member, "attributes": self.profiles[member]}
            for member in members[start : start + 2]
        ]
        following = request.url.copy_set_param("page[cursor]", start + 2)
        more = str(following) if start + 2 < len(members) else None
        return httpx.Response(200, json={"data": data, "links": {"next": more}})

    def _find(self, wanted: str) -> httpx.Response:
        kind, values = re.fullmatch(r"any\((\w+),(.*)\)", wanted).groups()  # type: ignore[union-attr]
        found = [
            {"type": "profile", "id": identifier, "attributes": {kind: profile[kind]}}
            for identifier, profile in self.profiles.items()
            if profile.get(kind) in json.loads(values)
        ]
        return httpx.Response(200, json={"data": found})
