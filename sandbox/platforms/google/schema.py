"""The Data Manager API's messages: which fields exist, and what an audience member may hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from sandbox.platforms.google_rpc import field_problem
from sandbox.platforms.vendor import Json, Refusal

MAX_MEMBERS = 10_000
MAX_IDENTIFIERS = 10
MAX_DESTINATIONS = 10
MAX_VIOLATIONS = 100

# A message maps each field to: a type, a tuple of enum names, a message, or [one of these].
Message = dict[str, Any]
_ACCOUNT_TYPES = (
    "ACCOUNT_TYPE_UNSPECIFIED", "GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER",
    "DISPLAY_VIDEO_ADVERTISER", "DATA_PARTNER", "GOOGLE_ANALYTICS_PROPERTY",
    "GOOGLE_AD_MANAGER_AUDIENCE_LINK", "FLOODLIGHT_CONFIG", "GOOGLE_AD_MANAGER",
)  # fmt: skip
_ACCOUNT: Message = {"accountType": _ACCOUNT_TYPES, "accountId": str, "product": _ACCOUNT_TYPES[:5]}
_DESTINATION: Message = {
    "reference": str, "loginAccount": _ACCOUNT, "linkedAccount": _ACCOUNT,
    "operatingAccount": _ACCOUNT, "productDestinationId": str,
}  # fmt: skip
_STATUSES = ("CONSENT_STATUS_UNSPECIFIED", "CONSENT_GRANTED", "CONSENT_DENIED")
_CONSENT: Message = {"adUserData": _STATUSES, "adPersonalization": _STATUSES}
_TERMS = ("TERMS_OF_SERVICE_STATUS_UNSPECIFIED", "ACCEPTED", "REJECTED")
REMOVE: Message = {
    "destinations": [_DESTINATION], "audienceMembers": list, "validateOnly": bool,
    "encoding": ("ENCODING_UNSPECIFIED", "HEX", "BASE64"), "encryptionInfo": dict,
}  # fmt: skip
INGEST: Message = {
    **REMOVE, "consent": _CONSENT,
    "termsOfService": {"customerMatchTermsOfServiceStatus": _TERMS},
}  # fmt: skip
REMOVE_ALL: Message = {"destinations": [_DESTINATION], "removeAsOfTime": str, "validateOnly": bool}
_SOURCES = (
    "DATA_SOURCE_TYPE_UNSPECIFIED", "DATA_SOURCE_TYPE_FIRST_PARTY",
    "DATA_SOURCE_TYPE_THIRD_PARTY_CREDIT_BUREAU", "DATA_SOURCE_TYPE_THIRD_PARTY_VOTER_FILE",
    "DATA_SOURCE_TYPE_THIRD_PARTY_PARTNER_DATA",
)  # fmt: skip
_KEY_TYPES = (
    "UPLOAD_KEY_TYPE_UNSPECIFIED", "CONTACT_ID", "MOBILE_ID", "USER_ID", "PAIR_ID",
    "PSEUDONYMOUS_ID",
)  # fmt: skip
USER_LIST: Message = {
    "name": str, "displayName": str, "description": str, "integrationCode": str,
    "membershipStatus": ("MEMBERSHIP_STATUS_UNSPECIFIED", "OPEN", "CLOSED"),
    "membershipDuration": str,
    "ingestedUserListInfo": {
        "uploadKeyTypes": [_KEY_TYPES], "contactIdInfo": {"dataSourceType": _SOURCES},
    },
}  # fmt: skip

_MEMBER = {"destinationReferences", "userData", "consent"}
_OTHER_DATA = {"pairData", "mobileData", "userIdData", "ppidData", "compositeData",
               "googleUserIdData", "partnerProvidedIdData"}  # fmt: skip
_IDENTIFIERS = {"emailAddress", "phoneNumber", "address"}
_ADDRESS = {"givenName", "familyName", "regionCode", "postalCode"}
_OPTIONAL_ADDRESS = {"addressLine", "city", "administrativeArea"}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_REGION = re.compile(r"[A-Z]{2}")
_CONSENT_VALUES = {name: name for name in _STATUSES} | dict(enumerate(_STATUSES))
_LABELS = {"emailAddress": "Email", "phoneNumber": "Phone number"}


def violation(field: str, reason: str, description: str | None = None) -> Json:
    """Return one entry of `fieldViolations`."""
    found = {"field": field, "reason": reason}
    return {**found, "description": description} if description else found


def _refuse_json(place: str, text: str) -> NoReturn:
    raise Refusal(
        field_problem(
            f"Invalid JSON payload received. {text}", [{"field": place, "description": text}]
        )
    )


def _unknown(place: str, name: str) -> NoReturn:
    _refuse_json(place, f"Unknown name \"{name}\" at '{place}': Cannot find field.")


def check_message(value: object, message: Message, place: str = "") -> None:
    """Refuse unknown fields, wrong types and unknown enum values, as protobuf JSON does."""
    if not isinstance(value, dict):
        _refuse_json(place, f"Invalid value at '{place}': an object is needed.")
    for name, content in value.items():
        where = f"{place}.{name}" if place else name
        if name not in message:
            _unknown(place, name)
        if content is not None:
            _check_value(content, message[name], where)


def _check_value(value: object, wanted: Any, place: str) -> None:
    if isinstance(wanted, dict):
        check_message(value, wanted, place)
    elif isinstance(wanted, list):
        if not isinstance(value, list):
            _refuse_json(place, f"Invalid value at '{place}': a list is needed.")
        for index, one in enumerate(value):
            _check_value(one, wanted[0], f"{place}[{index}]")
    elif isinstance(wanted, tuple):
        numbered = isinstance(value, int) and 0 <= value < len(wanted)
        if value not in wanted and not numbered:
            _refuse_json(place, f"Invalid value at '{place}': unknown enum value.")
    elif type(value) is not wanted:
        _refuse_json(place, f"Invalid value at '{place}': wrong type.")


def read_time(text: str, place: str) -> datetime:
    """Return the moment of an RFC 3339 text; fractions finer than microseconds are cut."""
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        _refuse_json(place, f"Invalid value at '{place}': an RFC 3339 time is needed.")
    if moment.tzinfo is None:
        _refuse_json(place, f"Invalid value at '{place}': the time needs an offset.")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """One audience member as read: sorted `kind:value` identifiers, and both consents."""

    identifiers: tuple[str, ...]
    ad_user_data: str | None
    ad_personalization: str | None

    def strongest(self) -> tuple[str, ...]:
        """Return its e-mails; without any its phone numbers; without these its addresses."""
        for kind in ("emailAddress", "phoneNumber"):
            found = tuple(i for i in self.identifiers if i.startswith(kind))
            if found:
                return found
        return self.identifiers


def read_people(document: Json, *, with_consent: bool) -> list[Person]:
    """Return the members of a request, or refuse it whole, naming every violation found."""
    members = document.get("audienceMembers") or []
    found: list[Json] = []
    if not members:
        found.append(violation("audience_members", "REQUIRED_FIELD_MISSING"))
    if len(members) > MAX_MEMBERS:
        found.append(violation("audience_members", "TOO_MANY_AUDIENCE_MEMBERS"))
    if document.get("encryptionInfo") is not None:
        found.append(violation("encryption_info", "INVALID_ARGUMENT", "Not in the sandbox."))
    if document.get("encoding") not in ("HEX", 1):
        found.append(violation("encoding", "REQUIRED_FIELD_MISSING", "The sandbox reads HEX."))
    if not found:
        usual = _consents(document.get("consent"), (None, None), "consent")
        people = [_person(m, i, usual, found, with_consent) for i, m in enumerate(members)]
    if found:
        from sandbox.platforms.google import refuse_fields

        refuse_fields(found[:MAX_VIOLATIONS])
    return people


Consents = tuple[str | None, str | None]


def _consents(given: Any, usual: Consents, place: str) -> Consents:
    if given is None:
        return usual
    if type(given) is not dict or not given.keys() <= _CONSENT.keys():
        _unknown(place, next(iter(set(given) - set(_CONSENT)), "consent"))
    for value in given.values():
        if value not in _CONSENT_VALUES:
            _refuse_json(place, f"Invalid value at '{place}': unknown enum value.")
    own = (given.get("adUserData"), given.get("adPersonalization"))
    return (
        usual[0] if own[0] is None else _CONSENT_VALUES[own[0]],
        usual[1] if own[1] is None else _CONSENT_VALUES[own[1]],
    )


def _person(
    member: Any, index: int, usual: Consents, found: list[Json], with_consent: bool
) -> Person:
    place = f"audience_members[{index}]"
    if type(member) is not dict:
        _refuse_json(place, f"Invalid value at '{place}': an object is needed.")
    if not member.keys() <= _MEMBER:
        _check_member_names(member, place)
    consents = _consents(member.get("consent"), usual, f"{place}.consent")
    data = member.get("userData")
    if data is None:
        found.append(violation(f"audience_members.{place}", "NO_IDENTIFIERS_PROVIDED"))
        return Person((), None, None)
    if type(data) is not dict or data.keys() - {"userIdentifiers"}:
        _unknown(f"{place}.user_data", next(iter(set(data) - {"userIdentifiers"}), "?"))
    listed = data.get("userIdentifiers") or []
    if not 0 < len(listed) <= MAX_IDENTIFIERS:
        reason = "TOO_MANY_USER_IDENTIFIERS" if listed else "NO_IDENTIFIERS_PROVIDED"
        found.append(violation(f"audience_members.{place}", reason))
        return Person((), None, None)
    texts = {_identifier(one, place, number, found) for number, one in enumerate(listed)}
    return Person(tuple(sorted(texts)), *consents)


def _check_member_names(member: Json, place: str) -> None:
    for name in member:
        if name not in _MEMBER | _OTHER_DATA:
            _unknown(place, name)
    kinds = [name for name in member if name in _OTHER_DATA or name == "userData"]
    if len(kinds) > 1:
        text = f"Invalid value at '{place}' (oneof), oneof field 'data' is already set."
        _refuse_json(place, text)
    from sandbox.platforms.google import refuse_fields

    refuse_fields([violation(place, "INVALID_USER_LIST_TYPE", "The sandbox keeps user data only.")])


def _identifier(one: Any, member: str, number: int, found: list[Json]) -> str:
    place = f"{member}.user_data.user_identifiers[{number}]"
    if type(one) is not dict or not one.keys() <= _IDENTIFIERS:
        _unknown(place, next(iter(set(one) - _IDENTIFIERS), "?"))
    if len(one) != 1:
        text = f"Invalid value at '{place}' (oneof), oneof field 'identifier' is already set."
        _refuse_json(place, text)
    ((kind, value),) = one.items()
    if kind == "address":
        return _address(value, place, member, found)
    if type(value) is not str:
        _refuse_json(place, f"Invalid value at '{place}.{kind}': a text is needed.")
    if not _SHA256.fullmatch(value):
        found.append(_wrong_hash(member, kind, value))
    return f"{kind}:{value}"


def _wrong_hash(member: str, kind: str, value: str) -> Json:
    if not _HEX.fullmatch(value):
        place = f"audience_members.{member}.user_data.user_identifiers"
        return violation(place, "INVALID_HEX_ENCODING", f"{_LABELS[kind]} is not hex encoded.")
    return violation(f"audience_members.{member}", "INVALID_SHA256_FORMAT")


def _address(value: Any, place: str, member: str, found: list[Json]) -> str:
    if type(value) is not dict or not value.keys() <= _ADDRESS | _OPTIONAL_ADDRESS:
        _unknown(f"{place}.address", next(iter(set(value) - _ADDRESS - _OPTIONAL_ADDRESS), "?"))
    given = tuple(value.get(n) for n in ("givenName", "familyName", "regionCode", "postalCode"))
    where = f"audience_members.{member}.user_data.user_identifiers"
    if not all(type(v) is str and v for v in given):
        text = "An address needs given name, family name, region code and postal code."
        found.append(violation(where, "REQUIRED_FIELD_MISSING", text))
    elif not (_SHA256.fullmatch(given[0]) and _SHA256.fullmatch(given[1])):
        found.append(violation(f"audience_members.{member}", "INVALID_SHA256_FORMAT"))
    elif not _REGION.fullmatch(given[2]):
        found.append(violation(where, "INVALID_REGION_CODE", "Two upper-case letters are needed."))
    return "address:" + ",".join(str(v) for v in given)
