"""Users of a custom audience: added, removed or replaced in sessions of batches."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from sandbox.platforms import members as book
from sandbox.platforms.meta.audiences import require_audience
from sandbox.platforms.meta.graph import admit, own_parameters, read_parameters, refuse
from sandbox.platforms.vendor import Answer, Call, Json

TABLES = """
create table if not exists meta_sessions (
    audience_id integer not null, session_id integer not null, operation text not null,
    last_seq integer not null, last_digest text not null, is_finished integer not null,
    started_micros integer not null, num_received integer not null,
    num_invalid integer not null, primary key (audience_id, session_id));
"""

MAX_ROWS = 10_000
MAX_SAMPLES = 5
PLAIN_KEYS = {"EXTERN_ID", "MADID"}
HASHED_KEYS = {
    "EMAIL", "PHONE", "FN", "LN", "FI", "ZIP", "CT", "ST", "COUNTRY", "DOBY", "DOBM", "DOBD", "GEN",
}  # fmt: skip
FINDING_KEYS = ("EXTERN_ID", "EMAIL", "PHONE", "MADID")
"""A row to remove finds members by the first of these that it has; without any, as a whole."""

_KINDS = {"EMAIL": 1, "PHONE": 2}
_SESSION = {"session_id": int, "batch_seq": int, "last_batch_flag": bool}
_is_hash = re.compile(r"[0-9a-f]{64}").fullmatch

Cells = list[tuple[str, str]]


def change_users(call: Call, operation: str) -> Answer:
    """Add, remove or replace one batch of users; invalid rows are counted and left out."""
    given = read_parameters(call)
    admit(call, given)
    given = own_parameters(given, {"payload", "session", "namespace"})
    audience_id = int(require_audience(call)[0])
    schema, rows = _payload(given.get("payload"))
    session = _session(given.get("session"), operation)
    good, samples = _sorted_out(schema, rows)
    invalid = len(rows) - len(good)
    body = {
        "audience_id": str(audience_id),
        "session_id": str(session.get("session_id", secrets.randbits(53))),
        "num_received": len(rows),
        "num_invalid_entries": invalid,
        "invalid_entry_samples": samples,
    }
    micros = _micros(call.now)
    counts = (len(rows), invalid)
    started = _continue_session(call, audience_id, operation, session, counts, micros)
    if started is None:  # the same batch again: from a client that never saw the answer
        return Answer(200, body, rows=len(rows))
    if operation == "remove":
        changed = book.remove_members(call.store, audience_id, map(_finder, good))
    else:
        changed = book.add_members(call.store, audience_id, map(_member, good), micros)
    if operation == "replace" and session["last_batch_flag"]:
        changed += book.sweep_members(call.store, audience_id, started)
    return Answer(200, body, rows=len(rows), changed=changed > 0)


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _payload(payload: Any) -> tuple[list[str], list[list[Any]]]:
    if not isinstance(payload, dict) or not {"schema", "data"} <= payload.keys():
        refuse(100, "Param payload must be an object with schema and data")
    if unknown := payload.keys() - {"schema", "data", "is_raw"}:
        refuse(100, f"Unknown key {min(unknown)} in payload")
    schema = payload["schema"]
    schema = [schema] if isinstance(schema, str) else schema
    if not isinstance(schema, list) or not schema or not all(type(k) is str for k in schema):
        refuse(100, "Param payload[schema] must be a list of keys")
    if len(set(schema)) < len(schema):
        refuse(100, "Param payload[schema] names a key twice")
    if unknown := set(schema) - PLAIN_KEYS - HASHED_KEYS:
        refuse(100, f"Unknown schema key {min(unknown)}")
    rows = payload["data"]
    if not isinstance(rows, list) or not rows:
        refuse(100, "Param payload[data] must be a list that is not empty")
    if len(rows) > MAX_ROWS:
        refuse(100, f"At most {MAX_ROWS} users can be sent in one request")
    width = len(schema)
    if not all(type(row) is list and len(row) == width for row in rows):
        refuse(2650, "Every row must be a list with one value for each schema key")
    return schema, rows


def _sorted_out(schema: list[str], rows: list[list[Any]]) -> tuple[list[Cells], dict[str, str]]:
    """Return the valid rows as (key, value) without empty cells, and samples of the others."""
    keys = [(key, place, key in HASHED_KEYS) for key, place in _in_order(schema)]
    good: list[Cells] = []
    samples: dict[str, str] = {}
    for row in rows:
        cells = [
            (key, value)
            for key, place, is_hashed in keys
            if (value := row[place]) and type(value) is str and (not is_hashed or _is_hash(value))
        ]
        if cells and len(cells) + row.count("") == len(row):
            good.append(cells)
        elif len(samples) < MAX_SAMPLES:
            samples[orjson.dumps(row).decode()] = "Not all values are SHA-256 hashes or empty"
    return good, samples


def _in_order(schema: list[str]) -> list[tuple[str, int]]:
    """Return the keys with their places, sorted, so that a row is the same in any order."""
    return sorted((key, place) for place, key in enumerate(schema))


def _member(cells: Cells) -> book.Member:
    content = book.SEPARATOR.join([f"{key}:{value}" for key, value in cells])
    finders = [_cell_finder(key, value) for key, value in cells if key in FINDING_KEYS]
    return book.Member(content, finders or [book.text_finder(content)], "")


def _cell_finder(key: str, value: str) -> int:
    if key in _KINDS:
        return book.hash_finder(_KINDS[key], value)
    return book.text_finder(f"{key}:{value}")


def _finder(cells: Cells) -> int:
    given = dict(cells)
    for key in FINDING_KEYS:
        if key in given:
            return _cell_finder(key, given[key])
    return book.text_finder(book.SEPARATOR.join([f"{key}:{value}" for key, value in cells]))


def _session(session: Any, operation: str) -> Json:
    if session is None and operation != "replace":
        return {}
    if not isinstance(session, dict) or session.keys() - {*_SESSION, "estimated_num_total"}:
        refuse(100, "Param session must be an object with known keys")
    for name, kind in _SESSION.items():
        if type(session.get(name)) is not kind:
            refuse(100, f"Param session[{name}] is missing or has the wrong type")
    if type(session.get("estimated_num_total", 0)) is not int:
        refuse(100, "Param session[estimated_num_total] must be a number")
    return session


def _continue_session(
    call: Call, audience_id: int, operation: str, session: Json, counts: tuple[int, int],
    micros: int,
) -> int | None:  # fmt: skip
    """Return when the session began (microseconds), or None when its last batch comes again."""
    if not session:
        return micros
    digest = sha256(call.body or str(call.query).encode()).hexdigest()
    key = (audience_id, session["session_id"])
    row = call.store.row(
        "select operation, last_seq, last_digest, is_finished, started_micros from meta_sessions"
        " where audience_id = ? and session_id = ?",
        key,
    )
    if row and row[:3] == (operation, session["batch_seq"], digest):
        return None
    if row and (row[0] != operation or row[3]):
        refuse(100, "This session is finished or belongs to another operation")
    if session["batch_seq"] != (row[1] if row else 0) + 1:
        refuse(100, "Param session[batch_seq] is out of sequence")
    started = int(row[4]) if row else micros
    call.store.run(
        "insert into meta_sessions values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set"
        " last_seq = excluded.last_seq, last_digest = excluded.last_digest,"
        " is_finished = excluded.is_finished, num_received = num_received + excluded.num_received,"
        " num_invalid = num_invalid + excluded.num_invalid",
        (*key, operation, session["batch_seq"], digest, session["last_batch_flag"], started,
         *counts),
    )  # fmt: skip
    return started


def get_session(call: Call) -> Answer:
    """Return how far a session has come."""
    given = dict(call.query)
    admit(call, given)
    given = own_parameters(given, {"session_id", "fields", "summary"})
    require_audience(call)
    row = call.store.row(
        "select session_id, is_finished, num_received, num_invalid from meta_sessions"
        " where audience_id = ? and session_id = ?",
        (call.params["audience_id"], given.get("session_id")),
    )
    if row is None:
        return Answer(200, {"data": []})
    session_id, finished, received, invalid = row
    stage, progress = ("done", "100") if finished else ("uploading", "50")
    view = {
        "session_id": str(session_id), "stage": stage, "progress": progress,
        "num_received": str(received), "num_invalid_entries": str(invalid),
        "num_matched": str(received - invalid),
    }  # fmt: skip
    return Answer(200, {"data": [view]}, rows=1)
