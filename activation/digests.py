"""Digest values with a key, so that the ledger compares what it does not hold."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
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

    def of_row(self, normaliser: str, document: str) -> str:
        """Return the expression for the digest of a row's JSON text, by a normaliser's rules."""
        return self.digest(f"{literal(normaliser + '|')} || {document}")


@dataclass(frozen=True)
class ContentRule:
    """A keyed digest of an unkeyed one, which a model may have ready for every row."""

    identifier: str
    key: "DigestKey" = field(repr=False)

    def of_row(self, normaliser: str, document: str) -> str:
        """Return the expression for the digest of a row's JSON text, by a normaliser's rules."""
        return self.of_content(normaliser, md5_hex(document))

    def of_content(self, normaliser: str, digest: str) -> str:
        """Return the same out of the md5 of the JSON text.

        Both secret and digest fit into one block of md5, which halves its cost.
        """
        return md5_hex(f"{literal(self.key.prefix(normaliser))} || {digest}")


@dataclass(frozen=True)
class DigestKey:
    """A secret without which a digest of a short value (a first name) cannot be guessed back."""

    secret: str = field(repr=False)

    @property
    def identifier(self) -> str:
        """Return what tells this key from others; it does not lead back to the secret."""
        return self._derived("identifier")[:8]

    @property
    def row_rule(self) -> ContentRule:
        """Return how rows are digested: md5 of a secret of 132 bits and the md5 of the text.

        A guess cannot be tried without the secret. HMAC's second pass protects a text that others
        may extend, which nobody can here: the ledger's rows are no messages that anybody sends.
        """
        return ContentRule(self._derived("identifier of content")[:8], self)

    @property
    def former_row_rules(self) -> tuple[RowRule, ...]:
        """Return how rows were digested before: in one pass over the text, and by HMAC."""
        prefix = literal(self._derived("rows")[:32])
        return (RowRule(self._derived("identifier of rows")[:8], prefix), self._hmac)

    def prefix(self, normaliser: str) -> str:
        """Return the secret that stands before the digest of what a normaliser's rules send."""
        derived = hmac.new(self.secret.encode(), f"content|{normaliser}".encode(), hashlib.sha256)
        return urlsafe_b64encode(derived.digest()).decode()[:22]

    def digest(self, text: str) -> str:
        """Return the expression for the keyed digest of a text: HMAC's construction over md5.

        The two pads fill one block of md5 each, so the warehouse needs nothing but md5.
        """
        return self._hmac.digest(text)

    def pieces(self, document: str, names: Sequence[str]) -> str:
        """Return the expression for a few digits per field, enough to tell which one changed."""
        return self.pieces_of({name: json_text(document, name) for name in names})

    def pieces_of(self, texts: Mapping[str, str]) -> str:
        """Return the same out of the expression for the text of every field."""
        parts = [self._piece(name, text) for name, text in texts.items()]
        return " || ".join(parts) or "''"

    def _piece(self, name: str, text: str) -> str:
        value = f"coalesce('=' || {text}, '')"
        prefix = literal(self._derived("field")[:24] + name)
        return f"substr({md5_hex(f'{prefix} || {value}')}, 1, {PIECE})"

    @property
    def _hmac(self) -> RowRule:
        inner, outer = literal(self._derived("inner")), literal(self._derived("outer"))
        return RowRule(self.identifier, inner, outer)

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class DigestKeys:
    """The key that digests are made with, and the one that older rows were digested with."""

    current: DigestKey
    former: DigestKey | None = None

    @property
    def row_rule(self) -> ContentRule:
        """Return how rows are digested now."""
        return self.current.row_rule

    @property
    def former_row_rules(self) -> tuple[RowRule | ContentRule, ...]:
        """Return how rows that are still held may have been digested before."""
        if self.former is None:
            return self.current.former_row_rules
        return (
            *self.current.former_row_rules,
            self.former.row_rule,
            *self.former.former_row_rules,
        )

    @property
    def of_same_pieces(self) -> tuple[str, ...]:
        """Return the names of the rules whose rows have pieces made with the current key."""
        former = (rule.identifier for rule in self.current.former_row_rules)
        return self.current.row_rule.identifier, *former
