"""Bring rows into the Data Manager API's audience members."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from activation import normalise
from activation.destinations.base import Batch, Row

ADDRESS = ("first_name", "last_name", "country_code", "postal_code")


def encoded(
    batch: Batch, invalid: dict[int, str], settled: list[int]
) -> Iterator[tuple[int, bytes]]:
    """Yield (row number, member as JSON); note rows without usable or stale identifiers."""
    consent = {
        "adUserData": _consent("ads_user_data", batch),
        "adPersonalization": _consent("ads_personalisation", batch),
    }
    for row in batch.rows:
        if batch.operation == "remove" and not row.stale:
            settled.append(row.number)
            continue
        identifiers = _identifiers(row, batch.operation == "remove")
        if not identifiers:
            invalid[row.number] = "no_identifier"
            continue
        member: dict[str, Any] = {"userData": {"userIdentifiers": identifiers}}
        if batch.operation == "upsert":
            member["consent"] = consent
        yield row.number, orjson.dumps(member)


def _consent(purpose: str, batch: Batch) -> str:
    return "CONSENT_GRANTED" if purpose in batch.purposes else "CONSENT_DENIED"


def _identifiers(row: Row, only_stale: bool) -> list[dict[str, Any]]:
    """Return what identifies a member; an identifier that has no usable form is left out."""
    values = row.values
    found: list[dict[str, Any]] = []
    for identity, name in (("email", "emailAddress"), ("phone", "phoneNumber")):
        if values.get(identity) and (not only_stale or identity in row.stale):
            hashed = _hashed(identity, values)
            found += [{name: hashed}] if hashed else []
    if all(values.get(part) for part in ADDRESS) and (not only_stale or "first_name" in row.stale):
        address = _address(values)
        found += [{"address": address}] if address else []
    return found


def _hashed(kind: str, values: Mapping[str, Any]) -> str | None:
    def phone(value: str) -> str:
        return normalise.phone(value, values.get("country_code"))

    rule = normalise.google_email if kind == "email" else phone
    try:
        return normalise.hashed(rule, str(values[kind]))
    except normalise.Unusable:
        return None


def _address(values: Mapping[str, Any]) -> dict[str, str] | None:
    try:
        return {
            "givenName": normalise.hashed_common(normalise.name, values["first_name"]),
            "familyName": normalise.hashed_common(normalise.name, values["last_name"]),
            "regionCode": normalise.google_country(values["country_code"]),
            "postalCode": normalise.postal_code(values["postal_code"]),
        }
    except normalise.Unusable:
        return None
