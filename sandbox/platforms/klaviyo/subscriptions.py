"""Klaviyo's subscription jobs, the only calls that change consent."""

from __future__ import annotations

from sandbox.platforms.klaviyo.errors import (
    check_object,
    check_reference,
    read_resource,
    refuse_field,
)
from sandbox.platforms.klaviyo.lists import add_to_list, remove_from_list, require_lists
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, timestamp

MAX_SUBSCRIBED = 1_000
MAX_UNSUBSCRIBED = 100
CHANNELS = {"email": "email", "sms": "phone_number"}
_PEOPLE = "/data/attributes/profiles/data"


def subscribe(call: Call) -> Answer:
    """Subscribe people and lift their suppressions; add them to the list when one is named."""
    data = read_resource(call, "profile-subscription-bulk-create-job", {"relationships"})
    optional = {"custom_source", "historical_import"}
    people, list_id = _people(call, data, optional, MAX_SUBSCRIBED)
    now = timestamp(call.now)
    for index, person in enumerate(people):
        channels = _channels(person, index, "SUBSCRIBED")
        number = _known_or_new(call.store, person["attributes"], now)
        _record(call.store, number, channels, "SUBSCRIBED", now)
        if list_id:
            add_to_list(call.store, list_id, [number], now)
    return Answer(202, rows=len(people), changed=True)


def unsubscribe(call: Call) -> Answer:
    """Take people off the named list; who is not on it, is unsubscribed from everything."""
    data = read_resource(call, "profile-subscription-bulk-delete-job", {"relationships"})
    people, list_id = _people(call, data, set(), MAX_UNSUBSCRIBED)
    now = timestamp(call.now)
    for index, person in enumerate(people):
        channels = _channels(person, index, "UNSUBSCRIBED")
        number = _known_or_new(call.store, person["attributes"], now)
        if not (list_id and remove_from_list(call.store, list_id, [number], now)):
            _record(call.store, number, channels, "UNSUBSCRIBED", now)
    return Answer(202, rows=len(people), changed=True)


def _people(
    call: Call, data: Json, optional: set[str], largest: int
) -> tuple[list[Json], str | None]:
    attributes = check_object(data["attributes"], "/data/attributes", {"profiles"}, optional)
    profiles = check_object(attributes["profiles"], "/data/attributes/profiles", {"data"})
    people = profiles["data"]
    if not isinstance(people, list) or not 0 < len(people) <= largest:
        refuse_field(_PEOPLE, f"There must be 1 to {largest} profiles.")
    pointer = "/data/relationships"
    relationships = check_object(data.get("relationships") or {}, pointer, set(), {"list"})
    if not relationships:
        return people, None
    pointer = f"{pointer}/list"
    named = check_object(relationships["list"], pointer, {"data"})["data"]
    list_id = check_reference(named, f"{pointer}/data", "list")
    require_lists(call.store, [list_id])
    return people, list_id


def _channels(person: object, index: int, consent: str) -> list[str]:
    """Return the channels named for one person; refuse a wrong shape or another consent."""
    place = f"{_PEOPLE}/{index}"
    attributes = check_object(person, place, {"type", "attributes"}, {"id"})["attributes"]
    place = f"{place}/attributes"
    check_object(attributes, place, {"subscriptions"}, {"email", "phone_number"})
    channels = check_object(
        attributes["subscriptions"], f"{place}/subscriptions", set(), {*CHANNELS}
    )
    for channel, purposes in channels.items():
        where = f"{place}/subscriptions/{channel}"
        marketing = check_object(purposes, where, {"marketing"})["marketing"]
        check_object(marketing, f"{where}/marketing", {"consent"}, {"consented_at"})
        if marketing["consent"] != consent:
            refuse_field(f"{where}/marketing/consent", f"The consent must be {consent}.")
        if not attributes.get(CHANNELS[channel]):
            refuse_field(f"{place}/{CHANNELS[channel]}", f"The {channel} channel needs it.")
    return list(channels)


def _known_or_new(store: Store, attributes: Json, now: str) -> int:
    email = (attributes.get("email") or "").lower() or None
    phone = attributes.get("phone_number")
    row = store.row(
        "select number from klaviyo_profiles where email = ? or phone_number = ?", (email, phone)
    )
    return int(row[0]) if row else store.insert(
        "insert into klaviyo_profiles (email, phone_number, attributes, created_at, updated_at)"
        " values (?, ?, '{}', ?, ?)",
        (email, phone, now, now),
    )  # fmt: skip


def _record(store: Store, number: int, channels: list[str], consent: str, now: str) -> None:
    suppression = None if consent == "SUBSCRIBED" else "UNSUBSCRIBE"
    for channel in channels:
        store.run(
            f"update klaviyo_profiles set {channel}_consent = ?, suppression = ?,"
            " updated_at = ? where number = ?",
            (consent, suppression, now, number),
        )
