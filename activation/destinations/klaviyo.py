"""Keep Klaviyo lists in step: profiles by bulk import and membership, never consent."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import orjson

from activation.destinations.answers import (
    common_outcome,
    pack_batch,
    place,
    read_answer,
    refused_request,
)
from activation.destinations.base import (
    Batch,
    FollowUp,
    Found,
    Narrow,
    Outcome,
    Prepared,
    Request,
    Response,
    Retry,
    Settled,
    Stop,
    Target,
)
from activation.destinations.capabilities import BatchLimits, Capabilities, Rate, Surface
from activation.destinations.klaviyo_erasures import erasures
from activation.destinations.klaviyo_members import list_members, listed_members
from activation.destinations.klaviyo_profiles import (
    IDENTITIES,
    MEDIA_TYPE,
    PROFILE_BYTES,
    PROPERTY,
    STANDARD,
    encoded,
    import_body,
    profile_text,
)
from activation.destinations.klaviyo_removals import found_profiles, lookups
from activation.destinations.layout import Layout
from activation.destinations.row_texts import RowText
from activation.errors import TargetMissing

_LOOKUPS = ("find_profiles", "find_erased", "find_list")
_DONE = {("remove_members", 204), ("erase_profile", 202)}
_POSITION = re.compile(r"/profiles/data/(\d+)(?:/|$)")


@dataclass(frozen=True)
class KlaviyoSettings:
    """Where and as whom to talk to Klaviyo."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "api_key": "REGULARS_KLAVIYO_API_KEY",
        "base_url": "REGULARS_KLAVIYO_BASE_URL",
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("api_key",)

    api_key: str = field(default="", repr=False)
    base_url: str = "https://a.klaviyo.com"
    revision: str = "2026-10-15"


@dataclass(frozen=True)
class Klaviyo:
    """Klaviyo's profile import jobs and list relationships."""

    settings: KlaviyoSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="klaviyo",
        surfaces={"list": Surface("membership")},
        fields=frozenset(STANDARD),
        field_prefix=PROPERTY,
        identities=IDENTITIES,
        addresses={"email": "email", "phone": "phone_number"},
        batch=BatchLimits(upsert_rows=10_000, removal_rows=1_000),
        rate=Rate(burst_per_second=10, steady_per_minute=150),
        step_rates={"erase_profile": Rate(3, 60)} | dict.fromkeys(_LOOKUPS, Rate(75, 700)),
        follow_ups={"import_profiles": ("import_job",), "find_profiles": ("remove_members",)},
        normaliser="klaviyo/1",
        erases=True,
    )

    @property
    def base_url(self) -> str:
        """Return the address every path is appended to."""
        return self.settings.base_url

    @property
    def account(self) -> str:
        """Return the host; a Klaviyo key belongs to one account."""
        return place(self.settings.base_url)

    def headers(self) -> Mapping[str, str]:
        """Return credentials, API revision and media type."""
        return {
            "authorization": f"Klaviyo-API-Key {self.settings.api_key}",
            "revision": self.settings.revision,
            "accept": MEDIA_TYPE,
        }

    def parameters(self) -> Mapping[str, str]:
        """Return nothing: no query parameter is on every request."""
        return {}

    def target(self, name: str) -> Request:
        """Find the list by its name; `classify` makes it when there is none."""
        wanted = {"filter": f"equals(name,{orjson.dumps(name).decode()})"}
        return Request("find_list", "GET", "/api/lists", parameters=wanted, context=name)

    members = staticmethod(list_members)

    def requests(self, batch: Batch) -> Prepared:
        """Import profiles into the list, or look up the profiles to take out of it."""
        return _imports(batch) if batch.operation == "upsert" else lookups(batch)

    def row_text(self, target: str, layout: Layout, run_id: str) -> RowText | None:
        """Return how the warehouse writes a profile."""
        return profile_text(layout.types)

    def poll(self, job: str, rows: tuple[int, ...], polls: int) -> Request:
        """Ask how far an import job is."""
        path = f"/api/profile-bulk-import-jobs/{job}"
        return Request("import_job", "GET", path, rows=rows, polls=polls, is_poll=True)

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer of Klaviyo means for the rows of its request."""
        outcome = common_outcome("klaviyo", "REGULARS_KLAVIYO_API_KEY", request, response)
        if outcome is not None:
            return outcome
        return read_answer("klaviyo", request, response, lambda: self._read(request, response))

    def _read(self, request: Request, response: Response) -> Outcome:
        if response.status >= 400:
            return _refusal(request, response)
        if (request.step, response.status) in _DONE:
            return Settled(delivered=request.rows)
        return self._accepted(request, response.document() or {})

    def _accepted(self, request: Request, document: Mapping[str, Any]) -> Outcome:
        match request.step:
            case "find_list":
                return _found_or_made(request, document)
            case "make_list":
                return Found(Target(document["data"]["id"], request.context))
            case "import_profiles":
                return FollowUp((self.poll(document["data"]["id"], request.rows, 0),))
            case "import_job":
                return self._progress(request, document["data"])
            case "list_members":
                return listed_members(request, document)
            case "import_errors":
                return _import_errors(request, document)
            case "find_erased":
                return erasures(request, document)
            case _:
                return found_profiles(request, document)

    def _progress(self, request: Request, job: Mapping[str, Any]) -> Outcome:
        state = job["attributes"]
        if state["status"] == "cancelled":
            return Narrow("import_cancelled")
        if state["status"] != "complete":
            again = self.poll(job["id"], request.rows, request.polls + 1)
            return FollowUp((again,))
        if not state.get("failed_count"):
            return Settled(delivered=request.rows)
        path = f"/api/profile-bulk-import-jobs/{job['id']}/import-errors"
        context: tuple[int, dict[int, str]] = (int(state["failed_count"]), {})
        return FollowUp((Request("import_errors", "GET", path, request.rows, context=context),))


def _found_or_made(request: Request, document: Mapping[str, Any]) -> Outcome:
    for found in document["data"]:
        if found["attributes"]["name"] == request.context:
            return Found(Target(found["id"], request.context))
    body = {"data": {"type": "list", "attributes": {"name": request.context}}}
    made = Request(
        "make_list",
        "POST",
        "/api/lists",
        body=orjson.dumps(body),
        content_type=MEDIA_TYPE,
        context=request.context,
    )
    return FollowUp((made,))


def _imports(batch: Batch) -> Prepared:
    invalid: dict[int, str] = {}
    lists = {"lists": {"data": [{"type": "list", "id": batch.target.identifier}]}}
    limits = Klaviyo.capabilities.batch
    room = replace(limits, request_bytes=limits.request_bytes - 1_000)
    parts = pack_batch(batch, lambda rows: encoded(rows, invalid), room, PROFILE_BYTES)
    requests = tuple(
        Request(
            "import_profiles",
            "POST",
            "/api/profile-bulk-import-jobs",
            rows=rows,
            body=import_body(profiles, lists),
            content_type=MEDIA_TYPE,
        )
        for rows, profiles in parts
    )
    return Prepared(requests, invalid)


def _import_errors(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Name the rejected rows by their position in the job, page after page."""
    failed, before = request.context
    attributes = [error["attributes"] for error in document["data"]]
    named = _named(request, [(a["source"]["pointer"], a["code"]) for a in attributes])
    rejected = {**before, **named}
    following = (document.get("links") or {}).get("next")
    if following:
        cursor = dict(parse_qsl(urlsplit(following).query))
        return FollowUp((replace(request, parameters=cursor, context=(failed, rejected)),))
    if len(rejected) < failed:
        return Narrow("import_failed", rejected)
    kept = tuple(number for number in request.rows if number not in rejected)
    return Settled(delivered=kept, rejected=rejected)


def _refusal(request: Request, response: Response) -> Outcome:
    if not request.rows:
        return refused_request("klaviyo", request, response.status)
    if request.step in ("import_job", "import_errors"):
        return Retry(f"http_{response.status}")
    errors = (response.document() or {}).get("errors") or []
    pointers = [(str((e.get("source") or {}).get("pointer", "")), e.get("code")) for e in errors]
    if response.status == 404 or any("/relationships/lists" in place for place, _ in pointers):
        msg = "klaviyo: the list no longer exists. The next run makes it anew and fills it."
        return Stop(TargetMissing(msg))
    return Narrow(f"http_{response.status}", _named(request, pointers))


def _named(request: Request, pointers: Iterable[tuple[str, Any]]) -> dict[int, str]:
    return {
        request.rows[int(found[1])]: str(code)
        for pointer, code in pointers
        if (found := _POSITION.search(pointer)) and int(found[1]) < len(request.rows)
    }
