"""Send messages to browsers: Web Push, encrypted (RFC 8291) and signed by us (RFC 8292, VAPID).

A row is one message to one subscription, and the sync's key says which: what was delivered under a
key is never sent again, whatever else changes in its row. Columns named `payload_…` become one JSON
object for the site's service worker. Nothing is taken back. Where it cannot be told whether the
service has taken a message (no answer, most failures with 5xx), it waits for a person.

404 and 410 say that a subscription is gone: the row is invalid with the code `gone` in
`ledger.sync_rows` and `ledger.rejections`, from where the warehouse learns which contact points to
drop. 403 is about one subscription, made for another key of ours. Not established against live
services: the names of the services, these meanings of 401 and 403, and any rate.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import SplitResult

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import VapidException

from activation.destinations.answers import common_outcome
from activation.destinations.base import (
    Batch,
    Outcome,
    Prepared,
    Request,
    Response,
    Retry,
    Row,
    Settled,
    Target,
)
from activation.destinations.capabilities import BatchLimits, Capabilities, Rate, Surface
from activation.destinations.reach import (
    AddressRefused,
    AddressRule,
    check_url,
    is_loopback,
    says_yes,
    split_url,
)
from activation.destinations.web_push_sealing import (
    MOST_BYTES,
    MOST_PAYLOAD,
    decoded,
    encrypted,
    signing_key,
)
from activation.errors import UnusableSetting

_PREFIX = "payload_"
_SUBSCRIPTION = frozenset({"endpoint", "p256dh", "auth"})
_DELIVERY = frozenset({"ttl", "urgency", "topic"})
_DAY = 86_400
_TOKEN_LIFE = timedelta(hours=12)
_URGENCIES = ("very-low", "low", "normal", "high")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_PRINTED = re.compile(r"[!-~]+")
_ORIGIN = re.compile(r"https?://[^/:\[\]]+(:\d+)?")
_SERVICES = "fcm.googleapis.com .push.services.mozilla.com .push.apple.com .notify.windows.com"
_GONE = (404, 410)
_TAKEN = (201, 202)


@dataclass(frozen=True)
class WebPushSettings:
    """Whom we say we are, and which push services may be talked to.

    `private_key` is the P-256 key that subscriptions were made for: 32 bytes in URL-safe Base64.
    `subject` is a mailto: or https: address where a service reaches us. `services` are host names,
    apart by spaces; one with a full stop in front stands for all below it. An endpoint comes out of
    a visitor's browser, so nobody else is asked.
    """

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "private_key": "REGULARS_WEB_PUSH_PRIVATE_KEY",
        "subject": "REGULARS_WEB_PUSH_SUBJECT",
        "services": "REGULARS_WEB_PUSH_SERVICES",
        "allow_loopback": "REGULARS_WEB_PUSH_ALLOW_LOOPBACK",
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("private_key", "subject")

    private_key: str = field(default="", repr=False)
    subject: str = ""
    services: str = _SERVICES
    allow_loopback: str = ""

    def check(self) -> None:
        """Raise UnusableSetting when key or subject cannot be used."""
        try:
            key = signing_key(self.private_key)
        except ValueError:
            msg = (
                "web_push: REGULARS_WEB_PUSH_PRIVATE_KEY is not usable. Set a P-256 private key: "
                "32 bytes in URL-safe Base64."
            )
            raise UnusableSetting(msg) from None
        try:
            key.sign({"aud": "https://push.example.com", "sub": self.subject})
        except VapidException:
            msg = (
                "web_push: REGULARS_WEB_PUSH_SUBJECT is not usable. Set mailto: and an e-mail "
                "address, or an https:// address, where push services reach you."
            )
            raise UnusableSetting(msg) from None


@dataclass(frozen=True)
class WebPush:
    """Push services of browsers; every subscription names its own."""

    settings: WebPushSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="web_push",
        surfaces={"messages": Surface("message", resends_unknown=False)},
        fields=_SUBSCRIPTION | _DELIVERY,
        field_prefix=_PREFIX,
        needs_fields=_SUBSCRIPTION,
        own_addresses=True,
        identities=(),
        addresses={"push_token": "endpoint"},
        batch=BatchLimits(upsert_rows=25, removal_rows=1_000, request_bytes=MOST_BYTES),
        rate=Rate(burst_per_second=100, steady_per_minute=6_000),
        in_flight=8,
        normaliser="web_push/1",
        needs_target=False,
    )

    @property
    def base_url(self) -> str:
        """Return nothing: every path is a whole address."""
        return ""

    @property
    def account(self) -> str:
        """Return one name for all: a new key must not send every message again."""
        return "web_push"

    @property
    def address_rule(self) -> AddressRule:
        """Return that only public addresses are talked to, and this machine where it is allowed."""
        return AddressRule(says_yes(self.settings.allow_loopback))

    def headers(self) -> Mapping[str, str]:
        """Return nothing: every message is signed for its own service."""
        return {}

    def parameters(self) -> Mapping[str, str]:
        """Return nothing: an endpoint is used as it is."""
        return {}

    def target(self, name: str) -> Target:
        """Return the target: there is nothing to find or make."""
        return Target(name, name)

    def requests(self, batch: Batch) -> Prepared:
        """Address each message; a row that cannot be a message is invalid."""
        if batch.operation == "remove":
            return Prepared(settled=tuple(row.number for row in batch.rows))
        invalid: dict[int, str] = {}
        requests = []
        for row in batch.rows:
            try:
                requests.append(self._message(row))
            except _Malformed as malformed:
                invalid[row.number] = malformed.code
        return Prepared(tuple(requests), invalid)

    def _message(self, row: Row) -> Request:
        """Return the request of one message, in clear; raise _Malformed."""
        endpoint = self._endpoint(row.values.get("endpoint"))
        subscription = _subscription(row.values)
        payload = {
            name.removeprefix(_PREFIX): value
            for name, value in row.values.items()
            if name.startswith(_PREFIX) and value is not None
        }
        body = orjson.dumps(payload)
        if len(body) > MOST_PAYLOAD:
            raise _Malformed("too_large")
        return Request(
            "push",
            "POST",
            endpoint,
            (row.number,),
            headers=_delivery_headers(row.values),
            body=body,
            content_type="application/octet-stream",
            context=subscription,
        )

    def _endpoint(self, value: Any) -> str:
        endpoint = str(value or "").strip()
        try:
            check_url(endpoint, self.address_rule)
        except AddressRefused as refused:
            raise _Malformed(refused.code) from None
        parts = split_url(endpoint)
        if not _PRINTED.fullmatch(endpoint) or not _ORIGIN.fullmatch(_origin(parts)):
            raise _Malformed("address_malformed")
        host = parts.hostname or ""
        is_here = self.address_rule.allows_loopback and is_loopback(host)
        if not is_here and not any(
            _serves(one, host) for one in self.settings.services.lower().split()
        ):
            raise _Malformed("unknown_push_service")
        return endpoint

    def sealed(self, request: Request, moment: datetime) -> Request:
        """Encrypt a message with keys of its own, and sign it for its service for twelve hours."""
        public, secret = request.context
        claims = {
            "aud": _origin(split_url(request.path)),
            "exp": int((moment + _TOKEN_LIFE).timestamp()),
            "sub": self.settings.subject,
        }
        signed = signing_key(self.settings.private_key).sign(claims)
        proof = {"authorization": signed["Authorization"], "content-encoding": "aes128gcm"}
        body = encrypted(request.body or b"", public, secret)
        return replace(request, headers={**request.headers, **proof}, body=body)

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer of a push service means for its message."""
        status = response.status
        if status in _TAKEN:
            return Settled(request.rows)
        if status in _GONE:
            return Settled(invalid=dict.fromkeys(request.rows, "gone"))
        if status == 413:
            return Settled(invalid=dict.fromkeys(request.rows, "too_large"))
        if status == 403:
            return Settled(rejected=dict.fromkeys(request.rows, "other_vapid_key"))
        if status < 300:
            return Retry("garbled_answer", in_doubt=True)
        outcome = common_outcome("web_push", "REGULARS_WEB_PUSH_PRIVATE_KEY", request, response)
        return outcome or Settled(rejected=dict.fromkeys(request.rows, f"http_{status}"))


class _Malformed(Exception):
    """A row that cannot be a message, by code."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def _subscription(values: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return a browser's public key and secret; raise _Malformed when they cannot be any."""
    try:
        public = decoded(str(values.get("p256dh") or ""))
        secret = decoded(str(values.get("auth") or ""))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    except ValueError:
        raise _Malformed("malformed_subscription") from None
    if len(public) != 65 or len(secret) != 16:
        raise _Malformed("malformed_subscription")
    return public, secret


def _delivery_headers(values: Mapping[str, Any]) -> dict[str, str]:
    """Return how long, how urgently and in place of what a service keeps a message."""
    ttl, topic = values.get("ttl"), values.get("topic")
    seconds = str(_DAY if ttl is None else ttl)
    urgency = str(values.get("urgency") or "normal")
    if not (seconds.isascii() and seconds.isdigit()):
        raise _Malformed("malformed_ttl")
    if urgency not in _URGENCIES:
        raise _Malformed("malformed_urgency")
    headers = {"ttl": seconds, "urgency": urgency}
    if topic:
        if not _TOPIC.fullmatch(str(topic)):
            raise _Malformed("malformed_topic")
        headers["topic"] = str(topic)
    return headers


def _origin(parts: SplitResult) -> str:
    """Return the origin of an endpoint, without the port that is usual for its scheme."""
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def _serves(service: str, host: str) -> bool:
    return host.endswith(service) if service.startswith(".") else host == service
