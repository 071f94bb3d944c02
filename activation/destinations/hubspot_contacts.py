"""Bring rows into HubSpot's contacts, and read which of them an error names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from activation import normalise
from activation.destinations.base import Batch, Request, Row

IDENTITIES = (("email",),)
PROPERTY = "property_"
STANDARD: Mapping[str, str] = {
    "first_name": "firstname",
    "last_name": "lastname",
    "phone": "phone",
}
RESERVED = frozenset(
    PROPERTY + name for name in ("email", "phone", "hs_additional_emails", "hs_object_id")
)
"""Properties by which HubSpot knows or reaches a person."""

INPUTS = 100
"""The most contacts one request may write or look up."""

UNKNOWN_PROPERTY = "PROPERTY_DOESNT_EXIST"
_CODES = ("INVALID_EMAIL", "INVALID_INTEGER", "INVALID_LONG", "INVALID_DATE", "INVALID_OPTION")


def property_name(column: str) -> str | None:
    """Return the property a column goes to; None for the e-mail address."""
    if column.startswith(PROPERTY):
        return column.removeprefix(PROPERTY).lower()
    return STANDARD.get(column)


def property_names(batch: Batch) -> tuple[str, ...]:
    """Return every property that the rows set, by name."""
    columns = {column for row in batch.rows for column in row.values}
    return tuple(sorted(name for column in columns if (name := property_name(column))))


def inputs(rows: Iterable[Row], invalid: dict[int, str]) -> Iterator[tuple[str, tuple[int, bytes]]]:
    """Yield (address, (row number, encoded input)); note rows that cannot be sent in `invalid`.

    The trace by which HubSpot names an input is the row's number in the plan.
    """
    for row in rows:
        try:
            email = address(row)
            document = {
                "id": email,
                "idProperty": "email",
                "objectWriteTraceId": str(row.number),
                "properties": _properties(row.values),
            }
        except normalise.Unusable as unusable:
            invalid[row.number] = unusable.code
            continue
        yield email, (row.number, orjson.dumps(document))


def address(row: Row) -> str:
    """Return the e-mail address as HubSpot compares it; raise Unusable without one."""
    email = row.values.get("email")
    if email in (None, ""):
        raise normalise.Unusable("no_identifier")
    return normalise.email(str(email))


def erasures(wanted: Mapping[str, Iterable[int]]) -> Iterator[Request]:
    """Yield what deletes each contact for good, known by its address."""
    for email, rows in wanted.items():
        body = {"objectId": email, "idProperty": "email"}
        path = "/crm/v3/objects/contacts/gdpr-delete"
        yield Request("erase_contact", "POST", path, tuple(rows), body=orjson.dumps(body))


def _properties(values: Mapping[str, Any]) -> dict[str, str]:
    """Leave a standard property alone when it is null; an empty text clears one of our own."""
    properties = {
        name: _text(value)
        for column, value in values.items()
        if (name := property_name(column))
        and (column.startswith(PROPERTY) or value not in (None, ""))
    }
    if "phone" in properties and values.get("phone"):
        properties["phone"] = normalise.phone(str(values["phone"]))
    return properties


def _text(value: Any) -> str:
    """Return a value as HubSpot takes all of them: as a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def named(request: Request, error: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the rows that one error names: by their traces, their addresses or its message."""
    context = error.get("context") or {}
    traces = {str(trace) for trace in context.get("objectWriteTraceId") or []}
    by_trace = tuple(number for number in request.rows if str(number) in traces)
    if by_trace:
        return by_trace
    emails = [str(one).lower() for key in ("ids", "id", "email") for one in context.get(key) or []]
    by_email = tuple(number for email in emails for number in request.recall.get(email, ()))
    return by_email or blamed(request, error)


def blamed(request: Request, error: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the row whose address stands in the text of an error, the longest if there are some.

    One address may end like another, so the longest is the one that is meant.
    """
    text = _words(error).lower()
    found = max((email for email in request.recall if email in text), key=len, default=None)
    return tuple(request.recall[found]) if found else ()


def code_of(error: Mapping[str, Any], otherwise: str) -> str:
    """Return a short code for an error, which never holds a value."""
    text = _words(error)
    known = next((code for code in _CODES if code in text), None)
    category = str(error.get("category") or "")
    return (known or (category if category.replace("_", "").isalnum() else "") or otherwise).lower()


def unknown_properties(request: Request, errors: Iterable[Mapping[str, Any]]) -> list[str] | None:
    """Return which sent properties the account does not have; None when that is no matter here."""
    texts = [text for error in errors if UNKNOWN_PROPERTY in (text := _words(error))]
    if not texts:
        return None
    _, names = request.context
    return [name for name in names if any(f'"{name}"' in text for text in texts)]


def _words(error: Mapping[str, Any]) -> str:
    """Return all texts of an error in one; quotes inside its message are no longer escaped."""
    return orjson.dumps(error).decode().replace('\\\\"', '"').replace('\\"', '"')
