"""Klaviyo's bulk import jobs: accepted at once, worked off later, row errors kept apart."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson

from sandbox.platforms.klaviyo_errors import check_object, invalid, refuse, refuse_fields
from sandbox.platforms.klaviyo_profiles import IDENTIFIERS, add_to_list, profile_id_of
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, parse_json, timestamp

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

_TEXTS = ("email", "phone_number", "external_id", "_kx", "first_name", "last_name", "organization",
          "locale", "title", "image")  # fmt: skip
_FIELDS: dict[str, type] = {**dict.fromkeys(_TEXTS, str), "location": dict, "properties": dict}
_LOCATION = {"address1", "address2", "city", "country", "latitude", "longitude", "region", "zip",
             "timezone", "ip"}  # fmt: skip
_ROW = {"type", "id", "attributes"}
_EMAIL = re.compile(r"[^@\s,;<>()\"]+@[^@\s.,;<>()\"]+(\.[^@\s.,;<>()\"]+)+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_PROFILES = "/data/attributes/profiles/data"


def require_lists(store: Store, list_ids: Iterable[str]) -> None:
    """Refuse lists that do not exist (404)."""
    for list_id in list_ids:
        if store.row("select 1 from klaviyo_lists where list_id = ?", (list_id,)) is None:
            refuse(404, "not_found", f"A list with id {list_id} does not exist.")


def accept_import(call: Call) -> Answer:
    """Check a bulk import completely and queue it; nothing is stored when one field is unknown."""
    if len(call.body) > MAX_BYTES:
        refuse(413, "request_too_large", f"The body must be at most {MAX_BYTES} bytes.")
    document = parse_json(call.body)
    check_object(document, "", {"data"}, set())
    data = document["data"] if isinstance(document, dict) else {}
    check_object(data, "/data", {"type", "attributes"}, {"relationships"})
    if data["type"] != "profile-bulk-import-job":
        invalid("/data/type", "The resource type must be 'profile-bulk-import-job'.")
    check_object(data["attributes"], "/data/attributes", {"profiles"}, set())
    check_object(data["attributes"]["profiles"], "/data/attributes/profiles", {"data"}, set())
    rows = data["attributes"]["profiles"]["data"]
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_PROFILES:
        invalid(_PROFILES, f"There must be 1 to {MAX_PROFILES} profiles.")
    lists = _wanted_lists(data)
    require_lists(call.store, lists)
    if found := _wrong_fields(rows, check_size=len(call.body) > MAX_PROFILE_BYTES):
        refuse_fields(found[:MAX_REPORTED], rows=len(rows))
    return _queue(call, lists, len(rows))


def _wanted_lists(data: Json) -> list[str]:
    relationships = data.get("relationships") or {}
    check_object(relationships, "/data/relationships", set(), {"lists"})
    if not relationships:
        return []
    check_object(relationships["lists"], "/data/relationships/lists", {"data"}, set())
    references = relationships["lists"]["data"]
    for index, reference in enumerate(references):
        pointer = f"/data/relationships/lists/data/{index}"
        check_object(reference, pointer, {"type", "id"}, set())
        if reference["type"] != "list":
            invalid(f"{pointer}/type", "The resource type must be 'list'.")
    return [reference["id"] for reference in references]


def _wrong_fields(rows: list[Any], *, check_size: bool) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for index, row in enumerate(rows):
        if type(row) is not dict or row.get("type") != "profile" or not row.keys() <= _ROW:
            found.append((f"{_PROFILES}/{index}", "A profile has type 'profile' and attributes."))
            continue
        attributes = row.get("attributes")
        if type(attributes) is not dict:
            found.append((f"{_PROFILES}/{index}/attributes", "This must be an object."))
            continue
        for name, value in attributes.items():
            if value is not None and type(value) is not _FIELDS.get(name):
                found.append(_wrong_field(index, name))
        if not (attributes.get("location") or {}).keys() <= _LOCATION:
            found.append((f"{_PROFILES}/{index}/attributes/location", "It has an unknown field."))
        if check_size and len(orjson.dumps(row)) > MAX_PROFILE_BYTES:
            found.append((f"{_PROFILES}/{index}", f"It is over {MAX_PROFILE_BYTES} bytes."))
    return found


def _wrong_field(index: int, name: str) -> tuple[str, str]:
    pointer = f"{_PROFILES}/{index}/attributes/{name}"
    if name not in _FIELDS:
        return pointer, f"'{name}' is not a valid field for the resource 'profile'."
    return pointer, f"'{name}' must be a {'text' if _FIELDS[name] is str else 'object'}."


def _queue(call: Call, lists: list[str], total: int) -> Answer:
    job_id = uuid4().hex
    call.store.run(
        "insert into klaviyo_jobs (job_id, lists, payload, accepted_at, accepted_epoch,"
        " total_count) values (?, ?, ?, ?, ?, ?)",
        (job_id, orjson.dumps(lists).decode(), call.body, timestamp(call.now), time.time(), total),
    )
    return Answer(202, _job_document(call, job_id, "queued"), rows=total, changed=True)


def get_job(call: Call) -> Answer:
    """Return a job's status; every poll brings it one step further."""
    job_id = call.params["job_id"]
    _require_job(call.store, job_id)
    call.store.run(
        "update klaviyo_jobs set count_polls = count_polls + 1 where job_id = ?", (job_id,)
    )
    number, polls, completed_at = call.store.rows(
        "select number, count_polls, completed_at from klaviyo_jobs where job_id = ?", (job_id,)
    )[0]
    waiting = call.settings.polls
    if completed_at is None and polls <= 2 * waiting:
        status = "queued" if polls <= waiting else "processing"
        return Answer(200, _job_document(call, job_id, status), rows=1)
    finish_jobs(call.store, number)
    return Answer(200, _job_document(call, job_id, "complete"), rows=1)


def _require_job(store: Store, job_id: str) -> None:
    if store.row("select 1 from klaviyo_jobs where job_id = ?", (job_id,)) is None:
        refuse(404, "not_found", "A profile bulk import job with this id does not exist.")


def _job_document(call: Call, job_id: str, status: str) -> Json:
    accepted, completed_at, total, completed, failed, lists = call.store.rows(
        "select accepted_at, completed_at, total_count, completed_count, failed_count, lists"
        " from klaviyo_jobs where job_id = ?",
        (job_id,),
    )[0]
    link = f"{call.base_url}/api/profile-bulk-import-jobs/{job_id}"
    resource: Json = {"type": "profile-bulk-import-job", "id": job_id, "links": {"self": link}}
    resource["attributes"] = {
        "status": status, "created_at": accepted, "total_count": total,
        "completed_count": completed, "failed_count": failed, "completed_at": completed_at,
        "expires_at": None, "started_at": None if status == "queued" else accepted,
    }  # fmt: skip
    references = [{"type": "list", "id": list_id} for list_id in orjson.loads(lists)]
    resource["relationships"] = {"lists": {"data": references}}
    return {"data": resource, "links": {"self": link}}


def get_import_errors(call: Call) -> Answer:
    """Return why rows of a job failed, at most 100 a page."""
    job_id = call.params["job_id"]
    _require_job(call.store, job_id)
    cursor = call.query.get("page[cursor]", "0")
    size = call.query.get("page[size]", "100")
    if not size.isdigit() or not 1 <= int(size) <= MAX_REPORTED or not cursor.isdigit():
        refuse(400, "invalid", "Page size must be between 1 and 100.", parameter="page[size]")
    rows = call.store.rows(
        "select number, error from klaviyo_import_errors where job_id = ? and number > ?"
        " order by number limit ?",
        (job_id, int(cursor), int(size) + 1),
    )
    found = [
        {"type": "import-error", "id": f"{job_id}-{number}", "attributes": orjson.loads(error),
         "links": {"self": ""}}
        for number, error in rows[: int(size)]
    ]  # fmt: skip
    link = f"{call.base_url}/api/profile-bulk-import-jobs/{job_id}/import-errors"
    following = None
    if len(rows) > int(size):
        following = f"{link}?page%5Bsize%5D={size}&page%5Bcursor%5D={rows[int(size) - 1][0]}"
    links = {"self": link, "next": following, "prev": None}
    return Answer(200, {"data": found, "links": links}, rows=len(found))


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
    book = _Book.read(store, rows)
    for index, row in enumerate(rows):
        book.put(index, row)
    book.write(store, now)
    for list_id in lists:
        add_to_list(store, list_id, [profile_id_of(n) for n in book.touched], now)
    store.run_many(
        "insert into klaviyo_import_errors (job_id, error) values (?, ?)",
        [(job_id, orjson.dumps(error).decode()) for error in book.errors],
    )
    store.run(
        "update klaviyo_jobs set completed_at = ?, payload = null, completed_count = ?,"
        " failed_count = ? where number = ?",
        (now, len(rows) - len(book.errors), len(book.errors), number),
    )


def _clean(attributes: Json) -> Json:
    email = attributes.get("email")
    return {**attributes, "email": email.strip().lower()} if email else attributes


@dataclass(slots=True)
class _Book:
    """The profiles one job touches: every identifier leads to at most one of them."""

    next_number: int
    owners: dict[tuple[str, str], int]
    held: dict[int, list[str | None]]
    attributes: dict[int, Json]
    touched: dict[int, None] = field(default_factory=dict)
    errors: list[Json] = field(default_factory=list)

    @classmethod
    def read(cls, store: Store, rows: list[Json]) -> _Book:
        """Read the profiles that any row's identifiers name."""
        wanted = {
            name: [v for row in rows if (v := _clean(row["attributes"]).get(name))]
            for name in IDENTIFIERS
        }
        ids = [row["id"] for row in rows if row.get("id")]
        found = store.rows(
            "select number, external_id, email, phone_number, attributes from klaviyo_profiles"
            " where external_id in (select value from json_each(?1))"
            " or email in (select value from json_each(?2))"
            " or phone_number in (select value from json_each(?3))"
            " or profile_id in (select value from json_each(?4))",
            [orjson.dumps(values).decode() for values in (*wanted.values(), ids)],
        )
        top = store.value("select coalesce(max(number), 0) from klaviyo_profiles")
        book = cls(top + 1, {}, {}, {})
        for number, *identifiers, attributes in found:
            book.held[number] = identifiers
            book.attributes[number] = orjson.loads(attributes)
            book.owners["id", profile_id_of(number)] = number
            for name, value in zip(IDENTIFIERS, identifiers, strict=True):
                if value:
                    book.owners[name, value] = number
        return book

    def put(self, index: int, row: Json) -> None:
        """Create or update the profile of a row, or note why it failed."""
        given = _clean(row["attributes"])
        named = [(name, given[name]) for name in IDENTIFIERS if given.get(name)]
        if wrong := _wrong_value(given, named, row):
            self._fail(index, row, *wrong)
            return
        keys = [("id", row["id"]), *named] if row.get("id") else named
        owners = {self.owners[key] for key in keys if key in self.owners}
        if len(owners) > 1:
            detail = "The identifiers belong to different profiles."
            self._fail(index, row, "duplicate_profile", named[0][0], detail)
            return
        number = owners.pop() if owners else self._new_number()
        self._update(number, given)

    def _new_number(self) -> int:
        number = self.next_number
        self.next_number += 1
        self.held[number] = [None, None, None]
        self.attributes[number] = {}
        self.owners["id", profile_id_of(number)] = number
        return number

    def _update(self, number: int, given: Json) -> None:
        held = self.held[number]
        for place, name in enumerate(IDENTIFIERS):
            if name not in given or given[name] == held[place]:
                continue
            if held[place] is not None:
                self.owners.pop((name, str(held[place])), None)
            held[place] = given[name] or None
            if given[name]:
                self.owners[name, given[name]] = number
        attributes = self.attributes[number]
        for name, value in given.items():
            if name in ("properties", "location"):
                merged = {**attributes.get(name, {}), **(value or {})}
                attributes[name] = {k: v for k, v in merged.items() if v is not None}
            elif name not in IDENTIFIERS:
                attributes[name] = value
        self.touched[number] = None

    def _fail(self, index: int, row: Json, code: str, name: str, detail: str) -> None:
        pointer = f"{_PROFILES}/{index}/attributes/{name}"
        title = "Duplicate profile." if code == "duplicate_profile" else "Invalid input."
        self.errors.append(
            {"code": code, "title": title, "detail": detail, "source": {"pointer": pointer},
             "original_payload": row["attributes"]}
        )  # fmt: skip

    def write(self, store: Store, now: str) -> None:
        """Write every touched profile; identifiers are freed first so that they may move."""
        store.run(
            "update klaviyo_profiles set external_id = null, email = null, phone_number = null"
            " where number in (select value from json_each(?))",
            (orjson.dumps(list(self.touched)).decode(),),
        )
        store.run_many(
            "insert into klaviyo_profiles (number, profile_id, external_id, email, phone_number,"
            " attributes, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (number) do update set external_id = excluded.external_id,"
            " email = excluded.email, phone_number = excluded.phone_number,"
            " attributes = excluded.attributes, updated_at = excluded.updated_at",
            [
                (n, profile_id_of(n), *self.held[n], orjson.dumps(self.attributes[n]).decode(),
                 now, now)
                for n in self.touched
            ],
        )  # fmt: skip


def _wrong_value(
    given: Json, named: list[tuple[str, str]], row: Json
) -> tuple[str, str, str] | None:
    email, phone = given.get("email"), given.get("phone_number")
    if email and not _EMAIL.fullmatch(email):
        return "invalid", "email", "Invalid email address."
    if phone and not _PHONE.fullmatch(phone):
        return "invalid", "phone_number", "Invalid phone number format. Use E.164."
    if not named and not row.get("id"):
        return "invalid", "email", "A profile needs an email, phone_number or external_id."
    return None
