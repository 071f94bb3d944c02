"""Klaviyo's book of profiles: identities, attributes, list memberships and consent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.platforms.klaviyo_errors import check_object, invalid
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Json

TABLES = """
create table if not exists klaviyo_profiles (
    number integer primary key autoincrement, profile_id text unique,
    external_id text unique, email text unique, phone_number text unique,
    attributes text not null, email_consent text not null default 'NEVER_SUBSCRIBED',
    sms_consent text not null default 'NEVER_SUBSCRIBED', suppression text,
    created_at text not null, updated_at text not null);
create table if not exists klaviyo_list_members (
    list_id text not null, profile_id text not null, added_at text not null,
    primary key (list_id, profile_id)) without rowid;
"""

IDENTIFIERS = ("external_id", "email", "phone_number")
CHANNELS = {"email": "email", "sms": "phone_number"}
CONSENTS = {"create": "SUBSCRIBED", "delete": "UNSUBSCRIBED"}
_COLUMNS = (
    "profile_id, external_id, email, phone_number, attributes, email_consent, sms_consent,"
    " suppression, created_at, updated_at"
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile as stored; `attributes` is everything that is no identifier."""

    profile_id: str
    external_id: str | None
    email: str | None
    phone_number: str | None
    attributes: Json
    email_consent: str
    sms_consent: str
    suppression: str | None
    created_at: str
    updated_at: str


def _profile(row: tuple[Any, ...]) -> Profile:
    return Profile(*row[:4], orjson.loads(row[4]), *row[5:])


def profile_id_of(number: int) -> str:
    """Return the 26 characters that name the profile with a number."""
    return f"01{number:024X}"


def find_profiles(
    store: Store, condition: str, values: list[str], after: str, limit: int
) -> list[Profile]:
    """Return profiles that meet a condition on own columns, in the order they came."""
    sql = f"select {_COLUMNS} from klaviyo_profiles where {condition} and profile_id > ?"  # noqa: S608
    rows = store.rows(sql + " order by profile_id limit ?", (*values, after, limit))
    return [_profile(row) for row in rows]


def profile_resource(profile: Profile, base_url: str, fields: set[str] | None) -> Json:
    """Return the JSON:API resource of a profile, with only the wanted fields."""
    attributes: Json = {name: getattr(profile, name) for name in IDENTIFIERS}
    attributes |= {"properties": {}, **profile.attributes}
    attributes |= {"created": profile.created_at, "updated": profile.updated_at}
    if fields is not None:
        attributes = {k: v for k, v in attributes.items() if k in fields}
    link = f"{base_url}/api/profiles/{profile.profile_id}"
    resource: Json = {"type": "profile", "id": profile.profile_id, "attributes": attributes}
    return {**resource, "links": {"self": link}}


def add_to_list(store: Store, list_id: str, ids: Iterable[str], now: str) -> int:
    """Add profiles that exist to a list; return how many were not on it."""
    return store.run_many(
        "insert or ignore into klaviyo_list_members"
        " select ?, profile_id, ? from klaviyo_profiles where profile_id = ?",
        [(list_id, now, profile_id) for profile_id in ids],
    )


def remove_from_list(store: Store, list_id: str, ids: Iterable[str], now: str) -> int:
    """Take profiles off a list; return how many were on it."""
    return store.run_many(
        "delete from klaviyo_list_members where list_id = ? and profile_id = ?",
        [(list_id, profile_id) for profile_id in ids],
    )


def list_profile_ids(store: Store, list_id: str, after: str, limit: int) -> list[str]:
    """Return the ids of a list's profiles in order."""
    rows = store.rows(
        "select profile_id from klaviyo_list_members where list_id = ? and profile_id > ?"
        " order by profile_id limit ?",
        (list_id, after, limit),
    )
    return [row[0] for row in rows]


def requested_consents(person: object, pointer: str, verb: str) -> list[str]:
    """Return the channels a subscription job names for one person; refuse a wrong shape."""
    check_object(person, pointer, {"type", "attributes"}, {"id"})
    attributes = person["attributes"] if isinstance(person, dict) else {}
    pointer = f"{pointer}/attributes"
    check_object(attributes, pointer, {"subscriptions"}, {"email", "phone_number"})
    channels = attributes["subscriptions"]
    check_object(channels, f"{pointer}/subscriptions", set(), set(CHANNELS))
    for channel, purposes in channels.items():
        place = f"{pointer}/subscriptions/{channel}"
        check_object(purposes, place, {"marketing"}, set())
        check_object(purposes["marketing"], f"{place}/marketing", {"consent"}, {"consented_at"})
        if purposes["marketing"]["consent"] != CONSENTS[verb]:
            invalid(f"{place}/marketing/consent", f"The consent must be {CONSENTS[verb]}.")
        if not attributes.get(CHANNELS[channel]):
            invalid(f"{pointer}/{CHANNELS[channel]}", f"The {channel} channel needs it.")
    return list(channels)


def record_consent(
    store: Store, person: Json, channels: list[str], verb: str, list_id: str | None, now: str
) -> None:
    """Subscribe (lifting suppressions), or unsubscribe: globally when not on the list."""
    profile_id = _known_or_new(store, person["attributes"], now)
    listed = list_id and remove_from_list(store, list_id, [profile_id], now)
    if verb == "create" and list_id:
        add_to_list(store, list_id, [profile_id], now)
    if verb == "delete" and listed:
        return
    suppression = None if verb == "create" else "UNSUBSCRIBE"
    for channel in channels:
        store.run(
            f"update klaviyo_profiles set {channel}_consent = ?, suppression = ?,"  # noqa: S608
            " updated_at = ? where profile_id = ?",
            (CONSENTS[verb], suppression, now, profile_id),
        )


def _known_or_new(store: Store, attributes: Json, now: str) -> str:
    email = (attributes.get("email") or "").lower() or None
    phone = attributes.get("phone_number")
    row = store.row(
        "select profile_id from klaviyo_profiles where email = ? or phone_number = ?",
        (email, phone),
    )
    return str(row[0]) if row else insert_profile(store, (None, email, phone), {}, now)


def insert_profile(
    store: Store, identifiers: tuple[str | None, ...], attributes: Json, now: str
) -> str:
    """Add one profile and return its id."""
    number = store.insert(
        "insert into klaviyo_profiles (external_id, email, phone_number, attributes, created_at,"
        " updated_at) values (?, ?, ?, ?, ?, ?)",
        (*identifiers, orjson.dumps(attributes).decode(), now, now),
    )
    profile_id = profile_id_of(number)
    store.run(
        "update klaviyo_profiles set profile_id = ? where number = ?", (profile_id, number)
    )
    return profile_id


def erase(store: Store, name: str, value: str) -> int:
    """Delete the profile an identifier names, with its memberships; return how many."""
    column = "profile_id" if name == "id" else name
    row = store.row(
        f"select profile_id from klaviyo_profiles where {column} = ?",  # noqa: S608 - own column
        (value.lower() if name == "email" else value,),
    )
    if row is None:
        return 0
    store.run("delete from klaviyo_list_members where profile_id = ?", row)
    return store.run("delete from klaviyo_profiles where profile_id = ?", row)


def member_view(profile: Profile) -> Json:
    """Return a profile as inspection shows it, consent and suppression included."""
    attributes = {k: v for k, v in profile.attributes.items() if k != "properties"}
    return {
        "profile_id": profile.profile_id,
        **{name: getattr(profile, name) for name in IDENTIFIERS},
        "attributes": attributes,
        "properties": profile.attributes.get("properties", {}),
        "consent": {"email": profile.email_consent, "sms": profile.sms_consent},
        "suppression": profile.suppression,
    }


def list_members(store: Store, list_id: str) -> list[Json]:
    """Return the profiles of a list; of the account when the list is `profiles`."""
    everyone = list_id == "profiles"
    condition = "true" if everyone else (
        "profile_id in (select profile_id from klaviyo_list_members where list_id = ?)"
    )  # fmt: skip
    found = find_profiles(store, condition, [] if everyone else [list_id], "", -1)
    return [member_view(profile) for profile in found]
