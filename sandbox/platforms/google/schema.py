"""The Data Manager API's messages: which fields exist, and of which type."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sandbox.platforms.google.errors import refuse_json, refuse_unknown
from sandbox.platforms.vendor import Call, Json, parse_json

# A message maps each field to a type, a tuple of enum names, a message, or [one of these].
Message = dict[str, Any]

_ACCOUNT_TYPES = (
    "ACCOUNT_TYPE_UNSPECIFIED", "GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER",
    "DISPLAY_VIDEO_ADVERTISER", "DATA_PARTNER", "GOOGLE_ANALYTICS_PROPERTY",
    "GOOGLE_AD_MANAGER_AUDIENCE_LINK", "FLOODLIGHT_CONFIG", "GOOGLE_AD_MANAGER",
)  # fmt: skip
_PRODUCTS = ("PRODUCT_UNSPECIFIED", *_ACCOUNT_TYPES[1:5])
_ACCOUNT: Message = {"accountType": _ACCOUNT_TYPES, "accountId": str, "product": _PRODUCTS}
_DESTINATION: Message = {
    "reference": str, "loginAccount": _ACCOUNT, "linkedAccount": _ACCOUNT,
    "operatingAccount": _ACCOUNT, "productDestinationId": str,
}  # fmt: skip
CONSENT_STATUSES = ("CONSENT_STATUS_UNSPECIFIED", "CONSENT_GRANTED", "CONSENT_DENIED")
_CONSENT: Message = {"adUserData": CONSENT_STATUSES, "adPersonalization": CONSENT_STATUSES}
_TERMS = ("TERMS_OF_SERVICE_STATUS_UNSPECIFIED", "ACCEPTED", "REJECTED")
_SOURCES = (
    "DATA_SOURCE_TYPE_UNSPECIFIED", "DATA_SOURCE_TYPE_FIRST_PARTY",
    "DATA_SOURCE_TYPE_THIRD_PARTY_CREDIT_BUREAU", "DATA_SOURCE_TYPE_THIRD_PARTY_VOTER_FILE",
    "DATA_SOURCE_TYPE_THIRD_PARTY_PARTNER_DATA",
)  # fmt: skip
_KEY_TYPES = (
    "UPLOAD_KEY_TYPE_UNSPECIFIED", "CONTACT_ID", "MOBILE_ID", "USER_ID", "PAIR_ID",
    "PSEUDONYMOUS_ID",
)  # fmt: skip

REMOVE: Message = {
    "destinations": [_DESTINATION], "audienceMembers": list, "validateOnly": bool,
    "encoding": ("ENCODING_UNSPECIFIED", "HEX", "BASE64"), "encryptionInfo": dict,
}  # fmt: skip
INGEST: Message = {
    **REMOVE, "consent": _CONSENT,
    "termsOfService": {"customerMatchTermsOfServiceStatus": _TERMS},
}  # fmt: skip
REMOVE_ALL: Message = {"destinations": [_DESTINATION], "removeAsOfTime": str, "validateOnly": bool}
USER_LIST: Message = {
    "name": str, "displayName": str, "description": str, "integrationCode": str,
    "membershipStatus": ("MEMBERSHIP_STATUS_UNSPECIFIED", "OPEN", "CLOSED"),
    "membershipDuration": str,
    "ingestedUserListInfo": {
        "uploadKeyTypes": [_KEY_TYPES],
        "contactIdInfo": {"dataSourceType": _SOURCES},
    },
}  # fmt: skip


def read_message(call: Call, message: Message) -> Json:
    """Return the body as an object of a message; audience members are looked at elsewhere."""
    document = parse_json(call.body)
    if not isinstance(document, dict):
        refuse_json("", "The body is not a JSON object.")
    _check_message(document, message, "")
    return document


def _check_message(value: object, message: Message, place: str) -> None:
    if not isinstance(value, dict):
        refuse_json(place, f"Invalid value at '{place}': an object is needed.")
    if unknown := value.keys() - message.keys():
        refuse_unknown(place, unknown)
    for name, content in value.items():
        if content is not None:
            _check_value(content, message[name], f"{place}.{name}" if place else name)


def _check_value(value: object, wanted: Any, place: str) -> None:
    if isinstance(wanted, dict):
        _check_message(value, wanted, place)
    elif isinstance(wanted, list):
        if not isinstance(value, list):
            refuse_json(place, f"Invalid value at '{place}': a list is needed.")
        for index, one in enumerate(value):
            _check_value(one, wanted[0], f"{place}[{index}]")
    elif isinstance(wanted, tuple):
        if not is_enum(value, wanted):
            refuse_json(place, f"Invalid value at '{place}': unknown enum value.")
    elif type(value) is not wanted:
        refuse_json(place, f"Invalid value at '{place}': wrong type.")


def is_enum(value: object, names: tuple[str, ...]) -> bool:
    """Say whether a value is one of the names, or the number of one."""
    return value in names or (type(value) is int and 0 <= value < len(names))


def read_time(text: str, place: str) -> datetime:
    """Return the moment of an RFC 3339 text; fractions finer than microseconds are cut."""
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        refuse_json(place, f"Invalid value at '{place}': an RFC 3339 time is needed.")
    if moment.tzinfo is None:
        refuse_json(place, f"Invalid value at '{place}': the time needs an offset.")
    return moment.astimezone(UTC)
