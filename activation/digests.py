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
class RowRule:
    """A way to digest rows, and the name by which the ledger knows it.

    `inner` and `outer` are the secrets as literals; without `outer` there is one pass of md5.
    """

    identifier: str
    inner: str = field(repr=False)
    outer: str = field(default="", repr=False)

    def digest(self, text: str) -> str:
        """Return the expression for the digest of a text."""
        once = md5_hex(f"{self.inner} || {text}")
        return md5_hex(f"{self.outer} || {once}") if self.outer else once


@dataclass(frozen=True)
class DigestKey:
    """A secret without which a digest of a short value (a first name) cannot be guessed back."""

    secret: str = field(repr=False)

    @property
    def identifier(self) -> str:
        """Return what tells this key from others; it does not lead back to the secret."""
        return self._derived("identifier")[:8]

    @property
    def row_rule(self) -> "RowRule":
        """Return how rows are digested: md5 of a secret of 128 bits and the text.

        A guess cannot be tried without the secret. HMAC's second pass protects a text that others
        may extend, which nobody can here: the ledger's rows are no messages that anybody sends.
        """
        prefix = literal(self._derived("rows")[:32])
        return RowRule(self._derived("identifier of rows")[:8], prefix)

    @property
    def former_row_rule(self) -> "RowRule":
        """Return how rows were digested before: by HMAC, as `digest` does."""
        return RowRule(self.identifier, literal(self._derived("inner")), self._outer)

    def digest(self, text: str) -> str:
        """Return the expression for the keyed digest of a text: HMAC's construction over md5.

        The two pads fill one block of md5 each, so the warehouse needs nothing but md5.
        """
        return self.former_row_rule.digest(text)

    def pieces(self, document: str, names: Sequence[str]) -> str:
        """Return the expression for a few digits per field, enough to tell which one changed."""
        parts = [self._piece(document, name) for name in names]
        return " || ".join(parts) or "''"

    def _piece(self, document: str, name: str) -> str:
        value = f"coalesce('=' || {json_text(document, name)}, '')"
        prefix = literal(self._derived("field")[:24] + name)
        return f"substr({md5_hex(f'{prefix} || {value}')}, 1, {PIECE})"

    @property
    def _outer(self) -> str:
        return literal(self._derived("outer"))

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class DigestKeys:
    """The key that digests are made with, and the one that older rows were digested with."""

    current: DigestKey
    former: DigestKey | None = None

    @property
    def row_rule(self) -> RowRule:
        """Return how rows are digested now."""
        return self.current.row_rule

    @property
    def former_row_rules(self) -> tuple[RowRule, ...]:
        """Return how rows that are still held may have been digested before."""
        if self.former is None:
            return (self.current.former_row_rule,)
        return (
            self.current.former_row_rule,
            self.former.row_rule,
            self.former.former_row_rule,
        )

    @property
    def of_same_pieces(self) -> tuple[str, str]:
        """Return the names of the rules whose rows have pieces made with the current key."""
        return self.current.row_rule.identifier, self.current.former_row_rule.identifier
