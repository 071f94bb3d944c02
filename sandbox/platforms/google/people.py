"""Audience members as Google takes them: all valid, or none of them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sandbox.platforms.google.errors import (
    refuse_field,
    refuse_fields,
    refuse_json,
    refuse_unknown,
    violation,
)  # fmt: skip
from sandbox.platforms.google.schema import CONSENT_STATUSES
from sandbox.platforms.members import SEPARATOR, hash_finder, text_finder
from sandbox.platforms.vendor import Json

MAX_MEMBERS = 10_000
MAX_IDENTIFIERS = 10
MAX_VIOLATIONS = 100

EMAIL, PHONE, ADDRESS = "emailAddress", "phoneNumber", "address"
Consents = tuple[str | None, str | None]

_MEMBER = {"destinationReferences", "userData", "consent"}
_OTHER_DATA = {
    "pairData", "mobileData", "userIdData", "ppidData", "compositeData", "googleUserIdData",
    "partnerProvidedIdData",
}  # fmt: skip
_USER_DATA = {"userIdentifiers"}
_IDENTIFIERS = {EMAIL, PHONE, ADDRESS}
_ADDRESS = ("givenName", "familyName", "regionCode", "postalCode")
_ANY_ADDRESS = {*_ADDRESS, "addressLine", "city", "administrativeArea"}
_CONSENT = {"adUserData", "adPersonalization"}
_CONSENT_VALUES: dict[object, str] = {name: name for name in CONSENT_STATUSES}
_CONSENT_VALUES |= dict(enumerate(CONSENT_STATUSES))
_LABELS = {EMAIL: "Email", PHONE: "Phone number"}

_is_sha256 = re.compile(r"[0-9a-f]{64}").fullmatch
_is_hex = re.compile(r"(?:[0-9a-fA-F]{2})+").fullmatch
_is_region = re.compile(r"[A-Z]{2}").fullmatch


class Person(NamedTuple):
    """One member as read (a tuple, because a request makes ten thousand of them).

    `texts` are its identifiers as `kind:value`; the others are the finders of each kind.
    """

    texts: list[str]
    emails: list[int]
    phones: list[int]
    addresses: list[str]
    consents: Consents

    @property
    def content(self) -> str:
        """Return all identifiers in one text, in a fixed order."""
        return SEPARATOR.join(sorted(self.texts))

    @property
    def finders(self) -> list[int]:
        """Return what finds this member later: e-mails and phones, else its addresses."""
        return [*self.emails, *self.phones] or [*map(text_finder, self.addresses)]

    @property
    def strongest(self) -> list[int]:
        """Return the finders of its e-mails; without any its phones; else its addresses."""
        return self.emails or self.phones or [*map(text_finder, self.addresses)]


class _Reader:
    """Read the members of one request and gather what is wrong with them."""

    def __init__(self, usual: Consents) -> None:
        self.usual = usual
        self.found: list[Json] = []

    def person(self, member: Any, index: int) -> Person:
        """Return one member; JSON that the schema does not know refuses the request at once."""
        if type(member) is not dict or not member.keys() <= _MEMBER:
            _refuse_member(member, f"audience_members[{index}]")
        consents = self.usual
        if (given := member.get("consent")) is not None:
            consents = read_consents(given, consents, f"audience_members[{index}].consent")
        person = Person([], [], [], [], consents)
        data = member.get("userData")
        if type(data) is not dict or not data.keys() <= _USER_DATA:
            self._wrong_data(data, index)
            return person
        identifiers = data.get("userIdentifiers") or []
        if type(identifiers) is not list:
            refuse_json(f"audience_members[{index}].user_data", "A list is needed.")
        if not 0 < len(identifiers) <= MAX_IDENTIFIERS:
            reason = "TOO_MANY_USER_IDENTIFIERS" if identifiers else "NO_IDENTIFIERS_PROVIDED"
            self.found.append(violation(_place(index), reason))
        for number, identifier in enumerate(identifiers):
            if type(identifier) is not dict or len(identifier) != 1:
                _refuse_identifier(identifier, index, number)
            ((kind, value),) = identifier.items()
            if kind == EMAIL and type(value) is str and _is_sha256(value):
                person.emails.append(hash_finder(1, value))
            elif kind == PHONE and type(value) is str and _is_sha256(value):
                person.phones.append(hash_finder(2, value))
            elif kind == ADDRESS:
                value = self._address(value, index, number)
                person.addresses.append(value)
            else:
                self._wrong_value(identifier, value, kind, index, number)
            person.texts.append(f"{kind}:{value}")
        return person

    def _wrong_data(self, data: Any, index: int) -> None:
        if type(data) is dict:
            refuse_unknown(f"audience_members[{index}].user_data", data.keys() - _USER_DATA)
        if data is not None:
            refuse_json(f"audience_members[{index}].user_data", "An object is needed.")
        self.found.append(violation(_place(index), "NO_IDENTIFIERS_PROVIDED"))

    def _wrong_value(self, identifier: Any, value: Any, kind: str, index: int, number: int) -> None:
        if type(value) is not str or kind not in _LABELS:
            _refuse_identifier(identifier, index, number)
        if _is_hex(value):
            self.found.append(violation(_place(index), "INVALID_SHA256_FORMAT"))
            return
        place = f"{_place(index)}.user_data.user_identifiers"
        text = f"{_LABELS[kind]} is not hex encoded."
        self.found.append(violation(place, "INVALID_HEX_ENCODING", text))

    def _address(self, value: Any, index: int, number: int) -> str:
        if type(value) is not dict or not value.keys() <= _ANY_ADDRESS:
            place = f"audience_members[{index}].user_data.user_identifiers[{number}].address"
            names = {*value} if type(value) is dict else set()
            refuse_unknown(place, names - _ANY_ADDRESS)
        texts: list[Any] = [value.get(name) for name in _ADDRESS]
        if not all(type(text) is str and text for text in texts):
            text = "An address needs given name, family name, region code and postal code."
            self._wrong_address(index, "REQUIRED_FIELD_MISSING", text)
            return ""
        given, family, region, _ = texts
        if not (_is_sha256(given) and _is_sha256(family)):
            self.found.append(violation(_place(index), "INVALID_SHA256_FORMAT"))
        if not _is_region(region):
            text = "The region code needs two upper-case letters."
            self._wrong_address(index, "INVALID_REGION_CODE", text)
        return ",".join(texts)

    def _wrong_address(self, index: int, reason: str, text: str) -> None:
        place = f"{_place(index)}.user_data.user_identifiers"
        self.found.append(violation(place, reason, text))


def read_people(document: Json) -> list[Person]:
    """Return the members of a request, or refuse all of it, naming the violations found."""
    members = document.get("audienceMembers") or []
    if not members:
        refuse_field("audience_members", "REQUIRED_FIELD_MISSING")
    if len(members) > MAX_MEMBERS:
        refuse_field("audience_members", "TOO_MANY_AUDIENCE_MEMBERS")
    if document.get("encryptionInfo") is not None:
        refuse_field("encryption_info", "INVALID_ARGUMENT", "The sandbox reads no encrypted data.")
    if document.get("encoding") not in ("HEX", 1):
        refuse_field("encoding", "REQUIRED_FIELD_MISSING", "The sandbox reads HEX only.")
    reader = _Reader(read_consents(document.get("consent") or {}, (None, None), "consent"))
    people = [reader.person(member, index) for index, member in enumerate(members)]
    if reader.found:
        refuse_fields(reader.found[:MAX_VIOLATIONS])
    return people


def read_consents(given: Any, usual: Consents, place: str) -> Consents:
    """Return both consents; what is not given is as usual."""
    if type(given) is not dict or not given.keys() <= _CONSENT:
        refuse_unknown(place, given.keys() - _CONSENT if type(given) is dict else set())
    ad_user_data, ad_personalization = usual
    try:
        if "adUserData" in given:
            ad_user_data = _CONSENT_VALUES[given["adUserData"]]
        if "adPersonalization" in given:
            ad_personalization = _CONSENT_VALUES[given["adPersonalization"]]
    except (KeyError, TypeError):
        refuse_json(place, f"Invalid value at '{place}': unknown enum value.")
    return ad_user_data, ad_personalization


def _place(index: int) -> str:
    return f"audience_members.audience_members[{index}]"


def _refuse_member(member: Any, place: str) -> None:
    if type(member) is not dict:
        refuse_json(place, f"Invalid value at '{place}': an object is needed.")
    if unknown := member.keys() - _MEMBER - _OTHER_DATA:
        refuse_unknown(place, unknown)
    if len(member.keys() & (_OTHER_DATA | {"userData"})) > 1:
        refuse_json(
            place, f"Invalid value at '{place}' (oneof), oneof field 'data' is already set."
        )
    refuse_field(place, "INVALID_USER_LIST_TYPE", "The sandbox keeps user data only.")


def _refuse_identifier(identifier: Any, index: int, number: int) -> None:
    place = f"audience_members[{index}].user_data.user_identifiers[{number}]"
    if type(identifier) is not dict:
        refuse_json(place, f"Invalid value at '{place}': an object is needed.")
    if unknown := identifier.keys() - _IDENTIFIERS:
        refuse_unknown(place, unknown)
    if len(identifier) > 1:
        refuse_json(
            place, f"Invalid value at '{place}' (oneof), oneof field 'identifier' is already set."
        )
    if not identifier:
        refuse_field(_place(index), "NO_IDENTIFIERS_PROVIDED")
    refuse_json(place, f"Invalid value at '{place}': a text is needed.")
