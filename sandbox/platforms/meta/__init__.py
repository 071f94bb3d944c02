"""Meta's Marketing API v26.0: custom audiences, their users, and sessions of batches."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import orjson

from sandbox.platforms import members as book
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Endpoint, Json, Refusal, Vendor, parse_json
from sandbox.platforms.windows import Verdict

TABLES = """
create table if not exists meta_audiences (
    audience_id integer primary key autoincrement, account_id text not null, name text not null,
    subtype text not null, customer_file_source text not null, description text,
    created_epoch integer not null);
create table if not exists meta_sessions (
    audience_id integer not null, session_id integer not null, operation text not null,
    last_seq integer not null, last_digest text not null, is_finished integer not null,
    started_micros integer not null, num_received integer not null,
    num_invalid integer not null, primary key (audience_id, session_id));
"""

FIRST_AUDIENCE_ID = 120_210_000_000_000_001
MAX_ROWS = 10_000
MAX_SAMPLES = 5
SUBTYPES = ("CUSTOM",)
FILE_SOURCES = (
    "USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED",
)  # fmt: skip
PLAIN_KEYS = ("EXTERN_ID", "MADID")
HASHED_KEYS = (
    "EMAIL", "PHONE", "FN", "LN", "FI", "ZIP", "CT", "ST", "COUNTRY", "DOBY", "DOBM", "DOBD", "GEN",
)  # fmt: skip
FINDING_KEYS = ("EXTERN_ID", "EMAIL", "PHONE", "MADID")
CREATE_FIELDS = {"name", "subtype", "customer_file_source", "description"}
READ_FIELDS = {
    "id", "account_id", "name", "subtype", "customer_file_source", "description",
    "approximate_count_lower_bound", "approximate_count_upper_bound", "operation_status",
    "delivery_status", "time_created",
}  # fmt: skip
_HASH_OR_NOTHING = re.compile(r"(?:[0-9a-f]{64})?")
_CREDENTIALS = {"access_token", "appsecret_proof"}


def graph_problem(
    status: int, code: int, message: str, kind: str = "OAuthException", subcode: int | None = None
) -> Answer:
    """Return a Graph API error body."""
    error: Json = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return Answer(status, {"error": {**error, "fbtrace_id": secrets.token_urlsafe(8)}})


def refuse(code: int, message: str, subcode: int | None = None) -> NoReturn:
    """Raise a 400 with a Graph error code."""
    raise Refusal(graph_problem(400, code, message, subcode=subcode))


def _parameters(call: Call) -> Json:
    """Return query and body parameters as one object; JSON texts of a form are decoded."""
    given: Json = dict(call.query)
    media_type = call.headers.get("content-type", "").partition(";")[0].strip()
    if call.body and media_type == "application/json":
        document = parse_json(call.body)
        if not isinstance(document, dict):
            refuse(100, "(#100) The body is not a JSON object.")
        given |= document
    elif call.body:
        pairs = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)
        given |= dict(pairs)
    for name in ("payload", "session"):
        if isinstance(given.get(name), str):
            given[name] = parse_json(given[name].encode())
    return given


def admit(call: Call) -> None:
    """Refuse a call without the access token (401, code 190) or with a wrong secret proof."""
    given = _parameters(call)
    bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
    if (given.get("access_token") or bearer) != call.settings.token:
        message = "Invalid OAuth access token - Cannot parse access token"
        raise Refusal(graph_problem(401, 190, message))
    proof, secret = given.get("appsecret_proof"), call.settings.app_secret
    if secret is None:
        return
    right = hmac.new(secret.encode(), call.settings.token.encode(), sha256).hexdigest()
    if proof is None:
        refuse(100, "API calls from the server require an appsecret_proof argument")
    if not hmac.compare_digest(str(proof), right):
        refuse(100, "Invalid appsecret_proof provided in the API argument")


def _allowed(given: Json, names: Iterable[str]) -> Json:
    own = {k: v for k, v in given.items() if k not in _CREDENTIALS}
    if unknown := sorted(set(own) - set(names)):
        refuse(100, f"(#100) Unknown parameter {unknown[0]}")
    return own


def create_audience(call: Call) -> Answer:
    """Create a custom audience of an ad account."""
    given = _allowed(_parameters(call), CREATE_FIELDS)
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        refuse(100, "(#100) The parameter name is required")
    if given.get("subtype") not in SUBTYPES:
        refuse(100, f"(#100) Param subtype must be one of {{{', '.join(SUBTYPES)}}}")
    if given.get("customer_file_source") not in FILE_SOURCES:
        refuse(100, f"(#100) Param customer_file_source must be one of {set(FILE_SOURCES)}")
    top = call.store.value("select coalesce(max(audience_id), 0) from meta_audiences")
    audience_id = max(FIRST_AUDIENCE_ID, top + 1)
    call.store.run(
        "insert into meta_audiences values (?, ?, ?, ?, ?, ?, ?)",
        (audience_id, call.params["account_id"], name, given["subtype"],
         given["customer_file_source"], given.get("description"), int(call.now.timestamp())),
    )  # fmt: skip
    return Answer(200, {"id": str(audience_id)}, rows=1, changed=True)


def _audience_view(store: Store, row: tuple[Any, ...], fields: list[str]) -> Json:
    audience_id, account_id, name, subtype, source, description, created = row
    count = book.count_members(store, f"meta:{audience_id}")
    whole = {
        "id": str(audience_id), "account_id": account_id, "name": name, "subtype": subtype,
        "customer_file_source": source, "description": description,
        "approximate_count_lower_bound": count, "approximate_count_upper_bound": count,
        "operation_status": {"code": 200, "description": "Normal"},
        "delivery_status": {"code": 200, "description": "Ready"}, "time_created": created,
    }  # fmt: skip
    return {k: v for k, v in whole.items() if k == "id" or k in fields}


def _fields(given: Json) -> list[str]:
    fields = [f for f in str(given.get("fields") or "").split(",") if f]
    if unknown := sorted(set(fields) - READ_FIELDS):
        refuse(100, f"(#100) Tried accessing nonexisting field ({unknown[0]})")
    return fields


def list_audiences(call: Call) -> Answer:
    """Return an account's audiences with the wanted fields, in pages."""
    given = _allowed(dict(call.query), {"fields", "limit", "after"})
    fields = _fields(given)
    size = int(given.get("limit") or 25)
    rows = call.store.rows(
        "select * from meta_audiences where account_id = ? and audience_id > ?"
        " order by audience_id limit ?",
        (call.params["account_id"], int(given.get("after") or 0), size + 1),
    )
    body: Json = {"data": [_audience_view(call.store, row, fields) for row in rows[:size]]}
    if body["data"]:
        cursors = {"before": body["data"][0]["id"], "after": body["data"][-1]["id"]}
        body["paging"] = {"cursors": cursors}
    if len(rows) > size:
        query = f"fields={','.join(fields)}&limit={size}&after={rows[size - 1][0]}"
        path = f"/v26.0/act_{call.params['account_id']}/customaudiences"
        body["paging"]["next"] = f"{call.base_url}{path}?{query}"
    return Answer(200, body, rows=len(body["data"]))


def _audience(call: Call) -> tuple[Any, ...]:
    audience_id = call.params["audience_id"]
    row = call.store.row("select * from meta_audiences where audience_id = ?", (audience_id,))
    if row is None:
        message = f"Unsupported request. Object with ID '{audience_id}' does not exist"
        refuse(100, message, subcode=33)
    return row


def get_audience(call: Call) -> Answer:
    """Return one audience with the wanted fields."""
    fields = _fields(_allowed(dict(call.query), {"fields"}))
    return Answer(200, _audience_view(call.store, _audience(call), fields), rows=1)


def change_users(call: Call, operation: str) -> Answer:
    """Add, remove or replace one batch of users."""
    audience_id = int(_audience(call)[0])
    given = _allowed(_parameters(call), {"payload", "session", "namespace"})
    schema, rows = _payload(given.get("payload"))
    session = _session(given.get("session"), operation)
    good, samples, bad = _sorted_out(schema, rows)
    count = {"num_received": len(rows), "num_invalid_entries": bad}
    session_id = session.get("session_id", secrets.randbits(53))
    body = {"audience_id": str(audience_id), "session_id": str(session_id), **count,
            "invalid_entry_samples": samples}  # fmt: skip
    micros = _micros(call.now)
    started = _continue_session(call, audience_id, operation, session, (len(rows), bad), micros)
    if started is None:  # the same batch again: a client that never saw the answer
        return Answer(200, body, rows=len(rows))
    audience = f"meta:{audience_id}"
    if operation == "remove":
        wanted = [_finding(row) for row in good]
        changed = book.remove_members(call.store, audience, wanted)
    else:
        changed = book.add_members(call.store, audience, map(_member, good), micros)
    if operation == "replace" and session["last_batch_flag"]:
        changed += book.sweep_members(call.store, audience, started)
    return Answer(200, body, rows=len(rows), changed=changed > 0)


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _payload(payload: Any) -> tuple[list[str], list[list[Any]]]:
    if not isinstance(payload, dict) or not {"schema", "data"} <= set(payload):
        refuse(100, "(#100) Param payload must be an object with schema and data")
    if unknown := sorted(set(payload) - {"schema", "data", "is_raw"}):
        refuse(100, f"(#100) Unknown key {unknown[0]} in payload")
    schema = payload["schema"]
    schema = [schema] if isinstance(schema, str) else schema
    if not isinstance(schema, list) or not schema or len(set(schema)) < len(schema):
        refuse(100, "(#100) Param payload[schema] must be a list of different keys")
    if unknown := [key for key in schema if key not in PLAIN_KEYS + HASHED_KEYS]:
        refuse(100, f"(#100) Unknown schema key {unknown[0]}")
    rows = payload["data"]
    if not isinstance(rows, list) or not rows:
        refuse(100, "(#100) Param payload[data] must be a list that is not empty")
    if len(rows) > MAX_ROWS:
        refuse(100, f"(#100) At most {MAX_ROWS} users can be sent in one request")
    if not all(type(row) is list and len(row) == len(schema) for row in rows):
        refuse(2650, "(#2650) Every row must be a list with one value for each schema key")
    return schema, rows


def _sorted_out(
    schema: list[str], rows: list[list[Any]]
) -> tuple[list[list[tuple[str, str]]], dict[str, str], int]:
    """Return the good rows as (key, value) without empty cells, samples of bad ones, their count."""
    hashed = [key in HASHED_KEYS for key in schema]
    good, samples, bad = [], {}, 0
    for row in rows:
        reason = _row_problem(row, hashed)
        if reason is None:
            good.append([(k, v) for k, v in zip(schema, row, strict=True) if v])
            continue
        bad += 1
        if len(samples) < MAX_SAMPLES:
            samples[orjson.dumps(row).decode()] = reason
    return good, samples, bad


def _row_problem(row: list[Any], hashed: list[bool]) -> str | None:
    for value, is_hashed in zip(row, hashed, strict=True):
        if type(value) is not str:
            return "Every value must be a string"
        if is_hashed and not _HASH_OR_NOTHING.fullmatch(value):
            return "Not a SHA-256 hash in lower-case hexadecimal"
    return None if any(row) else "No value at all"


def _member(row: list[tuple[str, str]]) -> book.Member:
    texts = sorted(f"{key}:{value}" for key, value in row)
    finding = tuple(t for t in texts if t.partition(":")[0] in FINDING_KEYS)
    content = "\n".join(texts)
    return book.Member(content, finding or (content,), dict(row))


def _finding(row: list[tuple[str, str]]) -> str:
    """Return the strongest identifier of a row to remove; the whole row when it has none."""
    cells = dict(row)
    for key in FINDING_KEYS:
        if key in cells:
            return f"{key}:{cells[key]}"
    return "\n".join(sorted(f"{key}:{value}" for key, value in row))


def _session(session: Any, operation: str) -> Json:
    if session is None and operation != "replace":
        return {}
    wanted = {"session_id": int, "batch_seq": int, "last_batch_flag": bool}
    if not isinstance(session, dict) or set(session) - {*wanted, "estimated_num_total"}:
        refuse(100, "(#100) Param session must be an object with known keys")
    for name, kind in wanted.items():
        if type(session.get(name)) is not kind:
            refuse(100, f"(#100) Param session[{name}] is missing or has the wrong type")
    if type(session.get("estimated_num_total", 0)) is not int:
        refuse(100, "(#100) Param session[estimated_num_total] must be an integer")
    return session


def _continue_session(
    call: Call, audience_id: int, operation: str, session: Json, counts: tuple[int, int],
    micros: int,
) -> int | None:  # fmt: skip
    """Return when the session began (microseconds); None when its last batch is sent again."""
    if not session:
        return micros
    digest = sha256(call.body or str(call.query).encode()).hexdigest()
    key = (audience_id, session["session_id"])
    row = call.store.row(
        "select operation, last_seq, last_digest, is_finished, started_micros from meta_sessions"
        " where audience_id = ? and session_id = ?",
        key,
    )
    if row and (row[1], row[2]) == (session["batch_seq"], digest):
        return None
    if row and (row[0] != operation or row[3]):
        refuse(100, "(#100) This session is finished or belongs to another operation")
    if session["batch_seq"] != (row[1] if row else 0) + 1:
        refuse(100, "(#100) Param session[batch_seq] is out of sequence")
    started = row[4] if row else micros
    call.store.run(
        "insert into meta_sessions values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set"
        " last_seq = excluded.last_seq, last_digest = excluded.last_digest,"
        " is_finished = excluded.is_finished, num_received = num_received + excluded.num_received,"
        " num_invalid = num_invalid + excluded.num_invalid",
        (*key, operation, session["batch_seq"], digest, session["last_batch_flag"], started,
         *counts),
    )  # fmt: skip
    return int(started)


def get_session(call: Call) -> Answer:
    """Return how far a session has come."""
    _audience(call)
    given = _allowed(dict(call.query), {"session_id", "fields"})
    row = call.store.row(
        "select session_id, is_finished, num_received, num_invalid from meta_sessions"
        " where audience_id = ? and session_id = ?",
        (call.params["audience_id"], given.get("session_id")),
    )
    if row is None:
        return Answer(200, {"data": []})
    session_id, finished, received, invalid = row
    stage, progress = ("done", "100") if finished else ("uploading", "50")
    view = {"session_id": str(session_id), "stage": stage, "progress": progress,
            "num_received": str(received), "num_invalid_entries": str(invalid),
            "num_matched": str(received - invalid)}  # fmt: skip
    return Answer(200, {"data": [view]}, rows=1)


def audiences(store: Store) -> list[Json]:
    """Return every custom audience and how many users it holds."""
    return [
        {"id": str(audience_id), "name": name, "account_id": account,
         "count_members": book.count_members(store, f"meta:{audience_id}")}
        for audience_id, name, account in store.rows(
            "select audience_id, name, account_id from meta_audiences order by name"
        )
    ]  # fmt: skip


def members(store: Store, audience_id: str) -> list[Json]:
    """Return the users of an audience: each row by its schema keys, without empty cells."""
    listed = book.list_members(store, f"meta:{audience_id}")
    return [orjson.loads(record) for record, _ in listed]


def throttled(verdict: Verdict) -> Answer:
    """Return code 80003: too many calls to this custom audience."""
    return graph_problem(400, 80003, "(#80003) There have been too many calls to this account.")


_ACCOUNT = "/v26.0/act_{account_id:int}/customaudiences"
_AUDIENCE = "/v26.0/{audience_id:int}"

META = Vendor(
    name="meta",
    title="Meta Custom Audiences",
    tables=TABLES,
    endpoints=(
        Endpoint("POST", _ACCOUNT, create_audience),
        Endpoint("GET", _ACCOUNT, list_audiences),
        Endpoint("GET", _AUDIENCE, get_audience),
        Endpoint("POST", _AUDIENCE + "/users", partial(change_users, operation="add")),
        Endpoint("DELETE", _AUDIENCE + "/users", partial(change_users, operation="remove")),
        Endpoint("POST", _AUDIENCE + "/usersreplace", partial(change_users, operation="replace")),
        Endpoint("GET", _AUDIENCE + "/sessions", get_session),
    ),
    admit=admit,
    problem=lambda status, message: graph_problem(
        status if status != 404 else 400, 2500, f"Unknown path components: {message}"
    ),
    throttled=throttled,
    audiences=audiences,
    members=members,
)
