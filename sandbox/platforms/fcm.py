"""Firebase Cloud Messaging v1: topic subscriptions of device tokens, and sending."""

from __future__ import annotations

import re
import secrets
from typing import NoReturn

import orjson

from sandbox.platforms.google_rpc import field_problem, require_bearer, rpc_problem
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
create table if not exists fcm_subscriptions (
    topic text not null, token text not null, project text not null, subscribed_at text not null,
    primary key (topic, token)) without rowid;
create index if not exists fcm_subscriptions_by_token on fcm_subscriptions (token);
create table if not exists fcm_dead_tokens (token text primary key) without rowid;
create table if not exists fcm_messages (
    name text primary key, message text not null, sent_at text not null);
"""

DEAD_SUFFIX = "-unregistered"
"""A token with this ending belongs to an app that is no longer installed."""

RATE = (Limit(3_000, 1),)
MAX_TOPICS = 2_000
MAX_TOPIC_LENGTH = 900
MAX_DATA_BYTES = 4_096
_TOPIC = re.compile(r"[a-zA-Z0-9\-_.~%]+")
_MESSAGE = {
    "name", "data", "notification", "android", "webpush", "apns", "fcm_options", "token",
    "topic", "condition",
}  # fmt: skip
_TARGETS = ("token", "topic", "condition")


def _refuse(status: int, message: str, code: str | None = None) -> NoReturn:
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    details = [{"@type": kind, "errorCode": code}] if code else None
    raise Refusal(rpc_problem(status, message, details))


def _require_topic(topic: str) -> None:
    if not _TOPIC.fullmatch(topic) or len(topic) > MAX_TOPIC_LENGTH:
        _refuse(400, "Invalid topic name.", "INVALID_ARGUMENT")


def _require_live(store: Store, token: str) -> None:
    dead = token.endswith(DEAD_SUFFIX) or store.row(
        "select 1 from fcm_dead_tokens where token = ?", (token,)
    )
    if dead:
        _refuse(404, "Requested entity was not found.", "UNREGISTERED")


def subscribe(call: Call) -> Answer:
    """Subscribe one token to a topic; 409 when it already is."""
    if parse_json(call.body) != {}:
        _refuse(400, "The body must be an empty JSON object.", "INVALID_ARGUMENT")
    if unknown := sorted(set(call.query) - {"topic_name"}):
        raise Refusal(field_problem(f'Unknown name "{unknown[0]}": Cannot bind parameter.', []))
    token, topic = call.params["token"], call.query.get("topic_name", "")
    _require_topic(topic)
    _require_live(call.store, token)
    count = call.store.value("select count(*) from fcm_subscriptions where token = ?", (token,))
    if count >= MAX_TOPICS:
        _refuse(400, "The token has too many topic subscriptions.", "INVALID_ARGUMENT")
    added = call.store.run(
        "insert or ignore into fcm_subscriptions values (?, ?, ?, ?)",
        (topic, token, call.params["project"], timestamp(call.now)),
    )
    if not added:
        return Answer(409, rpc_problem(409, "Requested entity already exists").body, rows=1)
    name = f"projects/{call.params['project']}/registrations/{token}/topicSubscriptions/{topic}"
    return Answer(200, {"name": name}, rows=1, changed=True)


def unsubscribe(call: Call) -> Answer:
    """Take one token off a topic; 404 when it is not on it, unless `allow_missing=true`."""
    token, topic = call.params["token"], call.params["topic"]
    _require_topic(topic)
    _require_live(call.store, token)
    removed = call.store.run(
        "delete from fcm_subscriptions where topic = ? and token = ?", (topic, token)
    )
    if not removed and call.query.get("allow_missing") != "true":
        _refuse(404, "Requested entity was not found.")
    return Answer(200, {}, rows=1, changed=removed > 0)


def send(call: Call) -> Answer:
    """Accept one message to a token, a topic or a condition; `validate_only` keeps nothing."""
    document = parse_json(call.body)
    if not isinstance(document, dict) or set(document) - {"message", "validate_only"}:
        raise Refusal(field_problem("Invalid JSON payload received. Cannot find field.", []))
    message = document.get("message")
    if not isinstance(message, dict) or set(message) - _MESSAGE:
        raise Refusal(field_problem("Invalid JSON payload received. Cannot find field.", []))
    _check_message(call.store, message)
    project = call.params["project"]
    if document.get("validate_only"):
        return Answer(200, {"name": f"projects/{project}/messages/fake_message_id"}, rows=1)
    name = f"projects/{project}/messages/{secrets.token_hex(8)}"
    row = (name, orjson.dumps(message).decode(), timestamp(call.now))
    call.store.run("insert into fcm_messages values (?, ?, ?)", row)
    return Answer(200, {"name": name}, rows=1, changed=True)


def _check_message(store: Store, message: Json) -> None:
    targets = [name for name in _TARGETS if message.get(name)]
    if len(targets) != 1:
        _refuse(400, "Exactly one of token, topic or condition is required.", "INVALID_ARGUMENT")
    data = message.get("data") or {}
    if type(data) is not dict or not all(type(value) is str for value in data.values()):
        text = "Invalid value at 'message.data' (TYPE_STRING)."
        raise Refusal(field_problem(text, [{"field": "message.data", "description": text}]))
    if len(orjson.dumps(data)) > MAX_DATA_BYTES:
        _refuse(400, "Message too big.", "INVALID_ARGUMENT")
    if targets == ["topic"]:
        _require_topic(str(message["topic"]))
    if targets == ["token"]:
        _require_live(store, str(message["token"]))


def bury_tokens(store: Store, tokens: list[str]) -> None:
    """Let tokens be unregistered from now on."""
    with store.transaction():
        store.run_many("insert or ignore into fcm_dead_tokens values (?)", [(t,) for t in tokens])


def audiences(store: Store) -> list[Json]:
    """Return every topic and how many tokens are subscribed."""
    return [
        {"id": topic, "name": topic, "count_members": count}
        for topic, count in store.rows(
            "select topic, count(*) from fcm_subscriptions group by topic order by topic"
        )
    ]


def members(store: Store, topic: str, limit: int) -> list[Json]:
    """Return the tokens subscribed to a topic."""
    rows = store.rows(
        "select token, subscribed_at from fcm_subscriptions where topic = ? order by token limit ?",
        (topic, limit),
    )
    return [{"token": token, "subscribed_at": moment} for token, moment in rows]


def throttled(verdict: Verdict) -> Answer:
    """Return 429 RESOURCE_EXHAUSTED; FCM sends no rate headers."""
    return rpc_problem(429, "Quota exceeded for topic management requests.")


_TOPICS = "/v1/projects/{project}/registrations/{token}/topicSubscriptions"

FCM = Vendor(
    name="fcm",
    title="Firebase Cloud Messaging",
    tables=TABLES,
    endpoints=(
        Endpoint("POST", _TOPICS, subscribe, RATE, "topics", hidden="token"),
        Endpoint("DELETE", _TOPICS + "/{topic}", unsubscribe, RATE, "topics", hidden="token"),
        Endpoint("POST", "/v1/projects/{project}/messages:send", send, RATE, "messages"),
    ),
    admit=lambda call: require_bearer(call.headers.get("authorization"), call.settings.token),
    problem=lambda status, message: rpc_problem(status, message),
    throttled=throttled,
    audiences=audiences,
    members=members,
)
