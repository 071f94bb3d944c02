"""A push service (RFC 8030) and the browsers behind it: messages are verified, decrypted and kept.

`POST /subscriptions` is the visitor's consent in a browser, made for one application server key or
for any; `DELETE /subscriptions/{id}` is its end. A true service cannot read messages; this one
reads them with the browser's key, and refuses those that a browser would throw away.
"""

from __future__ import annotations

import secrets
from typing import NoReturn

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
from sandbox.platforms.web_push_keys import (
    TOPIC,
    Browser,
    Undecipherable,
    decode,
    decrypt,
    encode,
    is_public_key,
    signer,
)
from sandbox.platforms.windows import Limit, Verdict

TABLES = """
create table if not exists web_push_subscriptions (
    id text primary key, private_key text not null, secret text not null, server_key text,
    is_gone integer not null default 0) without rowid;
create table if not exists web_push_messages (
    id integer primary key autoincrement, subscription text not null, payload text not null,
    ttl integer not null, urgency text not null, topic text, received_at text not null);
"""

RATE = (Limit(1_000, 1),)
MAX_BYTES = 4_096
URGENCIES = ("very-low", "low", "normal", "high")


def _problem(status: int, message: str) -> Answer:
    return Answer(status, {"error": message})


def _refuse(status: int, message: str) -> NoReturn:
    raise Refusal(_problem(status, message))


def subscribe(call: Call) -> Answer:
    """Make a subscription in a new browser and return what its page would send to the shop."""
    document = parse_json(call.body)
    if not isinstance(document, dict) or set(document) - {"application_server_key"}:
        _refuse(400, "The body is an object with application_server_key or nothing.")
    server_key = document.get("application_server_key")
    if server_key is not None and not (isinstance(server_key, str) and is_public_key(server_key)):
        _refuse(400, "The application server key is no point of P-256.")
    identifier, browser = secrets.token_urlsafe(16), Browser.new()
    row = (identifier, browser.private_text, encode(browser.secret), server_key)
    call.store.run("insert into web_push_subscriptions values (?, ?, ?, ?, 0)", row)
    keys = {"p256dh": encode(browser.public), "auth": encode(browser.secret)}
    endpoint = f"{call.base_url}/push/{identifier}"
    return Answer(201, {"endpoint": endpoint, "keys": keys}, rows=1, changed=True)


def unsubscribe(call: Call) -> Answer:
    """End a subscription, as a visitor does."""
    ended = call.store.run(
        "update web_push_subscriptions set is_gone = 1 where id = ? and is_gone = 0",
        (call.params["subscription"],),
    )
    if not ended:
        _refuse(404, "There is no such subscription.")
    return Answer(204, rows=1, changed=True)


def push(call: Call) -> Answer:
    """Take one message for a subscription, if its sender may send it and its browser reads it."""
    found = call.store.row(
        "select private_key, secret, server_key, is_gone from web_push_subscriptions where id = ?",
        (call.params["subscription"],),
    )
    if found is None:
        _refuse(404, "There is no such subscription.")
    private_text, secret, server_key, is_gone = found
    if is_gone:
        _refuse(410, "The subscription has ended.")
    _check_sender(call, server_key)
    ttl, urgency, topic = _delivery(call)
    if len(call.body) > MAX_BYTES:
        _refuse(413, f"The body is larger than {MAX_BYTES} bytes.")
    if call.headers.get("content-encoding") != "aes128gcm":
        _refuse(400, "The content encoding is aes128gcm.")
    try:
        plain = decrypt(Browser.read(private_text, decode(secret)), call.body)
    except Undecipherable as error:
        _refuse(400, str(error))
    row = (call.params["subscription"], _text(plain), ttl, urgency, topic, timestamp(call.now))
    number = call.store.insert(
        "insert into web_push_messages (subscription, payload, ttl, urgency, topic, received_at)"
        " values (?, ?, ?, ?, ?, ?)",
        row,
    )
    place = {"location": f"{call.base_url}/messages/{number}", "ttl": str(ttl)}
    return Answer(201, headers=place, rows=1, changed=True)


def _check_sender(call: Call, server_key: str | None) -> None:
    """Refuse a message whose token is no valid one of RFC 8292, or of another sender."""
    origin = call.base_url.removesuffix("/web_push")
    key = signer(call.headers.get("authorization", ""), origin, call.now)
    if key is None:
        _refuse(401, "A vapid token for this origin, valid for at most a day, is required.")
    if server_key is not None and decode(server_key) != key:
        _refuse(403, "The subscription was made for another application server key.")


def _delivery(call: Call) -> tuple[int, str, str | None]:
    ttl, topic = call.headers.get("ttl", ""), call.headers.get("topic")
    urgency = call.headers.get("urgency", "normal")
    if not (ttl.isascii() and ttl.isdigit()) or len(ttl) > 10:
        _refuse(400, "TTL is required: whole seconds.")
    if urgency not in URGENCIES:
        _refuse(400, f"Urgency is one of {', '.join(URGENCIES)}.")
    if topic is not None and not TOPIC.fullmatch(topic):
        _refuse(400, "A topic has at most 32 characters of URL-safe Base64.")
    return int(ttl), urgency, topic


def _text(plain: bytes) -> str:
    """Return a payload as JSON text; one that is no JSON becomes a JSON string."""
    document = parse_json(plain)
    return orjson.dumps(document if document is not None else repr(plain)).decode()


def audiences(store: Store) -> list[Json]:
    """Return all messages as one audience, once there are any."""
    count = store.value("select count(*) from web_push_messages")
    return [{"id": "messages", "name": "messages", "count_members": count}] if count else []


def members(store: Store, identifier: str, limit: int) -> list[Json]:
    """Return the messages that browsers got, oldest first."""
    names = ("subscription", "payload", "ttl", "urgency", "topic", "received_at")
    rows = store.rows(
        f"select {', '.join(names)} from web_push_messages order by id limit ?", (limit,)
    )
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**one, "payload": orjson.loads(one["payload"])} for one in found]


def throttled(verdict: Verdict) -> Answer:
    """Return 429 and when to come back."""
    return Answer(429, {"error": "Too many messages."}, {"Retry-After": str(verdict.reset_seconds)})


WEB_PUSH = Vendor(
    name="web_push",
    title="Web Push",
    tables=TABLES,
    endpoints=(
        Endpoint("POST", "/subscriptions", subscribe),
        Endpoint("DELETE", "/subscriptions/{subscription}", unsubscribe, hidden="subscription"),
        Endpoint("POST", "/push/{subscription}", push, RATE, "push", hidden="subscription"),
    ),
    admit=lambda call: None,
    problem=_problem,
    throttled=throttled,
    audiences=audiences,
    members=members,
)
