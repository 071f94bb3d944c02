"""Bring rows into Brevo's contacts, and read which of them a report of an import names."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson

from activation import normalise
from activation.destinations.base import Row

IDENTITIES = (("email",),)
ATTRIBUTE = "attribute_"
NUMBER = "SMS"
STANDARD: Mapping[str, str] = {
    "first_name": "FIRSTNAME",
    "last_name": "LASTNAME",
    "phone": NUMBER,
}
RESERVED = frozenset(
    ATTRIBUTE + name for name in ("email", "sms", "whatsapp", "landline_number", "ext_id")
)
"""Attributes by which Brevo knows or reaches a person."""

_CELLS = re.compile(r'[;,\t"]')


class Contact(NamedTuple):
    """One row as Brevo takes it: what a report may name it by, and the encoded contact."""

    number: int
    names: tuple[str, ...]
    encoded: bytes


class Named(NamedTuple):
    """The rows that a report names, and how many of its lines after a header name nobody."""

    rows: tuple[int, ...]
    others: int


def attribute_name(column: str) -> str | None:
    """Return the attribute a column goes to; None for the e-mail address."""
    if column.startswith(ATTRIBUTE):
        return column.removeprefix(ATTRIBUTE).upper()
    return STANDARD.get(column)


def attribute_names(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return every attribute that the rows set, by name."""
    columns = {column for row in rows for column in row.values}
    return tuple(sorted(name for column in columns if (name := attribute_name(column))))


def contacts(rows: Iterable[Row], invalid: dict[int, str]) -> Iterator[Contact]:
    """Yield the rows as contacts; note the rows that cannot be sent in `invalid`."""
    for row in rows:
        try:
            yield _contact(row)
        except normalise.Unusable as unusable:
            invalid[row.number] = unusable.code


def _contact(row: Row) -> Contact:
    """Every column is an attribute of every row: an empty text clears what is null here."""
    address = row.values.get("email")
    if address in (None, ""):
        raise normalise.Unusable("no_identifier")
    email = normalise.email(str(address))
    attributes = {
        name: "" if value is None else value
        for column, value in row.values.items()
        if (name := attribute_name(column))
    }
    names: tuple[str, ...] = (email,)
    if row.values.get("phone"):
        number = normalise.phone(str(row.values["phone"]))
        attributes[NUMBER] = number
        names = (email, number)
    return Contact(row.number, names, orjson.dumps({"email": email, "attributes": attributes}))


def named_in(report: str, recall: Mapping[str, int]) -> Named:
    """Return the rows whose e-mail address or number stands in a cell of a CSV report.

    Brevo does not publish the columns of its reports, so every cell is looked at. The first line
    is a header unless it names a row.
    """
    rows: dict[int, None] = {}
    others = 0
    for place, line in enumerate(filter(str.strip, report.lstrip("\ufeff").splitlines())):
        found = [recall[cell] for cell in _cells(line) if cell in recall]
        rows.update(dict.fromkeys(found))
        others += not found and place > 0
    return Named(tuple(rows), others)


def _cells(line: str) -> Iterator[str]:
    """Yield the cells of a line as we would have sent them; a number is told with `+` or not."""
    for cell in _CELLS.split(line.lower()):
        text = cell.strip()
        yield text
        if text.isdigit():
            yield f"+{text}"
