"""Encrypt a message for one browser (RFC 8291) and make the key that signs it (RFC 8292)."""

import base64
import binascii
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

MOST_BYTES = 4_096
# Salt (16), record size (4), length of the key (1), key (65); then a delimiter (1) and a tag (16).
MOST_PAYLOAD = MOST_BYTES - 86 - 17


def encrypted(
    payload: bytes,
    public: bytes,
    secret: bytes,
    key: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return a payload that only the browser reads: RFC 8291, one record of `aes128gcm`.

    `public` and `secret` are the subscription's. Key and salt are new ones unless given.
    """
    mine = key or ec.generate_private_key(ec.SECP256R1())
    parts = {"private_key": mine, "dh": public, "auth_secret": secret, "salt": salt}
    sealed: bytes = http_ece.encrypt(payload, rs=MOST_BYTES, version="aes128gcm", **parts)
    return sealed


def signing_key(text: str) -> Any:
    """Return the signer of a private key; raise ValueError when the text holds none."""
    raw = decoded(text.strip())
    if len(raw) != 32:
        raise ValueError("length")
    return Vapid02(ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1()))


def decoded(text: str) -> bytes:
    """Return the bytes of URL-safe Base64, with or without padding; raise ValueError."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("base64") from error
