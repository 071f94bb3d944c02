"""Bring rows into Klaviyo's profiles, and name the profile a row was known by."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from activation import normalise
from activation.destinations.base import Row

IDENTITIES = (("email",), ("phone_number",), ("external_id",))
STANDARD = ("email", "phone_number", "external_id", "first_name", "last_name")
PROPERTY = "property_"
MEDIA_TYPE = "application/vnd.api+json"
_PROFILE_BYTES = 100_000


def encoded(rows: Iterable[Row], invalid: dict[int, str]) -> Iterable[tuple[int, bytes]]:
    """Yield (row number, profile as JSON); note the rows that cannot be sent in `invalid`."""
    for row in rows:
        try:
            profile = orjson.dumps({"type": "profile", "attributes": _attributes(row.values)})
        except normalise.Unusable as unusable:
            invalid[row.number] = unusable.code
            continue
        if len(profile) > _PROFILE_BYTES:
            invalid[row.number] = "row_too_large"
            continue
        yield row.number, profile


def _attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave absent what is null (Klaviyo keeps it), except properties: null clears them."""
    attributes = {key: values[key] for key in STANDARD if values.get(key) not in (None, "")}
    properties = {
        key.removeprefix(PROPERTY): value
        for key, value in values.items()
        if key.startswith(PROPERTY)
    }
    if "email" in attributes:
        attributes["email"] = normalise.email(attributes["email"])
    if "phone_number" in attributes:
        attributes["phone_number"] = normalise.phone(attributes["phone_number"])
    if not {"email", "phone_number", "external_id"} & attributes.keys():
        raise normalise.Unusable("no_identifier")
    if properties:
        attributes["properties"] = properties
    return attributes


def known_as(row: Row) -> tuple[str, str] | None:
    """Return the identifier Klaviyo found the profile by, if no other row still uses it."""
    for (kind,) in IDENTITIES:
        value = row.values.get(kind)
        if value in (None, ""):
            continue
        return (kind, plain(kind, str(value))) if kind in row.stale else None
    return None


def plain(kind: str, value: str) -> str:
    """Return an identifier as Klaviyo compares it."""
    return value.strip().lower() if kind == "email" else value


def import_body(profiles: list[bytes], lists: Mapping[str, Any]) -> bytes:
    """Return the body of an import job that puts profiles on lists."""
    data = [orjson.Fragment(profile) for profile in profiles]
    job = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": data}},
        "relationships": lists,
    }
    return orjson.dumps({"data": job})
