"""A browser's keys, what it does to read a message (RFC 8291), and how a sender is known (8292)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.platforms.vendor import parse_json

TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
LONGEST_TOKEN_SECONDS = 86_400
_CURVE = ec.SECP256R1()
_AUTHORIZATION = re.compile(
    r"vapid +t=([\w-]+)\.([\w-]+)\.([\w-]+) *, *k=([\w-]+)", re.ASCII | re.IGNORECASE
)


class Undecipherable(ValueError):
    """A body that the browser cannot read."""


def encode(data: bytes) -> str:
    """Return URL-safe Base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of URL-safe Base64 without padding; raise ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@dataclass(frozen=True)
class Browser:
    """The keys of one subscription, as a browser holds them."""

    key: ec.EllipticCurvePrivateKey
    secret: bytes

    @classmethod
    def new(cls) -> Browser:
        """Return a browser that nobody knows yet."""
        return cls(ec.generate_private_key(_CURVE), secrets.token_bytes(16))

    @classmethod
    def read(cls, private_text: str, secret: bytes) -> Browser:
        """Return the browser with these keys."""
        number = int.from_bytes(decode(private_text), "big")
        return cls(ec.derive_private_key(number, _CURVE), secret)

    @property
    def private_text(self) -> str:
        """Return the private key as text."""
        return encode(self.key.private_numbers().private_value.to_bytes(32, "big"))

    @property
    def public(self) -> bytes:
        """Return the public key as an uncompressed point."""
        return _point(self.key.public_key())


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _public_key(point: bytes) -> ec.EllipticCurvePublicKey | None:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except ValueError:
        return None


def is_public_key(text: str) -> bool:
    """Say whether a text is a point of P-256."""
    try:
        return _public_key(decode(text)) is not None
    except (binascii.Error, ValueError):
        return False


def decrypt(browser: Browser, body: bytes) -> bytes:
    """Return what a message says: one record of `aes128gcm`, padding taken off."""
    if len(body) < 21 or body[20] != 65 or len(body) < 86 + 17:
        raise Undecipherable("The body is no aes128gcm message with a P-256 key.")
    salt, size, point, record = body[:16], body[16:20], body[21:86], body[86:]
    if len(record) > int.from_bytes(size, "big"):
        raise Undecipherable("A message is one record.")
    sender = _public_key(point)
    if sender is None:
        raise Undecipherable("The sender's key is no point of P-256.")
    shared = browser.key.exchange(ec.ECDH(), sender)
    info = b"WebPush: info\0" + browser.public + point
    secret = _derive(browser.secret, shared, info, 32)
    key = _derive(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, secret, b"Content-Encoding: nonce\0", 12)
    try:
        padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
    except InvalidTag:
        raise Undecipherable("The message was not encrypted for this subscription.") from None
    if not padded.endswith(b"\2"):
        raise Undecipherable("The last record does not end in its delimiter.")
    return padded[:-1]


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """Return HKDF-SHA256 of one block (RFC 5869)."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")[:length]


def signer(authorization: str, origin: str, now: datetime) -> bytes | None:
    """Return the public key that signed a valid token for an origin, or None."""
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        return None
    head, claims, signature, point = found.groups()
    try:
        parts = [parse_json(decode(head)), parse_json(decode(claims))]
        key, raw = _public_key(decode(point)), decode(signature)
    except (binascii.Error, ValueError):
        return None
    if key is None or not _is_valid(parts[0], parts[1], origin, now) or len(raw) != 64:
        return None
    pair = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        key.verify(encode_dss_signature(*pair), f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return None
    return _point(key)


def _is_valid(head: Any, claims: Any, origin: str, now: datetime) -> bool:
    """Say whether a token is of the right kind, for this service, and neither old nor long."""
    if not isinstance(head, dict) or not isinstance(claims, dict) or head.get("alg") != "ES256":
        return False
    end, contact = claims.get("exp"), claims.get("sub")
    if type(end) is not int or not 0 < end - now.timestamp() <= LONGEST_TOKEN_SECONDS:
        return False
    is_contact = isinstance(contact, str) and contact.startswith(("mailto:", "https:"))
    return claims.get("aud") == origin and is_contact
