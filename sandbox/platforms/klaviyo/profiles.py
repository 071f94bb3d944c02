"""Klaviyo's profiles: one per person, found by external id, e-mail or phone number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.platforms.klaviyo.errors import (
    check_object,
    read_resource,
    refuse,
    refuse_field,
)
from sandbox.platforms.klaviyo.pages import collection, read_filter, read_page
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json

TABLES = """
create table if not exists klaviyo_profiles (
    number integer primary key autoincrement,
    external_id text unique, email text unique, phone_number text unique,
    attributes text not null, email_consent text not null default 'NEVER_SUBSCRIBED',
    sms_consent text not null default 'NEVER_SUBSCRIBED', suppression text,
    created_at text not null, updated_at text not null);
"""

IDENTIFIERS = ("external_id", "email", "phone_number")
MAX_PAGE = 100
_ID_PREFIX = "01"
_is_number = re.compile(r"0{9}[0-9A-F]{15}").fullmatch
_COLUMNS = (
    "number, external_id, email, phone_number, attributes, email_consent, sms_consent,"
    " suppression, created_at, updated_at"
)
_FIND = {
    "id": "number in (select value from json_each(?))",
    "external_id": "external_id in (select value from json_each(?))",
    "email": "email in (select value from json_each(?))",
    "phone_number": "phone_number in (select value from json_each(?))",
    "list": "number in (select profile from klaviyo_list_members where list_id ="
    " json_extract(?, '$[0]'))",
    "all": "? is not null",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile as stored; `attributes` is everything that is no identifier."""

    number: int
    external_id: str | None
    email: str | None
    phone_number: str | None
    attributes: Json
    email_consent: str
    sms_consent: str
    suppression: str | None
    created_at: str
    updated_at: str


def profile_id_of(number: int) -> str:
    """Return the 26 characters that name the profile with a number."""
    return f"{_ID_PREFIX}{number:024X}"


def number_of(profile_id: str) -> int:
    """Return the number of a profile's id; 0, which nobody has, when it cannot be one."""
    digits = profile_id.removeprefix(_ID_PREFIX)
    return int(digits, 16) if _is_number(digits) else 0


def find_profiles(
    store: Store, field: str, values: list[Any], after: int = 0, limit: int = -1
) -> list[Profile]:
    """Return the profiles one of whose identifiers is among the values, in order."""
    rows = store.rows(
        f"select {_COLUMNS} from klaviyo_profiles where {_FIND[field]} and number > ?"
        " order by number limit ?",
        (orjson.dumps(values).decode(), after, limit),
    )
    return [_profile(row) for row in rows]


def _profile(row: tuple[Any, ...]) -> Profile:
    values = list(row)
    values[4] = orjson.loads(row[4])
    return Profile(*values)


def get_profiles(call: Call) -> Answer:
    """Return profiles, at most 100 a page, optionally only those with certain identifiers."""
    field, values = read_filter(call, ("id", *IDENTIFIERS)) or ("all", [])
    size, after = read_page(call, 20, MAX_PAGE)
    wanted = [number_of(value) for value in values] if field == "id" else values
    return _page(call, "/api/profiles", find_profiles(call.store, field, wanted, after, size + 1))


def get_listed(call: Call) -> Answer:
    """Return the profiles of a list, at most 100 a page."""
    list_id = call.params["list_id"]
    if call.store.row("select 1 from klaviyo_lists where list_id = ?", (list_id,)) is None:
        refuse(404, "not_found", f"A list with id {list_id} does not exist.")
    size, after = read_page(call, 20, MAX_PAGE)
    found = find_profiles(call.store, "list", [list_id], after, size + 1)
    return _page(call, f"/api/lists/{list_id}/profiles", found)


def _page(call: Call, path: str, found: list[Profile]) -> Answer:
    size, _ = read_page(call, 20, MAX_PAGE)
    fields = call.query.get("fields[profile]")
    kept = set(fields.split(",")) if fields is not None else None
    resources = [(profile.number, _resource(call, profile, kept)) for profile in found]
    body = collection(call, path, resources, size)
    return Answer(200, body, rows=min(size, len(found)))


def _resource(call: Call, profile: Profile, kept: set[str] | None) -> Json:
    attributes: Json = {name: getattr(profile, name) for name in IDENTIFIERS}
    attributes |= {"properties": {}, **profile.attributes}
    attributes |= {"created": profile.created_at, "updated": profile.updated_at}
    if kept is not None:
        attributes = {name: value for name, value in attributes.items() if name in kept}
    profile_id = profile_id_of(profile.number)
    link = f"{call.base_url}/api/profiles/{profile_id}"
    return {
        "type": "profile", "id": profile_id, "attributes": attributes, "links": {"self": link},
    }  # fmt: skip


def erase_profile(call: Call) -> Answer:
    """Delete one person for good, named by exactly one identifier."""
    pointer = "/data/attributes/profile"
    attributes = read_resource(call, "data-privacy-deletion-job")["attributes"]
    check_object(attributes, "/data/attributes", {"profile"})
    profile = check_object(attributes["profile"], pointer, {"data"})["data"]
    pointer = f"{pointer}/data"
    check_object(profile, pointer, {"type"}, {"id", "attributes"})
    optional = {"email", "phone_number"}
    given = check_object(profile.get("attributes") or {}, pointer, set(), optional)
    named = {k: v for k, v in {**given, "id": profile.get("id")}.items() if v is not None}
    if len(named) != 1 or not all(isinstance(value, str) for value in named.values()):
        refuse_field(pointer, "Name exactly one of id, email and phone_number.")
    ((field, value),) = named.items()
    found = find_profiles(call.store, field, [_stored_form(field, value)])
    for person in found:
        for table, column in (("klaviyo_list_members", "profile"), ("klaviyo_profiles", "number")):
            call.store.run(f"delete from {table} where {column} = ?", (person.number,))
    return Answer(202, rows=1, changed=bool(found))


def _stored_form(field: str, value: str) -> str | int:
    return number_of(value) if field == "id" else value.lower() if field == "email" else value


def members(store: Store, list_id: str, limit: int) -> list[Json]:
    """Return the profiles of a list, with consent; of the whole account for `profiles`."""
    everyone = list_id == "profiles"
    found = find_profiles(store, "all" if everyone else "list", [list_id], 0, limit)
    return [_view(profile) for profile in found]


def _view(profile: Profile) -> Json:
    attributes = dict(profile.attributes)
    properties = attributes.pop("properties", {})
    return {
        "profile_id": profile_id_of(profile.number),
        **{name: getattr(profile, name) for name in IDENTIFIERS},
        "attributes": attributes,
        "properties": properties,
        "consent": {"email": profile.email_consent, "sms": profile.sms_consent},
        "suppression": profile.suppression,
    }
