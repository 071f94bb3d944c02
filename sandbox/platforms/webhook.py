"""A receiver of signed webhooks (Standard Webhooks) that keeps the rows it is told of."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Any, NoReturn

import orjson

from sandbox.platforms.state import Store
from sandbox.platforms.vendor import (
    Answer,
    Call,
    Endpoint,
    Json,
    Refusal,
    Vendor,
    parse_json,
    timestamp,
)  # fmt: skip
from sandbox.platforms.windows import Limit, Verdict

TABLES = """
create table if not exists webhook_messages (
    receiver text not null, id text not null, digest text not null, received_at text not null,
    primary key (receiver, id)) without rowid;
create table if not exists webhook_seen (
    receiver text not null, id text not null, primary key (receiver, id)) without rowid;
create table if not exists webhook_rows (
    receiver text not null, target text not null, key text not null, fields text not null,
    received_at text not null, primary key (receiver, target, key)) without rowid;
"""

TOLERANCE_SECONDS = 300
MAX_BYTES = 1_000_000
MAX_ROWS = 1_000
RATE = (Limit(100, 1),)
UPSERTED, REMOVED = "rows.upserted", "rows.removed"
_FIELDS = {UPSERTED: {"id", "key", "values"}, REMOVED: {"id", "key"}}


def secret_of(token: str) -> str:
    """Return the secret that senders sign with, made of the sandbox's token."""
    digest = hashlib.sha256(f"webhook|{token}".encode()).digest()
    return f"whsec_{base64.b64encode(digest).decode()}"


def _problem(status: int, message: str) -> Answer:
    return Answer(status, {"error": message})


def _refuse(status: int, message: str) -> NoReturn:
    raise Refusal(_problem(status, message))


def verify(call: Call) -> None:
    """Refuse a message that nobody with the secret signed, or not within five minutes of now."""
    given = {name: call.headers.get(f"webhook-{name}") for name in ("id", "timestamp", "signature")}
    identifier, stamp, signatures = given["id"], given["timestamp"], given["signature"]
    if not identifier or not stamp or not signatures:
        _refuse(400, "webhook-id, webhook-timestamp and webhook-signature are required.")
    if "." in identifier or not stamp.isascii() or not stamp.isdigit():
        _refuse(400, "webhook-id has no full stop in it, webhook-timestamp is whole seconds.")
    if abs(call.now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        _refuse(401, "webhook-timestamp is too far from now.")
    key = base64.b64decode(secret_of(call.settings.token).removeprefix("whsec_"))
    signed = b".".join((identifier.encode(), stamp.encode(), call.body))
    expected = hmac.digest(key, signed, "sha256")
    if not any(hmac.compare_digest(expected, one) for one in _signatures(signatures)):
        _refuse(401, "No signature matches.")


def _signatures(header: str) -> list[bytes]:
    found = []
    for part in header.split(" "):
        version, _, text = part.partition(",")
        if version != "v1":
            continue
        try:
            found.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            _refuse(400, "webhook-signature is not Base64.")
    return found


def receive(call: Call) -> Answer:
    """Apply a message once, however often it comes; a row's id is applied once, too."""
    if call.headers.get("content-type", "").partition(";")[0] != "application/json":
        _refuse(415, "The body must be application/json.")
    if len(call.body) > MAX_BYTES:
        _refuse(413, "The body is too large.")
    kind, target, rows = _read(parse_json(call.body))
    receiver, identifier = call.params["receiver"], call.headers["webhook-id"]
    digest = hashlib.sha256(call.body).hexdigest()
    known = call.store.row(
        "select digest from webhook_messages where receiver = ? and id = ?", (receiver, identifier)
    )
    if known is not None:
        if known[0] != digest:
            _refuse(409, "This webhook-id came with another body before.")
        return Answer(204)
    message = (receiver, identifier, digest, timestamp(call.now))
    call.store.run("insert into webhook_messages values (?, ?, ?, ?)", message)
    changed = [_apply(call.store, (receiver, target), kind, row, call.now) for row in rows]
    return Answer(204, rows=len(rows), changed=any(changed))


def _read(document: object) -> tuple[str, str, list[Json]]:
    """Return type, target and rows of a message; refuse whatever has another form."""
    if not isinstance(document, dict) or set(document) != {"type", "data"}:
        _refuse(400, "A message has type and data.")
    kind, data = document["type"], document["data"]
    if not isinstance(kind, str) or kind not in _FIELDS:
        _refuse(400, f"The type is {UPSERTED} or {REMOVED}.")
    if not isinstance(data, dict) or set(data) != {"target", "rows"}:
        _refuse(400, "The data has target and rows.")
    target, rows = data["target"], data["rows"]
    if not isinstance(target, str) or not target:
        _refuse(400, "The target is a text.")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_ROWS:
        _refuse(400, f"The rows are a list of 1 to {MAX_ROWS}.")
    if not all(_is_row(row, kind) for row in rows):
        _refuse(422, f"A row has {', '.join(sorted(_FIELDS[kind]))}.")
    for name in ("id", "key"):
        if len({row[name] for row in rows}) != len(rows):
            _refuse(422, f"Two rows have the same {name}.")
    return kind, target, rows


def _is_row(row: Any, kind: str) -> bool:
    if not isinstance(row, dict) or set(row) != _FIELDS[kind]:
        return False
    texts = all(isinstance(row[name], str) and row[name] for name in ("id", "key"))
    return texts and (kind == REMOVED or isinstance(row["values"], dict))


def _apply(
    store: Store, place: tuple[str, str], kind: str, row: Json, moment: datetime
) -> bool:  # fmt: skip
    """Do what a row says, unless its id was seen before; say whether something changed."""
    seen = (place[0], row["id"])
    if not store.run("insert or ignore into webhook_seen values (?, ?)", seen):
        return False
    where = (*place, row["key"])
    if kind == REMOVED:
        return bool(
            store.run(
                "delete from webhook_rows where receiver = ? and target = ? and key = ?", where
            )
        )
    values = orjson.dumps(row["values"], option=orjson.OPT_SORT_KEYS).decode()
    kept = (*where, values, timestamp(moment))
    store.run("insert or replace into webhook_rows values (?, ?, ?, ?, ?)", kept)
    return True


def audiences(store: Store) -> list[Json]:
    """Return every receiver and target, and how many rows it holds."""
    return [
        {"id": f"{receiver}/{target}", "name": target, "count_members": count}
        for receiver, target, count in store.rows(
            "select receiver, target, count(*) from webhook_rows group by 1, 2 order by 1, 2"
        )
    ]


def members(store: Store, identifier: str, limit: int) -> list[Json]:
    """Return the rows of a receiver's target: key and values."""
    receiver, _, target = identifier.partition("/")
    rows = store.rows(
        "select key, fields, received_at from webhook_rows where receiver = ? and target = ?"
        " order by key limit ?",
        (receiver, target, limit),
    )
    return [
        {"key": key, "values": orjson.loads(values), "received_at": moment}
        for key, values, moment in rows
    ]


def throttled(verdict: Verdict) -> Answer:
    """Return 429 and when to come back."""
    return Answer(429, {"error": "Too many messages."}, {"Retry-After": str(verdict.reset_seconds)})


WEBHOOK = Vendor(
    name="webhook",
    title="Signed webhooks",
    tables=TABLES,
    endpoints=(Endpoint("POST", "/hooks/{receiver}", receive, RATE, "messages"),),
    admit=verify,
    problem=_problem,
    throttled=throttled,
    audiences=audiences,
    members=members,
)
