"""Klaviyo's bulk import jobs: accepted at once, worked off later, row errors kept apart."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson

from sandbox.platforms.klaviyo.errors import (
    check_object,
    check_reference,
    read_resource,
    refuse,
    refuse_field,
    refuse_fields,
)  # fmt: skip
from sandbox.platforms.klaviyo.lists import add_to_list, require_lists
from sandbox.platforms.klaviyo.matching import RowError, normalise, read_book, write_book
from sandbox.platforms.klaviyo.pages import collection, read_page
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, timestamp

TABLES = """
create table if not exists klaviyo_jobs (
    number integer primary key autoincrement, job_id text unique not null, lists text not null,
    payload blob, count_polls integer not null default 0, accepted_at text not null,
    accepted_epoch real not null, completed_at text, total_count integer not null,
    completed_count integer not null default 0, failed_count integer not null default 0);
create table if not exists klaviyo_import_errors (
    number integer primary key autoincrement, job_id text not null, error text not null);
create index if not exists klaviyo_import_errors_by_job on klaviyo_import_errors (job_id);
"""

MAX_PROFILES = 10_000
MAX_BYTES = 5_000_000
MAX_PROFILE_BYTES = 100_000
MAX_REPORTED = 100
OLD_SECONDS = 2.0
"""A job nobody asks about is worked off after this time, as a real platform would."""

_KIND = "profile-bulk-import-job"
_PATH = "/api/profile-bulk-import-jobs"
_PROFILES = "/data/attributes/profiles/data"
_TEXTS = (
    "email", "phone_number", "external_id", "_kx", "first_name", "last_name", "organization",
    "locale", "title", "image",
)  # fmt: skip
_FIELDS: dict[str, type] = {**dict.fromkeys(_TEXTS, str), "location": dict, "properties": dict}
_LOCATION = {
    "address1", "address2", "city", "country", "latitude", "longitude", "region", "zip",
    "timezone", "ip",
}  # fmt: skip
_ROW = {"type", "id", "attributes"}


def accept_import(call: Call) -> Answer:
    """Check a bulk import completely and queue it; one wrong field, and nothing is queued."""
    if len(call.body) > MAX_BYTES:
        refuse(413, "request_too_large", f"The body must be at most {MAX_BYTES} bytes.")
    data = read_resource(call, _KIND, {"relationships"})
    attributes = check_object(data["attributes"], "/data/attributes", {"profiles"})
    profiles = check_object(attributes["profiles"], "/data/attributes/profiles", {"data"})
    rows = profiles["data"]
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_PROFILES:
        refuse_field(_PROFILES, f"There must be 1 to {MAX_PROFILES} profiles.")
    lists = _wanted_lists(data.get("relationships") or {})
    require_lists(call.store, lists)
    if found := _wrong_fields(rows):
        refuse_fields(found[:MAX_REPORTED], rows=len(rows))
    if len(call.body) > MAX_PROFILE_BYTES:
        _check_sizes(rows)
    job_id = uuid4().hex
    call.store.run(
        "insert into klaviyo_jobs (job_id, lists, payload, accepted_at, accepted_epoch,"
        " total_count) values (?, ?, ?, ?, ?, ?)",
        (job_id, orjson.dumps(lists).decode(), call.body, timestamp(call.now), time.time(),
         len(rows)),
    )  # fmt: skip
    return Answer(202, _document(call, job_id, "queued"), rows=len(rows), changed=True)


def _wanted_lists(relationships: Json) -> list[str]:
    check_object(relationships, "/data/relationships", set(), {"lists"})
    if not relationships:
        return []
    pointer = "/data/relationships/lists"
    references = check_object(relationships["lists"], pointer, {"data"})["data"]
    if not isinstance(references, list):
        refuse_field(f"{pointer}/data", "This must be a list of references.")
    return [
        check_reference(reference, f"{pointer}/data/{index}", "list")
        for index, reference in enumerate(references)
    ]


def _wrong_fields(rows: list[Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for index, row in enumerate(rows):
        if (
            type(row) is not dict
            or row.get("type") != "profile"
            or not row.keys() <= _ROW
            or (type(row.get("id", "")) is not str)
        ):
            found.append((f"{_PROFILES}/{index}", "A profile has type 'profile' and attributes."))
            continue
        attributes = row.get("attributes")
        if type(attributes) is not dict:
            found.append((f"{_PROFILES}/{index}/attributes", "This must be an object."))
            continue
        for name, value in attributes.items():
            if name not in _FIELDS or (value is not None and type(value) is not _FIELDS[name]):
                found.append(_wrong_field(index, name))
        location = attributes.get("location")
        if type(location) is dict and not location.keys() <= _LOCATION:
            found.append((f"{_PROFILES}/{index}/attributes/location", "It has an unknown field."))
    return found


def _wrong_field(index: int, name: str) -> tuple[str, str]:
    pointer = f"{_PROFILES}/{index}/attributes/{name}"
    if name not in _FIELDS:
        return pointer, f"'{name}' is not a valid field for the resource 'profile'."
    return pointer, f"'{name}' must be {'a text' if _FIELDS[name] is str else 'an object'}."


def _check_sizes(rows: list[Json]) -> None:
    for index, row in enumerate(rows):
        if len(orjson.dumps(row)) > MAX_PROFILE_BYTES:
            refuse_field(f"{_PROFILES}/{index}", f"It is over {MAX_PROFILE_BYTES} bytes.")


def get_job(call: Call) -> Answer:
    """Return a job's status; every poll brings it one step further."""
    job_id = call.params["job_id"]
    _require_job(call, job_id)
    number, polls, completed_at = call.store.rows(
        "update klaviyo_jobs set count_polls = count_polls + 1 where job_id = ?"
        " returning number, count_polls, completed_at",
        (job_id,),
    )[0]
    waiting = call.settings.polls
    if completed_at is None and polls <= 2 * waiting:
        status = "queued" if polls <= waiting else "processing"
        return Answer(200, _document(call, job_id, status), rows=1)
    finish_jobs(call.store, number)
    return Answer(200, _document(call, job_id, "complete"), rows=1)


def _require_job(call: Call, job_id: str) -> None:
    if call.store.row("select 1 from klaviyo_jobs where job_id = ?", (job_id,)) is None:
        refuse(404, "not_found", "A profile bulk import job with this id does not exist.")


def _document(call: Call, job_id: str, status: str) -> Json:
    accepted_at, completed_at, total, completed, failed, lists = call.store.rows(
        "select accepted_at, completed_at, total_count, completed_count, failed_count, lists"
        " from klaviyo_jobs where job_id = ?",
        (job_id,),
    )[0]
    links = {"self": f"{call.base_url}{_PATH}/{job_id}"}
    attributes = {
        "status": status, "created_at": accepted_at, "total_count": total,
        "completed_count": completed, "failed_count": failed, "completed_at": completed_at,
        "expires_at": None, "started_at": None if status == "queued" else accepted_at,
    }  # fmt: skip
    references = [{"type": "list", "id": list_id} for list_id in orjson.loads(lists)]
    relationships = {"lists": {"data": references}}
    resource = {"type": _KIND, "id": job_id, "attributes": attributes, "links": links}
    return {"data": {**resource, "relationships": relationships}, "links": links}


def get_import_errors(call: Call) -> Answer:
    """Return why rows of a job failed, at most 100 a page."""
    job_id = call.params["job_id"]
    _require_job(call, job_id)
    size, after = read_page(call, MAX_REPORTED, MAX_REPORTED)
    rows = call.store.rows(
        "select number, error from klaviyo_import_errors where job_id = ? and number > ?"
        " order by number limit ?",
        (job_id, after, size + 1),
    )
    path = f"{_PATH}/{job_id}/import-errors"
    link = {"self": f"{call.base_url}{path}"}
    found = [
        (number, {"type": "import-error", "id": f"{job_id}-{number}",
                  "attributes": orjson.loads(error), "links": link})
        for number, error in rows
    ]  # fmt: skip
    return Answer(200, collection(call, path, found, size), rows=min(size, len(found)))


def finish_old_jobs(store: Store) -> None:
    """Work off jobs that have waited long enough without anybody asking."""
    row = store.row(
        "select max(number) from klaviyo_jobs where completed_at is null and accepted_epoch < ?",
        (time.time() - OLD_SECONDS,),
    )
    if row and row[0] is not None:
        finish_jobs(store, row[0])


def finish_jobs(store: Store, last: int | None = None) -> None:
    """Work off the accepted jobs in their order, up to a number or all of them."""
    for number, job_id, lists, payload in store.rows(
        "select number, job_id, lists, payload from klaviyo_jobs where completed_at is null"
        " and number <= coalesce(?, number) order by number",
        (last,),
    ):
        rows = orjson.loads(payload)["data"]["attributes"]["profiles"]["data"]
        _work_off(store, number, job_id, orjson.loads(lists), rows)


def _work_off(store: Store, number: int, job_id: str, lists: list[str], rows: list[Json]) -> None:
    now = timestamp(datetime.now(UTC))
    for row in rows:
        normalise(row)
    book = read_book(store, rows)
    for index, row in enumerate(rows):
        book.put(index, row)
    write_book(store, book, now)
    for list_id in lists:
        add_to_list(store, list_id, book.touched, now)
    store.run_many(
        "insert into klaviyo_import_errors (job_id, error) values (?, ?)",
        [(job_id, _error_text(error, rows[error.index])) for error in book.errors],
    )
    failed = len(book.errors)
    store.run(
        "update klaviyo_jobs set completed_at = ?, payload = null, completed_count = ?,"
        " failed_count = ? where number = ?",
        (now, len(rows) - failed, failed, number),
    )


def _error_text(error: RowError, row: Json) -> str:
    pointer = f"{_PROFILES}/{error.index}/attributes/{error.attribute}"
    title = "Duplicate profile." if error.code == "duplicate_profile" else "Invalid input."
    attributes = {
        "code": error.code, "title": title, "detail": error.detail,
        "source": {"pointer": pointer}, "original_payload": row["attributes"],
    }  # fmt: skip
    return orjson.dumps(attributes).decode()
