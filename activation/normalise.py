"""Bring identifiers into the form each platform hashes or matches; versioned and vector-tested.

Rules differ per vendor and must not be merged. A value that cannot be brought into form raises
Unusable; an empty string is never hashed; a value that is a SHA-256 in hexadecimal already passes
through unchanged.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import phonenumbers

BASIC = "basic/1"
GOOGLE = "google/1"
META = "meta/1"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_COUNTRY = re.compile(r"[a-z]{2}")
_SPACE = re.compile(r"\s")
_GOOGLE_MAIL = ("gmail.com", "googlemail.com")


class Unusable(ValueError):
    """A value has no form the platform would accept; `code` says which kind it was."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def hashed(normalise: Callable[[str], str], value: str) -> str:
    """Return the SHA-256 of the normalised value in hexadecimal; hashed input passes through."""
    if _SHA256.fullmatch(value):
        return value
    return hashlib.sha256(normalise(value).encode()).hexdigest()


@lru_cache(maxsize=100_000)
def hashed_common(normalise: Callable[[str], str], value: str) -> str:
    """Return what `hashed` returns, remembered: for names and places, which many people share."""
    return hashed(normalise, value)


def email(value: str) -> str:
    """Trim and lower-case (Meta, Klaviyo, LinkedIn, Criteo); keeps dots and suffixes."""
    address = value.strip().lower()
    user, separator, domain = address.partition("@")
    if not (user and separator and domain) or "@" in domain or _SPACE.search(address):
        raise Unusable("invalid_email")
    return address


def google_email(value: str) -> str:
    """As `email`; a Gmail address loses dots and suffix (Google's Data Manager formatter)."""
    address = email(value)
    user, _, domain = address.partition("@")
    if domain not in _GOOGLE_MAIL:
        return address
    user = user.split("+")[0].replace(".", "")
    if not user:
        raise Unusable("invalid_email")
    return f"{user}@{domain}"


def phone(value: str, country: str | None = None) -> str:
    """Return E.164 with `+` (Google, Klaviyo); a national number is not guessed without country."""
    if _E164.fullmatch(value):
        return value
    try:
        number = phonenumbers.parse(value, country.strip().upper() if country else None)
    except phonenumbers.NumberParseException:
        raise Unusable("invalid_phone") from None
    if not phonenumbers.is_possible_number(number):
        raise Unusable("invalid_phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_digits(value: str, country: str | None = None) -> str:
    """Return country code and number as digits without `+` (Meta)."""
    return phone(value, country).removeprefix("+")


def name(value: str) -> str:
    """Trim and lower-case, punctuation kept (Google's own formatter)."""
    text = value.strip().lower()
    if not text:
        raise Unusable("invalid_name")
    return text


def meta_name(value: str) -> str:
    """Lower-case without punctuation, letters of every script kept (Meta's documented vectors)."""
    text = unicodedata.normalize("NFC", value.strip().lower())
    kept = "".join(sign for sign in text if not unicodedata.category(sign).startswith("P"))
    if not kept:
        raise Unusable("invalid_name")
    return kept


def meta_city(value: str) -> str:
    """Lower-case without punctuation and spaces (Meta)."""
    return _SPACE.sub("", meta_name(value))


def postal_code(value: str) -> str:
    """Trim (Google sends postal codes in plain text)."""
    text = value.strip()
    if not text:
        raise Unusable("invalid_postal_code")
    return text


def meta_postal_code(value: str) -> str:
    """Lower-case without spaces, only the part before a hyphen (Meta: five digits in the US)."""
    text = _SPACE.sub("", value.lower()).split("-")[0]
    if not text:
        raise Unusable("invalid_postal_code")
    return text


def country(value: str) -> str:
    """Return ISO 3166 alpha-2 in lower case (Meta)."""
    text = value.strip().lower()
    if not _COUNTRY.fullmatch(text):
        raise Unusable("invalid_country")
    return text


def google_country(value: str) -> str:
    """Return ISO 3166 alpha-2 in upper case, sent in plain text (Google)."""
    return country(value).upper()
