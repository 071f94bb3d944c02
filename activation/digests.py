"""Digest values with a key, so that the ledger compares what it does not hold."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from activation.statements import json_text, literal, md5_hex

PIECE = 6
KEY_VARIABLE = "REGULARS_LEDGER_KEY"
FORMER_KEY_VARIABLE = "REGULARS_LEDGER_FORMER_KEY"


@dataclass(frozen=True)
class DigestKey:
    """A secret without which a digest of a short value (a first name) cannot be guessed back."""

    secret: str = field(repr=False)

    @property
    def identifier(self) -> str:
        """Return what tells this key from others; it does not lead back to the secret."""
        return self._derived("identifier")[:8]

    def digest(self, text: str) -> str:
        """Return the expression for the keyed digest of a text: HMAC's construction over md5.

        The two pads fill one block of md5 each, so the warehouse needs nothing but md5.
        """
        inner = md5_hex(f"{literal(self._derived('inner'))} || {text}")
        return md5_hex(f"{literal(self._derived('outer'))} || {inner}")

    def pieces(self, document: str, names: Sequence[str]) -> str:
        """Return the expression for a few digits per field, enough to tell which one changed."""
        parts = [self._piece(document, name) for name in names]
        return " || ".join(parts) or "''"

    def _piece(self, document: str, name: str) -> str:
        value = f"coalesce('=' || {json_text(document, name)}, '')"
        prefix = literal(self._derived("field")[:24] + name)
        return f"substr({md5_hex(f'{prefix} || {value}')}, 1, {PIECE})"

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class DigestKeys:
    """The key that digests are made with, and the one that older rows were digested with."""

    current: DigestKey
    former: DigestKey | None = None
