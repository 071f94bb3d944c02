"""Bring rows into Klaviyo's profiles, and name the profile a row was known by."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from activation import normalise
from activation.destinations.base import Row
from activation.destinations.row_texts import WIDE, RowText, value_of
from activation.statements import literal

IDENTITIES = (("email",), ("phone_number",), ("external_id",))
STANDARD = ("email", "phone_number", "external_id", "first_name", "last_name")
PROPERTY = "property_"
MEDIA_TYPE = "application/vnd.api+json"
PROFILE_BYTES = 100_000
_IN_FORM = {
    "email": r'"[a-z0-9._+-]+@[a-z0-9.-]+"',
    "phone_number": r'"\+[1-9][0-9]{6,14}"',
}
"""What needs no other form: the JSON texts that `normalise` leaves as they are."""
_QUOTES = '""'


def encoded(rows: Iterable[Row], invalid: dict[int, str]) -> Iterable[tuple[int, bytes]]:
    """Yield (row number, profile as JSON); note the rows that cannot be sent in `invalid`."""
    for row in rows:
        try:
            profile = orjson.dumps({"type": "profile", "attributes": _attributes(row.values)})
        except normalise.Unusable as unusable:
            invalid[row.number] = unusable.code
            continue
        if len(profile) > PROFILE_BYTES:
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


def profile_text(columns: Mapping[str, str]) -> RowText | None:
    """Return how the warehouse writes a profile of these columns (type by name).

    It leaves to Python what has to be brought into form first. Numbers of more digits than a float
    keeps travel as texts, which it leaves to Python, too.
    """
    fields = tuple(name for name in columns if name in STANDARD or name.startswith(PROPERTY))
    known = {name: _known(name, fields) for name in STANDARD if name in fields}
    identifiers = [known[name] for (name,) in IDENTITIES if name in known]
    if not identifiers or any(kind.lower().startswith(WIDE) for kind in columns.values()):
        return None
    usable = [f"coalesce({', '.join(identifiers)}) is not null"]
    usable += [
        f"coalesce(regexp_full_match({known[name]}, {literal(form)}), 1 = 1)"
        for name, form in _IN_FORM.items()
        if name in known
    ]
    told = " || ".join(
        f"coalesce({_named(name, before=',')} || {value}, '')" for name, value in known.items()
    )
    head = literal('{"type":"profile","attributes":{')
    text = f"{head} || substr({told}, 2){_properties(fields)} || {literal('}}')}"
    return RowText(f"case when {' and '.join(usable)} then {text} end", fields)


def _known(name: str, fields: tuple[str, ...]) -> str:
    """Return a field's JSON text, or null when the field says nothing."""
    return f"nullif(nullif({value_of(name, fields)}, 'null'), {literal(_QUOTES)})"


def _properties(fields: tuple[str, ...]) -> str:
    told = " || ',' || ".join(
        f"{_named(name.removeprefix(PROPERTY))} || coalesce({value_of(name, fields)}, 'null')"
        for name in fields
        if name.startswith(PROPERTY)
    )
    before = literal(',"properties":{')
    return f" || {before} || {told} || {literal('}')}" if told else ""


def _named(name: str, before: str = "") -> str:
    return literal(f"{before}{orjson.dumps(name).decode()}:")


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
