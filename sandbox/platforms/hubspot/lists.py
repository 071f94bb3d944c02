"""HubSpot's lists of contacts, and who is on one, by record ids alone."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.platforms.hubspot.errors import (
    absent,
    invalid,
    number_of,
    read_body,
    read_texts,
)
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, parse_json, timestamp

TABLES = """
create table if not exists hubspot_lists (
    id integer primary key autoincrement, name text unique not null collate nocase,
    processing text not null, created_at text not null);
create table if not exists hubspot_members (
    list integer not null, record integer not null, added_at text not null,
    primary key (list, record)) without rowid;
"""

CONTACTS = "0-1"
KINDS = ("MANUAL", "SNAPSHOT", "DYNAMIC")
MOST_CLEARED = 100_000
LARGEST_PAGE = 250


def _view(row: tuple[Any, ...]) -> Json:
    number, name, kind, created = row
    listed = {
        "listId": str(number), "listVersion": 1, "name": name, "objectTypeId": CONTACTS,
        "processingType": kind, "processingStatus": "COMPLETE", "createdAt": created,
    }  # fmt: skip
    return {"list": listed}


def create_list(call: Call) -> Answer:
    """Create a list of contacts; its name must be free, whatever its case."""
    optional = {"filterBranch", "listFolderId", "customProperties"}
    document = read_body(call, {"name", "objectTypeId", "processingType"}, optional)
    name, kind = document["name"], document["processingType"]
    if not isinstance(name, str) or not name.strip():
        invalid("The name of a list must not be empty")
    if document["objectTypeId"] != CONTACTS or kind not in KINDS:
        invalid("The sandbox keeps lists of contacts (0-1): MANUAL, SNAPSHOT or DYNAMIC")
    if kind == "DYNAMIC" and not isinstance(document.get("filterBranch"), dict):
        invalid("A list of the type DYNAMIC needs a filterBranch")
    if call.store.row("select 1 from hubspot_lists where name = ?", (name,)):
        invalid("A list with this name already exists")
    row = (name, kind, timestamp(call.now))
    number = call.store.insert(
        "insert into hubspot_lists (name, processing, created_at) values (?, ?, ?)", row
    )
    return Answer(200, _view((number, *row)), rows=1, changed=True)


def _require(call: Call) -> tuple[Any, ...]:
    """Return the list the path names by id; refuse an unknown one (404)."""
    number = number_of(call.params["list_id"])
    row = call.store.row("select * from hubspot_lists where id = ?", (number,))
    if row is None:
        absent(f"List does not exist with ID {number}.")
    return row


def get_list(call: Call) -> Answer:
    """Return one list."""
    return Answer(200, _view(_require(call)), rows=1)


def get_named(call: Call) -> Answer:
    """Return the list of a name, whatever its case."""
    name = call.params["name"]
    row = call.store.row("select * from hubspot_lists where name = ?", (name,))
    if row is None or call.params["type_id"] != CONTACTS:
        absent("List does not exist with this name.")
    return Answer(200, _view(row), rows=1)


def delete_list(call: Call) -> Answer:
    """Delete a list; its contacts stay."""
    number = _require(call)[0]
    for table, column in (("hubspot_lists", "id"), ("hubspot_members", "list")):
        call.store.run(f"delete from {table} where {column} = ?", (number,))
    return Answer(204, rows=1, changed=True)


def change_both(call: Call) -> Answer:
    """Add and remove records in one request; ids nobody has are told and ignored."""
    document = read_body(call, {"recordIdsToAdd", "recordIdsToRemove"})
    added = read_texts(document["recordIdsToAdd"], "recordIdsToAdd")
    removed = read_texts(document["recordIdsToRemove"], "recordIdsToRemove")
    return _change(call, added, removed)


def add(call: Call) -> Answer:
    """Add records."""
    return _change(call, read_texts(parse_json(call.body), "the body"), [])


def remove(call: Call) -> Answer:
    """Remove records."""
    return _change(call, [], read_texts(parse_json(call.body), "the body"))


def _change(call: Call, added: list[str], removed: list[str]) -> Answer:
    number, _, kind, _ = _require(call)
    if kind == "DYNAMIC":
        invalid("The members of a list with filters cannot be set")
    moment = timestamp(call.now)
    come = [one for one in added if _add(call.store, number, number_of(one), moment)]
    gone = [one for one in removed if _remove(call.store, number, number_of(one))]
    lost = [one for one in (*added, *removed) if not _exists(call.store, number_of(one))]
    body = {"recordsIdsAdded": come, "recordIdsRemoved": gone, "recordIdsMissing": lost}
    rows = len(added) + len(removed)
    return Answer(200, body, rows=rows, changed=bool(come or gone))


def _exists(store: Store, record: int) -> bool:
    return store.row("select 1 from hubspot_contacts where id = ?", (record,)) is not None


def _add(store: Store, number: int, record: int, moment: str) -> bool:
    statement = (
        "insert or ignore into hubspot_members select ?, id, ? from hubspot_contacts where id = ?"
    )
    return store.run(statement, (number, moment, record)) > 0


def _remove(store: Store, number: int, record: int) -> bool:
    statement = "delete from hubspot_members where list = ? and record = ?"
    return store.run(statement, (number, record)) > 0


def clear(call: Call) -> Answer:
    """Remove everybody from a list of fewer than 100,000."""
    number = _require(call)[0]
    if _count(call.store, number) >= MOST_CLEARED:
        invalid("The list is too large")
    gone = call.store.run("delete from hubspot_members where list = ?", (number,))
    return Answer(204, rows=gone, changed=gone > 0)


def _count(store: Store, number: int) -> int:
    return int(store.value("select count(*) from hubspot_members where list = ?", (number,)))


def get_members(call: Call) -> Answer:
    """Return the records of a list by id, at most 250 a page."""
    number = _require(call)[0]
    limit, after = call.query.get("limit", "100"), call.query.get("after", "0")
    if not limit.isdigit() or not 0 < int(limit[:9]) <= LARGEST_PAGE or number_of(after) < 0:
        invalid(f"limit must be 1 to {LARGEST_PAGE}, after a cursor of the page before")
    rows = call.store.rows(
        "select record, added_at from hubspot_members where list = ? and record > ?"
        " order by record limit ?",
        (number, number_of(after), int(limit) + 1),
    )
    page = rows[: int(limit)]
    results = [{"recordId": str(one), "membershipTimestamp": moment} for one, moment in page]
    body: Json = {"results": results, "total": _count(call.store, number)}
    if len(rows) > len(page):
        cursor = results[-1]["recordId"]
        link = f"{call.base_url}/crm/v3/lists/{number}/memberships?limit={limit}&after={cursor}"
        body["paging"] = {"next": {"after": cursor, "link": link}}
    return Answer(200, body, rows=len(results))


def audiences(store: Store) -> list[Json]:
    """Return every list and how many contacts it holds."""
    return [
        {"id": str(number), "name": name, "count_members": _count(store, number)}
        for number, name in store.rows("select id, name from hubspot_lists order by id")
    ]


def members(store: Store, list_id: str, limit: int) -> list[Json]:
    """Return the contacts of a list."""
    rows = store.rows(
        "select c.id, c.email, c.properties from hubspot_contacts as c"
        " inner join hubspot_members as m on m.record = c.id where m.list = ?"
        " order by c.id limit ?",
        (int(list_id), limit),
    )
    return [
        {"record_id": str(number), "email": email, "properties": orjson.loads(text)}
        for number, email, text in rows
    ]
