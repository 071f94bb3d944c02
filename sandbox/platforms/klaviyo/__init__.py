"""Klaviyo's API, revision 2026-10-15: lists, bulk imports, memberships, subscriptions, erasure."""

from __future__ import annotations

import re
import secrets
from datetime import date, timedelta
from urllib.parse import quote
from uuid import uuid4

import orjson

from sandbox.platforms import klaviyo_imports as imports
from sandbox.platforms import klaviyo_profiles as profiles
from sandbox.platforms.klaviyo_errors import check_object, invalid, klaviyo_problem, refuse
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Endpoint, Json, Vendor, parse_json, timestamp
from sandbox.platforms.windows import Limit, Verdict

REVISIONS = (
    "2024-02-15", "2024-05-15", "2024-06-15", "2024-07-15", "2024-10-15", "2025-01-15",
    "2025-04-15", "2025-07-15", "2025-10-15", "2026-01-15", "2026-04-15", "2026-07-15",
    "2026-10-15",
)  # fmt: skip
REVISION_LIFETIME = timedelta(days=730)
MEDIA_TYPE = "application/vnd.api+json"
LISTS_A_DAY = 150
MAX_LIST_CHANGES = 1_000
MAX_SUBSCRIPTIONS = {"create": 1_000, "delete": 100}
MAX_FILTER_VALUES = 100

USUAL = (Limit(10, 1), Limit(150, 60))
GENEROUS = (Limit(75, 1), Limit(700, 60))
SUBSCRIBING = (Limit(75, 1), Limit(750, 60))
ERASING = (Limit(3, 1), Limit(60, 60))

TABLES = (
    """
create table if not exists klaviyo_lists (
    list_id text primary key, name text not null, opt_in_process text not null,
    created_at text not null, updated_at text not null);
"""
    + profiles.TABLES
    + imports.TABLES
)

_FILTER = re.compile(r"(any|equals)\((\w+),\s*(.+)\)", re.DOTALL)


def admit(call: Call) -> None:
    """Refuse a call without key (401), usable revision (400, 410) or JSON:API body (415)."""
    authorization = call.headers.get("authorization")
    if not authorization:
        refuse(401, "not_authenticated", "Authentication credentials were not provided.")
    if authorization != f"Klaviyo-API-Key {call.settings.token}":
        refuse(401, "authentication_failed", "Incorrect authentication credentials.")
    revision = call.headers.get("revision", "").removesuffix(".pre")
    if revision not in REVISIONS:
        refuse(400, "invalid", "The `revision` header is missing or names no known revision.")
    if date.fromisoformat(revision) + REVISION_LIFETIME < call.now.date():
        refuse(410, "gone", "This API revision has been retired.")
    media_type = call.headers.get("content-type", "").partition(";")[0].strip()
    if call.method != "GET" and media_type != MEDIA_TYPE:
        refuse(415, "unsupported_media_type", f"Content-Type must be {MEDIA_TYPE}.")


def throttled(verdict: Verdict) -> Answer:
    """Return 429 with Retry-After and without RateLimit headers."""
    wait = verdict.reset_seconds
    detail = f"Request was throttled. Expected available in {wait} seconds."
    answer = klaviyo_problem(429, "throttled", detail)
    return Answer(429, answer.body, {"Retry-After": str(wait)})


def quota(verdict: Verdict) -> dict[str, str]:
    """Return the RateLimit headers of a success."""
    windows = ", ".join(f"{limit.count};w={limit.seconds}" for limit in verdict.limits)
    return {
        "RateLimit-Limit": f"{verdict.limits[0].count}, {windows}",
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.reset_seconds),
    }


def _resource(call: Call, kind: str) -> Json:
    document = parse_json(call.body)
    if not isinstance(document, dict) or set(document) != {"data"}:
        invalid("/data", "The body must be a JSON object with the one key `data`.")
    data = document["data"]
    if not isinstance(data, dict) or data.get("type") != kind:
        invalid("/data/type", f"The resource type must be '{kind}'.")
    return data


def create_list(call: Call) -> Answer:
    """Create a list; at most 150 in 24 hours."""
    data = _resource(call, "list")
    check_object(data, "/data", {"type", "attributes"}, set())
    attributes = data["attributes"]
    check_object(attributes, "/data/attributes", {"name"}, {"opt_in_process"})
    name = attributes["name"]
    if not isinstance(name, str) or not name.strip():
        invalid("/data/attributes/name", "The list name must be a text that is not empty.")
    day_ago = timestamp(call.now - timedelta(days=1))
    recent = call.store.value(
        "select count(*) from klaviyo_lists where created_at > ?", (day_ago,)
    )
    if recent >= LISTS_A_DAY * call.settings.rate_factor:
        refuse(429, "throttled", "The daily limit of new lists is used up.", {"Retry-After": "3600"})
    now = timestamp(call.now)
    process = attributes.get("opt_in_process") or "double_opt_in"
    row = (secrets.token_hex(3).upper(), name, process, now, now)
    call.store.run("insert into klaviyo_lists values (?, ?, ?, ?, ?)", row)
    return Answer(201, {"data": _list_resource(call, row)}, rows=1, changed=True)


def _list_resource(call: Call, row: tuple[str, ...]) -> Json:
    list_id, name, process, created, updated = row
    return {
        "type": "list",
        "id": list_id,
        "attributes": {
            "name": name, "created": created, "updated": updated, "opt_in_process": process,
        },
        "links": {"self": f"{call.base_url}/api/lists/{list_id}"},
    }  # fmt: skip


def get_list(call: Call) -> Answer:
    """Return one list."""
    row = call.store.row(
        "select * from klaviyo_lists where list_id = ?", (call.params["list_id"],)
    )
    if row is None:
        refuse(404, "not_found", f"A list with id {call.params['list_id']} does not exist.")
    return Answer(200, {"data": _list_resource(call, row)}, rows=1)


def _filtered(call: Call, allowed: dict[str, str]) -> tuple[str, list[str]]:
    """Return the SQL condition and its values for the `filter` parameter."""
    text = call.query.get("filter")
    if text is None:
        return "true", []
    match = _FILTER.fullmatch(text.strip())
    values = parse_json(match[3].encode()) if match else None
    values = [values] if match and match[1] == "equals" else values
    if match is None or not isinstance(values, list) or match[2] not in allowed:
        refuse(400, "invalid", "The filter cannot be read.", parameter="filter")
    if not all(isinstance(v, str) for v in values) or not 0 < len(values) <= MAX_FILTER_VALUES:
        refuse(400, "invalid", f"A filter takes 1 to {MAX_FILTER_VALUES} texts.", parameter="filter")
    column = allowed[match[2]]
    return f"{column} in (select value from json_each(?))", [orjson.dumps(values).decode()]


def _page(call: Call, default: int, largest: int) -> tuple[int, str]:
    size = call.query.get("page[size]", str(default))
    if not size.isdigit() or not 1 <= int(size) <= largest:
        detail = f"Page size must be between 1 and {largest}."
        refuse(400, "invalid", detail, parameter="page[size]")
    return int(size), call.query.get("page[cursor]", "")


def _collection(call: Call, found: list[Json], size: int, cursors: list[str]) -> Json:
    following = None
    if len(found) > size:
        kept = {k: v for k, v in call.query.items() if k != "page[cursor]"}
        kept["page[cursor]"] = cursors[size - 1]
        path = call.base_url + "/api/" + found[0]["type"] + "s"
        following = path + "?" + "&".join(f"{quote(k)}={quote(v)}" for k, v in kept.items())
    own = f"{call.base_url}/api"
    return {"data": found[:size], "links": {"self": own, "next": following, "prev": None}}


def get_lists(call: Call) -> Answer:
    """Return lists, ten a page, filtered by name or id."""
    condition, values = _filtered(call, {"name": "name", "id": "list_id"})
    size, cursor = _page(call, 10, 10)
    rows = call.store.rows(
        f"select * from klaviyo_lists where {condition} and list_id > ?"  # noqa: S608 - own column
        " order by list_id limit ?",
        (*values, cursor, size + 1),
    )
    found = [_list_resource(call, row) for row in rows]
    return Answer(200, _collection(call, found, size, [row[0] for row in rows]), rows=len(rows))


def get_profiles(call: Call) -> Answer:
    """Return profiles, at most 100 a page, filtered by an identifier."""
    columns = {name: name for name in profiles.IDENTIFIERS}
    condition, values = _filtered(call, {**columns, "id": "profile_id"})
    size, cursor = _page(call, 20, 100)
    rows = profiles.find_profiles(call.store, condition, values, cursor, size + 1)
    wanted = call.query.get("fields[profile]")
    fields = set(wanted.split(",")) if wanted is not None else None
    found = [profiles.profile_resource(row, call.base_url, fields) for row in rows]
    body = _collection(call, found, size, [row.profile_id for row in rows])
    return Answer(200, body, rows=len(rows))


def change_list_members(call: Call) -> Answer:
    """Add (POST) or remove (DELETE) up to 1,000 profiles, by id only; consent stays as it is."""
    document = parse_json(call.body)
    references = document.get("data") if isinstance(document, dict) else None
    if not isinstance(references, list) or not 0 < len(references) <= MAX_LIST_CHANGES:
        invalid("/data", f"`data` must hold 1 to {MAX_LIST_CHANGES} profile references.")
    for index, reference in enumerate(references):
        check_object(reference, f"/data/{index}", {"type", "id"}, set())
        if reference["type"] != "profile" or not isinstance(reference["id"], str):
            invalid(f"/data/{index}", "A reference is {'type': 'profile', 'id': text}.")
    list_id = call.params["list_id"]
    imports.require_lists(call.store, [list_id])
    ids = [reference["id"] for reference in references]
    change = profiles.add_to_list if call.method == "POST" else profiles.remove_from_list
    changed = change(call.store, list_id, ids, timestamp(call.now))
    return Answer(204, rows=len(ids), changed=changed > 0)


def get_list_members(call: Call) -> Answer:
    """Return the ids of a list's profiles, at most 1,000 a page."""
    imports.require_lists(call.store, [call.params["list_id"]])
    size, cursor = _page(call, 20, 1_000)
    ids = profiles.list_profile_ids(call.store, call.params["list_id"], cursor, size + 1)
    body = _collection(call, [{"type": "profile", "id": i} for i in ids], size, ids)
    if body["links"]["next"]:
        query = body["links"]["next"].partition("?")[2]
        path = f"/api/lists/{call.params['list_id']}/relationships/profiles"
        body["links"]["next"] = f"{call.base_url}{path}?{query}"
    return Answer(200, body, rows=len(ids))


def change_subscriptions(call: Call) -> Answer:
    """Subscribe or unsubscribe; to unsubscribe with a list somebody is not on is global."""
    verb = call.params["verb"]
    if verb not in MAX_SUBSCRIPTIONS:
        refuse(404, "not_found", "The requested path does not exist.")
    data = _resource(call, f"profile-subscription-bulk-{verb}-job")
    check_object(data, "/data", {"type", "attributes"}, {"relationships"})
    attributes = data["attributes"]
    optional = {"custom_source", "historical_import"} if verb == "create" else set()
    check_object(attributes, "/data/attributes", {"profiles"}, optional)
    listed = (data.get("relationships") or {}).get("list", {}).get("data", {}).get("id")
    if listed:
        imports.require_lists(call.store, [listed])
    people = attributes["profiles"].get("data")
    if not isinstance(people, list) or not 0 < len(people) <= MAX_SUBSCRIPTIONS[verb]:
        pointer = "/data/attributes/profiles/data"
        invalid(pointer, f"There must be 1 to {MAX_SUBSCRIPTIONS[verb]} profiles.")
    for index, person in enumerate(people):
        pointer = f"/data/attributes/profiles/data/{index}"
        channels = profiles.requested_consents(person, pointer, verb)
        profiles.record_consent(call.store, person, channels, verb, listed, timestamp(call.now))
    return Answer(202, rows=len(people), changed=True)


def erase_profile(call: Call) -> Answer:
    """Delete one person for good, named by exactly one identifier."""
    data = _resource(call, "data-privacy-deletion-job")
    check_object(data, "/data", {"type", "attributes"}, set())
    check_object(data["attributes"], "/data/attributes", {"profile"}, set())
    profile = data["attributes"]["profile"].get("data", {})
    named = {**profile.get("attributes", {}), **({"id": profile["id"]} if "id" in profile else {})}
    if len(named) != 1 or set(named) - {"id", "email", "phone_number"}:
        pointer = "/data/attributes/profile/data"
        invalid(pointer, "Name exactly one of id, email and phone_number.")
    erased = profiles.erase(call.store, *next(iter(named.items())))
    return Answer(202, rows=1, changed=erased > 0)


def audiences(store: Store) -> list[Json]:
    """Return every list and how many profiles it holds."""
    imports.finish_jobs(store)
    return [
        {"id": list_id, "name": name, "count_members": count}
        for list_id, name, count in store.rows(
            "select l.list_id, l.name, (select count(*) from klaviyo_list_members as m"
            " where m.list_id = l.list_id) from klaviyo_lists as l order by l.name"
        )
    ]


def new_id() -> str:
    """Return an identifier as Klaviyo gives to jobs and errors."""
    return uuid4().hex


_JOBS = "/api/profile-bulk-import-jobs"
_MEMBERS = "/api/lists/{list_id}/relationships/profiles"

KLAVIYO = Vendor(
    name="klaviyo",
    title="Klaviyo",
    tables=TABLES,
    endpoints=(
        Endpoint("POST", "/api/lists", create_list, USUAL),
        Endpoint("GET", "/api/lists", get_lists, GENEROUS),
        Endpoint("GET", "/api/lists/{list_id}", get_list, GENEROUS),
        Endpoint("GET", _MEMBERS, get_list_members, GENEROUS),
        Endpoint("POST", _MEMBERS, change_list_members, USUAL),
        Endpoint("DELETE", _MEMBERS, change_list_members, USUAL),
        Endpoint("GET", "/api/profiles", get_profiles, GENEROUS),
        Endpoint("POST", _JOBS, imports.accept_import, USUAL),
        Endpoint("GET", _JOBS + "/{job_id}", imports.get_job, USUAL),
        Endpoint("GET", _JOBS + "/{job_id}/import-errors", imports.get_import_errors, USUAL),
        Endpoint(
            "POST", "/api/profile-subscription-bulk-{verb}-jobs", change_subscriptions, SUBSCRIBING
        ),
        Endpoint("POST", "/api/data-privacy-deletion-jobs", erase_profile, ERASING),
    ),
    admit=admit,
    problem=lambda status, detail: klaviyo_problem(status, "not_found", detail),
    throttled=throttled,
    quota=quota,
    audiences=audiences,
    members=profiles.list_members,
    settle=imports.finish_old_jobs,
    media_type=MEDIA_TYPE,
)
