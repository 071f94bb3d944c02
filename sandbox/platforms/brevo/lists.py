"""Brevo's folders and lists, who is on a list, and the attributes a contact may have."""

from __future__ import annotations

import re

from sandbox.platforms.brevo.contacts import listed, named_contacts
from sandbox.platforms.brevo.errors import (
    absent,
    invalid,
    is_number,
    read_body,
    read_id,
    read_page,
)
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, timestamp

TABLES = """
create table if not exists brevo_folders (
    id integer primary key autoincrement, name text not null);
create table if not exists brevo_lists (
    id integer primary key autoincrement, name text not null, folder integer not null);
create table if not exists brevo_attributes (name text primary key, type text not null);
"""

MOST_CHANGED = 150
DEFAULT_ATTRIBUTES = {"FIRSTNAME": "text", "LASTNAME": "text", "SMS": "text"}
TYPES = ("text", "date", "float", "boolean")
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}").fullmatch


def _named(document: Json) -> str:
    name = document["name"]
    if not isinstance(name, str) or not name.strip():
        invalid("Name should be a text that is not empty")
    return name


def create_folder(call: Call) -> Answer:
    """Create a folder."""
    name = _named(read_body(call, {"name"}))
    added = call.store.insert("insert into brevo_folders (name) values (?)", (name,))
    return Answer(201, {"id": added}, rows=1, changed=True)


def get_folders(call: Call) -> Answer:
    """Return the folders, at most 50 a page."""
    limit, offset, sort = read_page(call, 10, 50)
    rows = call.store.rows(
        f"select id, name from brevo_folders order by id {sort} limit ? offset ?", (limit, offset)
    )
    folders = [{"id": number, "name": name, "uniqueSubscribers": 0} for number, name in rows]
    count = call.store.value("select count(*) from brevo_folders")
    return Answer(200, {"folders": folders, "count": count}, rows=len(folders))


def create_list(call: Call) -> Answer:
    """Create a list in a folder that exists; two lists may have one name."""
    document = read_body(call, {"name", "folderId"})
    name, folder = _named(document), document["folderId"]
    if not is_number(folder):
        invalid("folderId should be an integer")
    if call.store.row("select 1 from brevo_folders where id = ?", (folder,)) is None:
        absent("Folder ID does not exist")
    added = call.store.insert(
        "insert into brevo_lists (name, folder) values (?, ?)", (name, folder)
    )
    return Answer(201, {"id": added}, rows=1, changed=True)


def lists(store: Store, limit: int = -1, offset: int = 0, sort: str = "asc") -> list[Json]:
    """Return lists with the number of contacts on each."""
    rows = store.rows(
        "select id, name, folder, (select count(*) from brevo_list_members where list = l.id)"
        f" from brevo_lists as l order by id {sort} limit ? offset ?",
        (limit, offset),
    )
    return [
        {"id": number, "name": name, "folderId": folder, "uniqueSubscribers": count,
         "totalSubscribers": 0, "totalBlacklisted": 0}
        for number, name, folder, count in rows
    ]  # fmt: skip


def get_lists(call: Call) -> Answer:
    """Return the lists, at most 50 a page."""
    found = lists(call.store, *read_page(call, 10, 50))
    count = call.store.value("select count(*) from brevo_lists")
    return Answer(200, {"lists": found, "count": count}, rows=len(found))


def require_list(call: Call) -> int:
    """Return the list the path names; refuse an unknown one (404)."""
    number = read_id(call, "list_id", "list")
    if call.store.row("select 1 from brevo_lists where id = ?", (number,)) is None:
        absent("List ID does not exist")
    return number


def get_list(call: Call) -> Answer:
    """Return one list."""
    number = require_list(call)
    (found,) = [one for one in lists(call.store) if one["id"] == number]
    return Answer(200, found, rows=1)


def delete_list(call: Call) -> Answer:
    """Delete a list; its contacts stay."""
    number = require_list(call)
    call.store.run("delete from brevo_lists where id = ?", (number,))
    call.store.run("delete from brevo_list_members where list = ?", (number,))
    return Answer(204, rows=1, changed=True)


def get_listed(call: Call) -> Answer:
    """Return the contacts of a list, at most 500 a page."""
    number = require_list(call)
    limit, offset, sort = read_page(call, 50, 500)
    found = listed(call.store, number, limit, offset, sort)
    count = call.store.value("select count(*) from brevo_list_members where list = ?", (number,))
    return Answer(200, {"contacts": found, "count": count}, rows=len(found))


def add_contacts(call: Call) -> Answer:
    """Put up to 150 known contacts on a list; 400 when that changes nothing."""
    return _change(call, "Contact already in list and/or does not exist", is_addition=True)


def remove_contacts(call: Call) -> Answer:
    """Take up to 150 contacts off a list; 400 when that changes nothing. Consent stays."""
    message = "Contact already removed from list and/or does not exist"
    return _change(call, message, is_addition=False)


def _change(call: Call, nothing: str, *, is_addition: bool) -> Answer:
    document = read_body(call, set(), {"emails", "ids"})
    named = named_contacts(call, document, MOST_CHANGED)
    number = require_list(call)
    change = add_to_list if is_addition else remove_from_list
    done: dict[str, list[object]] = {"success": [], "failure": []}
    for name, contact in named.items():
        changed = contact is not None and change(call.store, number, contact, timestamp(call.now))
        done["success" if changed else "failure"].append(name)
    if not done["success"]:
        invalid(nothing)
    return Answer(201, {"contacts": done}, rows=len(named), changed=True)


def add_to_list(store: Store, number: int, contact: int, now: str) -> bool:
    """Put a contact on a list; say whether it was not there."""
    statement = "insert or ignore into brevo_list_members values (?, ?, ?)"
    return store.run(statement, (number, contact, now)) > 0


def remove_from_list(store: Store, number: int, contact: int, now: str) -> bool:
    """Take a contact off a list; say whether it was there."""
    statement = "delete from brevo_list_members where list = ? and contact = ?"
    return store.run(statement, (number, contact)) > 0


def attributes(store: Store) -> dict[str, str]:
    """Return the type of every attribute a contact may have."""
    return {**DEFAULT_ATTRIBUTES, **dict(store.rows("select name, type from brevo_attributes"))}


def get_attributes(call: Call) -> Answer:
    """Return all attributes."""
    found = [
        {"name": name, "category": "normal", "type": kind}
        for name, kind in attributes(call.store).items()
    ]
    return Answer(200, {"attributes": found}, rows=len(found))


def create_attribute(call: Call) -> Answer:
    """Create an attribute of the category `normal`; its name is kept in capitals."""
    kind, name = read_body(call, {"type"})["type"], call.params["name"]
    if call.params["category"] != "normal" or kind not in TYPES:
        invalid(f"The sandbox knows normal attributes of the types {', '.join(TYPES)}")
    if not _ATTRIBUTE(name):
        invalid("Invalid attribute name")
    if name.upper() in attributes(call.store):
        invalid("Attribute name must be unique")
    call.store.run("insert into brevo_attributes values (?, ?)", (name.upper(), kind))
    return Answer(201, rows=1, changed=True)
