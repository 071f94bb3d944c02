"""Send rows as signed webhooks (Standard Webhooks): one message per batch, with an array of rows.

The secret has the form `whsec_` and Base64; what is signed is `id.timestamp.body`. `webhook-id` is
the same for every attempt of a run. A row has an `id` of its own, which is the same when a row
without an answer is sent again by a later run, in whatever company, and another one when equal
values are meant anew: a receiver that skips ids it has seen loses nothing and does nothing twice. A
removal that a later run repeats has a new id; to remove twice is the same as once. The size of a
message and the rate are our choice: the specification sets no limits.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

import orjson

from activation.destinations.answers import common_outcome, pack_batch, refused_request
from activation.destinations.base import (
    Batch,
    Narrow,
    Outcome,
    Prepared,
    Request,
    Response,
    Settled,
    Stop,
    Target,
)
from activation.destinations.capabilities import BatchLimits, Capabilities, Rate, Surface
from activation.destinations.layout import Layout
from activation.destinations.reach import (
    AddressRefused,
    AddressRule,
    check_url,
    says_yes,
    split_url,
)
from activation.destinations.row_texts import RowText
from activation.destinations.webhook_events import encoded, event_text
from activation.errors import ReceiverGone, UnusableSetting

_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 65)
_TYPES = {"upsert": "rows.upserted", "remove": "rows.removed"}
_NO_SUCH_PLACE = (404, 405)


@dataclass(frozen=True)
class WebhookSettings:
    """Where to send, and what to sign with: several secrets, apart by spaces, while one changes."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "base_url": "REGULARS_WEBHOOK_URL",
        "secret": "REGULARS_WEBHOOK_SECRET",
        "allow_loopback": "REGULARS_WEBHOOK_ALLOW_LOOPBACK",
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("base_url", "secret")

    base_url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    allow_loopback: str = ""

    def check(self) -> None:
        """Raise UnusableSetting when the address or a secret cannot be one."""
        try:
            check_url(self.base_url, AddressRule(says_yes(self.allow_loopback)))
        except AddressRefused as refused:
            msg = (
                f"webhook: REGULARS_WEBHOOK_URL is not usable: {refused.reason}. Set a public "
                "https:// address without user name and password."
            )
            raise UnusableSetting(msg) from None
        try:
            secrets = keys(self.secret)
        except ValueError:
            secrets = []
        if not secrets or any(len(secret) not in _SECRET_BYTES for secret in secrets):
            msg = (
                "webhook: REGULARS_WEBHOOK_SECRET is not usable. Set whsec_ followed by the Base64 "
                "of 24 to 64 random bytes; several secrets stand apart by spaces."
            )
            raise UnusableSetting(msg)


@dataclass(frozen=True)
class Webhook:
    """One receiver of signed messages that hold the rows of a sync."""

    settings: WebhookSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="webhook",
        surfaces={"rows": Surface("row")},
        fields=frozenset(),
        takes_any_field=True,
        identities=(),
        addresses={"email": "email", "phone": "phone", "push_token": "token"},
        batch=BatchLimits(upsert_rows=200, removal_rows=200, request_bytes=512_000),
        rate=Rate(burst_per_second=20, steady_per_minute=1_200),
        normaliser="webhook/1",
        needs_target=False,
        sends_text=True,
    )

    @property
    def base_url(self) -> str:
        """Return scheme and host of the receiver."""
        parts = split_url(self.settings.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def account(self) -> str:
        """Return the host and a digest of the path, which may be a secret of the receiver's."""
        parts = split_url(self.settings.base_url)
        digest = hashlib.sha256(parts.path.encode()).hexdigest()
        return f"{parts.hostname or ''}|{digest[:16]}"

    @property
    def address_rule(self) -> AddressRule:
        """Return that only public addresses are talked to, and this machine where it is allowed."""
        return AddressRule(says_yes(self.settings.allow_loopback))

    def headers(self) -> Mapping[str, str]:
        """Return nothing: the signature is made for each attempt."""
        return {}

    def parameters(self) -> Mapping[str, str]:
        """Return nothing: the receiver's address is used as it is."""
        return {}

    def target(self, name: str) -> Target:
        """Return the target: a name in the message, by which a receiver tells syncs apart."""
        return Target(name, name)

    def requests(self, batch: Batch) -> Prepared:
        """Cut a batch into messages; a row that does not fit into one is invalid."""
        limits = self.capabilities.batch
        room = limits.request_bytes - len(_message_around(batch, []))
        invalid: dict[int, str] = {}
        parts = pack_batch(
            batch,
            lambda rows: encoded(batch, rows, room, invalid),
            replace(limits, request_bytes=room),
            room,
        )
        made = tuple(self._message(batch, rows, events) for rows, events in parts)
        return Prepared(made, invalid)

    def row_text(self, target: str, layout: Layout, run_id: str) -> RowText:
        """Return how the warehouse writes what a message says of a row to be sent."""
        return RowText(event_text(target, run_id))

    def _message(self, batch: Batch, rows: tuple[int, ...], events: list[bytes]) -> Request:
        body = _message_around(batch, events)
        parts = split_url(self.settings.base_url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        identifier = f"msg_{hashlib.sha256(body).hexdigest()[:32]}"
        return Request(
            "send_rows", "POST", path, rows, headers={"webhook-id": identifier}, body=body
        )

    def sealed(self, request: Request, moment: datetime) -> Request:
        """Sign a message for one attempt at a moment."""
        stamp = str(int(moment.timestamp()))
        identifier, body = request.headers["webhook-id"], request.body or b""
        signed = " ".join(
            signature(key, identifier, stamp, body) for key in keys(self.settings.secret)
        )
        proof = {"webhook-timestamp": stamp, "webhook-signature": signed}
        return replace(request, headers={**request.headers, **proof})

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer means: any success is one, whatever its body says."""
        status = response.status
        if 200 <= status < 300:
            return Settled(request.rows)
        if status == 410:
            msg = (
                "webhook: the receiver is gone (HTTP 410), and nothing more was sent. Set "
                "REGULARS_WEBHOOK_URL to where it is now, or take the sync out."
            )
            return Stop(ReceiverGone(msg))
        if status in _NO_SUCH_PLACE:
            return refused_request("webhook", request, status)
        outcome = common_outcome("webhook", "REGULARS_WEBHOOK_SECRET", request, response)
        return outcome or Narrow(f"http_{status}")


def keys(secret: str) -> list[bytes]:
    """Return the keys in a setting; raise ValueError when one is not of the form `whsec_Base64`."""
    return [_key(part) for part in secret.split()]


def signature(key: bytes, identifier: str, stamp: str, body: bytes) -> str:
    """Return the signature of a message, version 1: HMAC-SHA256 in Base64."""
    signed = f"{identifier}.{stamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        raise ValueError(_PREFIX)
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(_PREFIX) from error


def _message_around(batch: Batch, events: list[bytes]) -> bytes:
    kind, target = orjson.dumps(_TYPES[batch.operation]), orjson.dumps(batch.target.name)
    head = b'{"type":%b,"data":{"target":%b,"rows":[' % (kind, target)
    return b"".join((head, b",".join(events), b"]}}"))
