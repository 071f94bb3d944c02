"""Brevo's imports: a process accepted at once, worked off later, with a file per kind of error."""

from __future__ import annotations

import math
import time
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import orjson

from sandbox.platforms.brevo.contacts import find, is_email, read_phone, stored
from sandbox.platforms.brevo.errors import (
    absent,
    invalid,
    missing,
    read_body,
    read_flag,
    read_id,
    read_numbers,
    refuse,
)
from sandbox.platforms.brevo.lists import add_to_list, attributes
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, timestamp

TABLES = """
create table if not exists brevo_processes (
    id integer primary key autoincrement, payload blob, count_polls integer not null default 0,
    accepted_epoch real not null, status text, base_url text not null);
create table if not exists brevo_reports (
    report text primary key, process integer not null, kind text not null, content text not null);
"""

MAX_BYTES = 10_000_000
OLD_SECONDS = 2.0
"""A process nobody asks about is worked off after this time, as on a real platform."""

KINDS = (
    "invalid_emails", "duplicate_contact_id", "duplicate_ext_id", "duplicate_email_id",
    "duplicate_phone_id", "duplicate_whatsapp_id", "duplicate_landline_number_id",
)  # fmt: skip
_SOURCES = ("jsonBody", "fileBody", "fileUrl")
_FLAGS = (
    "updateExistingContacts", "emptyContactsAttributes", "disableNotification", "emailBlacklist",
    "smsBlacklist",
)  # fmt: skip


def accept_import(call: Call) -> Answer:
    """Check an import and queue it; what is wrong with single contacts shows later."""
    if len(call.body) > MAX_BYTES:
        refuse(400, "invalid_parameter", "The body is larger than 10 MB")
    document = read_body(call, set(), {*_SOURCES, *_FLAGS, "listIds", "newList", "notifyUrl"})
    if [name for name in _SOURCES if name in document] != ["jsonBody"]:
        missing("jsonBody (the sandbox reads no files), fileBody or fileUrl")
    if "listIds" not in document:
        missing("listIds (the sandbox makes no list here) or newList")
    numbers = read_numbers(document["listIds"], "listIds")
    for flag in _FLAGS:
        read_flag(document, flag)
    if document.get("emptyContactsAttributes") and not document.get("updateExistingContacts"):
        invalid("emptyContactsAttributes needs updateExistingContacts")
    rows = document["jsonBody"]
    if not isinstance(rows, list) or not rows or not all(_is_contact(row) for row in rows):
        invalid("jsonBody should be an array of contacts with email and attributes")
    if not numbers or not _exist(call.store, numbers):
        invalid("Some of the listIds do not exist")
    added = call.store.insert(
        "insert into brevo_processes (payload, accepted_epoch, base_url) values (?, ?, ?)",
        (call.body, time.time(), call.base_url),
    )
    return Answer(202, {"processId": added}, rows=len(rows), changed=True)


def _is_contact(row: object) -> bool:
    """Say whether a row has the shape of a contact, whatever its values."""
    if not isinstance(row, dict) or row.keys() - {"email", "attributes"}:
        return False
    values = row.get("attributes", {})
    return (
        isinstance(row.get("email", ""), str)
        and isinstance(values, dict)
        and all(type(value) in (str, int, float, bool) for value in values.values())
    )


def _exist(store: Store, numbers: list[int]) -> bool:
    found = [store.row("select 1 from brevo_lists where id = ?", (number,)) for number in numbers]
    return all(found)


def get_process(call: Call) -> Answer:
    """Return a process; every poll brings it one step further."""
    number = read_id(call, "process_id", "process")
    rows = call.store.rows(
        "update brevo_processes set count_polls = count_polls + 1 where id = ?"
        " returning count_polls, status",
        (number,),
    )
    if not rows:
        absent("Process ID does not exist")
    polls, status = rows[0]
    waiting = call.settings.polls
    if status is None and polls <= 2 * waiting:
        status = "queued" if polls <= waiting else "in_process"
    elif status is None:
        finish_processes(call.store, number)
        status = call.store.value("select status from brevo_processes where id = ?", (number,))
    process: Json = {"id": number, "name": "IMPORTUSER", "status": status}
    if status == "completed":
        process["info"] = {"import": _reports(call.store, number)}
    return Answer(200, process, rows=1)


def _reports(store: Store, number: int) -> dict[str, str | None]:
    rows = store.rows(
        "select kind, base_url || '/reports/' || report from brevo_reports as r"
        " inner join brevo_processes as p on p.id = r.process where p.id = ?",
        (number,),
    )
    return {**dict.fromkeys(KINDS), **dict(rows)}


def get_report(call: Call) -> Answer:
    """Return a report as a file host does: to whoever has its address, and never to a key."""
    if call.headers.get("api-key") or call.headers.get("authorization"):
        refuse(400, "invalid_parameter", "A file host must not be sent credentials")
    row = call.store.row(
        "select content from brevo_reports where report = ?", (call.params["report"],)
    )
    if row is None:
        absent("The file does not exist")
    return Answer(200, row[0].encode(), {"content-type": "text/csv"})


def finish_old_processes(store: Store) -> None:
    """Work off processes that have waited long enough without anybody asking."""
    row = store.row(
        "select max(id) from brevo_processes where status is null and accepted_epoch < ?",
        (time.time() - OLD_SECONDS,),
    )
    if row and row[0] is not None:
        finish_processes(store, row[0])


def finish_processes(store: Store, last: int | None = None) -> None:
    """Work off the accepted processes in their order, up to one or all of them."""
    for number, payload in store.rows(
        "select id, payload from brevo_processes where status is null and id <= coalesce(?, id)"
        " order by id",
        (last,),
    ):
        document = orjson.loads(payload)
        status = "completed" if _exist(store, document["listIds"]) else "failed"
        if status == "completed":
            _work_off(store, number, document)
        store.run(
            "update brevo_processes set status = ?, payload = null where id = ?", (status, number)
        )


def _work_off(store: Store, number: int, document: Json) -> None:
    now = datetime.now(UTC)
    types = attributes(store)
    refused: dict[str, list[str]] = {}
    seen: set[str] = set()
    for row in document["jsonBody"]:
        email = row.get("email", "").strip().lower()
        kind = _put(store, document, row, seen, types, now)
        seen.add(email)
        if kind:
            refused.setdefault(kind, []).append(email)
    for kind, emails in refused.items():
        content = "".join(f"{email}\r\n" for email in ("EMAIL", *emails))
        row = (uuid4().hex, number, kind, content)
        store.run("insert into brevo_reports values (?, ?, ?, ?)", row)


def _put(
    store: Store, document: Json, row: Json, seen: set[str], types: dict[str, str], now: datetime
) -> str | None:
    """Store one contact and put it on the lists; return why it was refused."""
    email = row.get("email", "").strip().lower()
    if not is_email(email):
        return "invalid_emails"
    if email in seen:
        return "duplicate_email_id"
    values = {name.upper(): value for name, value in row.get("attributes", {}).items()}
    phone = read_phone(values.pop("SMS", None))
    owner = find(store, "phone", phone) if phone else None
    known = find(store, "email", email)
    if owner and (known is None or owner.id != known.id):
        return "duplicate_phone_id"
    contact = known.id if known else 0
    if known is None or document.get("updateExistingContacts"):
        held = orjson.loads(known.attributes) if known else {}
        erases = bool(document.get("emptyContactsAttributes"))
        kept = phone or (known.phone if known else None)
        if erases and row.get("attributes", {}).get("SMS") == "":
            kept = None
        contact, _ = stored(store, email, kept, _merged(held, values, types, erases), now)
        _block(store, contact, document)
    for number in document["listIds"]:
        add_to_list(store, number, contact, timestamp(now))
    return None


def _block(store: Store, contact: int, document: Json) -> None:
    """Change the blocklist only when the import says so; `false` lifts what people asked for."""
    flags = {"emailBlacklist": "email_blacklisted", "smsBlacklist": "sms_blacklisted"}
    for name, column in flags.items():
        if document.get(name) is not None:
            store.run(
                f"update brevo_contacts set {column} = ? where id = ?",
                (int(document[name]), contact),
            )


def _merged(held: Json, given: Json, types: dict[str, str], erases: bool) -> Json:
    """Return the attributes after an import: unknown ones and misfits are ignored, silently."""
    merged = dict(held)
    for name, value in given.items():
        if value == "":
            if erases:
                merged.pop(name, None)
        elif name in types and _fits(value, types[name]):
            merged[name] = value
    return merged


def _fits(value: Any, kind: str) -> bool:
    if kind == "float":
        return type(value) in (int, float) and math.isfinite(value)
    if kind == "boolean":
        return type(value) is bool
    if kind == "date":
        return isinstance(value, str) and _is_date(value)
    return True


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
