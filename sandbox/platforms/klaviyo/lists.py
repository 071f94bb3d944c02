"""Klaviyo's lists and who is on them; being on a list says nothing about consent."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import orjson

from sandbox.platforms.klaviyo.errors import (
    check_object,
    check_reference,
    read_resource,
    refuse,
    refuse_field,
)
from sandbox.platforms.klaviyo.pages import collection, read_filter, read_page
from sandbox.platforms.klaviyo.profiles import number_of, profile_id_of
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, parse_json, timestamp

TABLES = """
create table if not exists klaviyo_lists (
    number integer primary key autoincrement, list_id text unique not null, name text not null,
    opt_in_process text not null, created_at text not null, updated_at text not null);
create table if not exists klaviyo_list_members (
    list_id text not null, profile integer not null, added_at text not null,
    primary key (list_id, profile)) without rowid;
"""

LISTS_A_DAY = 150
MAX_CHANGES = 1_000
MAX_MEMBERS_PAGE = 1_000
LISTS_PAGE = 10


def create_list(call: Call) -> Answer:
    """Create a list; at most 150 in 24 hours."""
    attributes = check_object(
        read_resource(call, "list")["attributes"], "/data/attributes", {"name"}, {"opt_in_process"}
    )
    name = attributes["name"]
    if not isinstance(name, str) or not name.strip():
        refuse_field("/data/attributes/name", "The list name must be a text that is not empty.")
    day_ago = timestamp(call.now - timedelta(days=1))
    recent = call.store.value("select count(*) from klaviyo_lists where created_at > ?", (day_ago,))
    if recent >= LISTS_A_DAY * call.settings.rate_factor:
        detail = "The daily limit of new lists is used up."
        refuse(429, "throttled", detail, {"Retry-After": "3600"})
    process = attributes.get("opt_in_process") or "double_opt_in"
    now = timestamp(call.now)
    row = (secrets.token_hex(3).upper(), name, process, now, now)
    number = call.store.insert(
        "insert into klaviyo_lists (list_id, name, opt_in_process, created_at, updated_at)"
        " values (?, ?, ?, ?, ?)",
        row,
    )
    return Answer(201, {"data": _resource(call, (number, *row))}, rows=1, changed=True)


def _resource(call: Call, row: tuple[Any, ...]) -> Json:
    _, list_id, name, process, created, updated = row
    attributes = {"name": name, "created": created, "updated": updated, "opt_in_process": process}
    link = f"{call.base_url}/api/lists/{list_id}"
    return {"type": "list", "id": list_id, "attributes": attributes, "links": {"self": link}}


def get_list(call: Call) -> Answer:
    """Return one list."""
    list_id = call.params["list_id"]
    require_lists(call.store, [list_id])
    row = call.store.rows("select * from klaviyo_lists where list_id = ?", (list_id,))[0]
    return Answer(200, {"data": _resource(call, row)}, rows=1)


def get_lists(call: Call) -> Answer:
    """Return lists, ten a page, optionally only those with a name or id."""
    field, values = read_filter(call, ("name", "id")) or ("id", None)
    size, after = read_page(call, LISTS_PAGE, LISTS_PAGE)
    rows = call.store.rows(
        "select * from klaviyo_lists where number > ?2 and (?1 = 'null' or"
        " case ?4 when 'name' then name else list_id end in (select value from json_each(?1)))"
        " order by number limit ?3",
        (orjson.dumps(values).decode(), after, size + 1, field),
    )
    found = [(row[0], _resource(call, row)) for row in rows]
    return Answer(200, collection(call, "/api/lists", found, size), rows=min(size, len(found)))


def require_lists(store: Store, list_ids: Iterable[str]) -> None:
    """Refuse lists that do not exist (404)."""
    for list_id in list_ids:
        if store.row("select 1 from klaviyo_lists where list_id = ?", (list_id,)) is None:
            refuse(404, "not_found", f"A list with id {list_id} does not exist.")


def change_members(call: Call) -> Answer:
    """Add (POST) or remove (DELETE) up to 1,000 profiles, by id only; consent stays as it is."""
    document = check_object(parse_json(call.body), "", {"data"})
    references = document["data"]
    if not isinstance(references, list) or not 0 < len(references) <= MAX_CHANGES:
        refuse_field("/data", f"`data` must hold 1 to {MAX_CHANGES} profile references.")
    list_id = call.params["list_id"]
    require_lists(call.store, [list_id])
    numbers = [
        number_of(check_reference(reference, f"/data/{index}", "profile"))
        for index, reference in enumerate(references)
    ]
    change = add_to_list if call.method == "POST" else remove_from_list
    changed = change(call.store, list_id, numbers, timestamp(call.now))
    return Answer(204, rows=len(numbers), changed=changed > 0)


def get_members(call: Call) -> Answer:
    """Return the ids of a list's profiles, at most 1,000 a page."""
    list_id = call.params["list_id"]
    require_lists(call.store, [list_id])
    size, after = read_page(call, 20, MAX_MEMBERS_PAGE)
    rows = call.store.rows(
        "select profile from klaviyo_list_members where list_id = ? and profile > ?"
        " order by profile limit ?",
        (list_id, after, size + 1),
    )
    found = [(number, {"type": "profile", "id": profile_id_of(number)}) for (number,) in rows]
    path = f"/api/lists/{list_id}/relationships/profiles"
    return Answer(200, collection(call, path, found, size), rows=min(size, len(found)))


def add_to_list(store: Store, list_id: str, numbers: Iterable[int], now: str) -> int:
    """Add profiles that exist to a list; return how many were not on it."""
    return store.run_many(
        "insert or ignore into klaviyo_list_members"
        " select ?, number, ? from klaviyo_profiles where number = ?",
        [(list_id, now, number) for number in numbers],
    )


def remove_from_list(store: Store, list_id: str, numbers: Iterable[int], now: str) -> int:
    """Take profiles off a list; return how many were on it."""
    return store.run_many(
        "delete from klaviyo_list_members where list_id = ? and profile = ?",
        [(list_id, number) for number in numbers],
    )
