"""Brevo's contacts: found by address, id or own id, with a blocklist that an import respects."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from sandbox.platforms.brevo.errors import absent, invalid, read_body, read_flag, read_numbers
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, timestamp

TABLES = """
create table if not exists brevo_contacts (
    id integer primary key autoincrement, email text unique, phone text unique,
    attributes text not null, email_blacklisted integer not null default 0,
    sms_blacklisted integer not null default 0, created_at text not null,
    modified_at text not null);
create table if not exists brevo_list_members (
    list integer not null, contact integer not null, added_at text not null,
    primary key (list, contact)) without rowid;
"""

COLUMNS = (
    "id, email, phone, attributes, email_blacklisted, sms_blacklisted, created_at, modified_at"
)
is_email = re.compile(r"[^@\s,;<>()\"]+@[^@\s.,;<>()\"]+(?:\.[^@\s.,;<>()\"]+)+").fullmatch
_phone = re.compile(r"(?:\+|00)?([1-9]\d{6,14})").fullmatch


class Contact(NamedTuple):
    """A contact as it is stored; `attributes` is a JSON text without the number."""

    id: int
    email: str | None
    phone: str | None
    attributes: str
    email_blacklisted: int
    sms_blacklisted: int
    created_at: str
    modified_at: str


def read_phone(value: object) -> str | None:
    """Return a number as Brevo keeps it, digits without `+`; None when it is none."""
    found = _phone(value) if isinstance(value, str) else None
    return found[1] if found else None


def find(store: Store, column: str, value: Any) -> Contact | None:
    """Return the contact with an id, email or phone."""
    row = store.row(f"select {COLUMNS} from brevo_contacts where {column} = ?", (value,))
    return Contact(*row) if row else None


def _require(call: Call) -> Contact:
    """Return the contact the path names by id, address or number; refuse an unknown one (404)."""
    named = call.params["identifier"].strip().lower()
    if "@" in named:
        found = find(call.store, "email", named)
    else:
        number = int(named) if named.isdigit() and len(named) < 19 else -1
        found = find(call.store, "id", number) or find(call.store, "phone", read_phone(named))
    if found is None:
        absent("Contact does not exist")
    return found


def view(store: Store, contact: Contact) -> Json:
    """Return a contact as the API shows it."""
    attributes = orjson.loads(contact.attributes)
    if contact.phone:
        attributes["SMS"] = contact.phone
    lists = store.rows(
        "select list from brevo_list_members where contact = ? order by list", (contact.id,)
    )
    return {
        "id": contact.id, "email": contact.email, "createdAt": contact.created_at,
        "emailBlacklisted": bool(contact.email_blacklisted),
        "smsBlacklisted": bool(contact.sms_blacklisted),
        "modifiedAt": contact.modified_at, "listIds": [number for (number,) in lists],
        "attributes": attributes,
    }  # fmt: skip


def get_contact(call: Call) -> Answer:
    """Return one contact."""
    return Answer(200, view(call.store, _require(call)), rows=1)


def update_contact(call: Call) -> Answer:
    """Change one contact's blocklist flags, or take it off lists; nothing else is read here."""
    flags = {"emailBlacklisted": "email_blacklisted", "smsBlacklisted": "sms_blacklisted"}
    document = read_body(call, set(), {*flags, "unlinkListIds"})
    contact = _require(call)
    for name, column in flags.items():
        value = read_flag(document, name)
        if value is not None:
            call.store.run(
                f"update brevo_contacts set {column} = ?, modified_at = ? where id = ?",
                (int(value), timestamp(call.now), contact.id),
            )
    for number in read_numbers(document.get("unlinkListIds", []), "unlinkListIds"):
        call.store.run(
            "delete from brevo_list_members where list = ? and contact = ?", (number, contact.id)
        )
    return Answer(204, rows=1, changed=True)


def delete_contact(call: Call) -> Answer:
    """Erase one contact."""
    contact = _require(call)
    call.store.run("delete from brevo_list_members where contact = ?", (contact.id,))
    call.store.run("delete from brevo_contacts where id = ?", (contact.id,))
    return Answer(204, rows=1, changed=True)


def listed(store: Store, number: int, limit: int, offset: int = 0, sort: str = "asc") -> list[Json]:
    """Return the contacts of a list."""
    rows = store.rows(
        f"select {COLUMNS} from brevo_contacts where id in"
        " (select contact from brevo_list_members where list = ?)"
        f" order by id {sort} limit ? offset ?",
        (number, limit, offset),
    )
    return [view(store, Contact(*row)) for row in rows]


def named_contacts(call: Call, document: Json, most: int) -> dict[Any, int | None]:
    """Return, for each address or id that a body names, the contact's id if there is one."""
    given = [name for name in ("emails", "ids") if name in document]
    if len(given) != 1:
        invalid("Pass either emails or ids")
    values = document[given[0]]
    if not isinstance(values, list) or not 0 < len(values) <= most:
        invalid(f"{given[0]} should hold 1 to {most} values")
    if given == ["ids"]:
        found = {value: find(call.store, "id", value) for value in read_numbers(values, "ids")}
    elif all(isinstance(value, str) and is_email(value) for value in values):
        found = {value: find(call.store, "email", value.lower()) for value in values}
    else:
        invalid("Invalid email address")
    return {value: contact.id if contact else None for value, contact in found.items()}


def stored(
    store: Store, email: str, phone: str | None, attributes: Json, now: datetime
) -> tuple[int, bool]:
    """Write a contact by its address; return its id and whether it is new."""
    moment, text = timestamp(now), orjson.dumps(attributes).decode()
    known = find(store, "email", email)
    if known is None:
        added = store.insert(
            "insert into brevo_contacts (email, phone, attributes, created_at, modified_at)"
            " values (?, ?, ?, ?, ?)",
            (email, phone, text, moment, moment),
        )
        return added, True
    store.run(
        "update brevo_contacts set phone = ?, attributes = ?, modified_at = ? where id = ?",
        (phone, text, moment, known.id),
    )
    return known.id, False
