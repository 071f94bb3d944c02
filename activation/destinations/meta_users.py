"""Write users as Meta compares them, hashed per column, in Python and in the warehouse."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import orjson

from activation import normalise
from activation.destinations.base import Batch, Row
from activation.destinations.row_texts import RowText, joined, value_of
from activation.statements import literal, sha256_hex

KEYS = {"external_id": "EXTERN_ID", "email": "EMAIL", "phone": "PHONE"}
RULES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "first_name": ("FN", normalise.meta_name),
    "last_name": ("LN", normalise.meta_name),
    "postal_code": ("ZIP", normalise.meta_postal_code),
    "city": ("CT", normalise.meta_city),
    "country_code": ("COUNTRY", normalise.country),
}
_IN_FORM = {
    "external_id": r'".*"',
    "email": r'"[a-z0-9._+-]+@[a-z0-9.-]+"',
    "phone": r'"\+[1-9][0-9]{6,14}"',
}
"""Which JSON texts need no other form: `normalise` would leave their values as they are."""
_BEFORE = {"email": '"', "phone": '"+'}
"""What of such a text stands before that which is hashed."""
_NOTHING = '""'


def columns_of(batch: Batch) -> tuple[str, ...]:
    """Return the columns to send: every row of a request has the same ones."""
    present: Collection[str] = ()
    if batch.written is not None:
        present = batch.layout.types
    elif batch.rows:
        present = batch.rows[0].values
    known = (*KEYS,) if batch.operation == "remove" else (*KEYS, *RULES)
    return tuple(name for name in known if name in present)


def schema_of(columns: tuple[str, ...]) -> list[str]:
    """Return what the platform calls the columns."""
    return [KEYS.get(name) or RULES[name][0] for name in columns]


def encoded(
    rows: Iterable[Row],
    columns: tuple[str, ...],
    is_removal: bool,
    invalid: dict[int, str],
    settled: list[int],
) -> Iterator[tuple[int, bytes]]:
    """Yield (row number, user as JSON); note rows that cannot be sent, and those that need not."""
    for row in rows:
        if is_removal and not row.stale:
            settled.append(row.number)
            continue
        told = row.stale if is_removal else columns
        cells = [_cell(name, row.values) if name in told else "" for name in columns]
        if not any(cell for name, cell in zip(columns, cells, strict=True) if name in KEYS):
            invalid[row.number] = "no_identifier"
            continue
        yield row.number, orjson.dumps(cells)


def _cell(name: str, values: Mapping[str, Any]) -> str:
    """Return a column's value as the platform compares it; empty when it has no usable form."""
    value = values.get(name)
    if value in (None, ""):
        return ""
    if name == "external_id":
        return str(value)
    try:
        if name in RULES:
            return normalise.hashed_common(RULES[name][1], str(value))
        return normalise.hashed(_identifier_rule(name, values), str(value))
    except normalise.Unusable:
        return ""


def _identifier_rule(name: str, values: Mapping[str, Any]) -> Callable[[str], str]:
    if name == "email":
        return normalise.email
    return lambda value: normalise.phone_digits(value, values.get("country_code"))


def user_text(columns: Mapping[str, str]) -> RowText | None:
    """Return how the warehouse writes a user of these columns (type by name).

    It leaves to Python what has to be brought into form first; names and places always have to be.
    """
    fields = tuple(name for name in KEYS if name in columns)
    if not fields or RULES.keys() & columns.keys():
        return None
    known = {name: _known(name, fields) for name in fields}
    usable = [f"coalesce({', '.join(known.values())}) is not null"]
    usable += [
        f"coalesce(regexp_full_match({text}, {literal(_IN_FORM[name])}), 1 = 1)"
        for name, text in known.items()
    ]
    cells = [_written(name, text) for name, text in known.items()]
    separated = [part for cell in cells for part in (literal(","), cell)][1:]
    text = joined(literal("["), *separated, literal("]"))
    return RowText(f"case when {' and '.join(usable)} then {text} end", fields)


def _known(name: str, fields: tuple[str, ...]) -> str:
    """Return a field's JSON text, or null when the field says nothing."""
    return f"nullif(nullif({value_of(name, fields)}, 'null'), {literal(_NOTHING)})"


def _written(name: str, text: str) -> str:
    if name not in _BEFORE:
        return f"coalesce({text}, {literal(_NOTHING)})"
    before = len(_BEFORE[name])
    value = f"substr({text}, {before + 1}, length({text}) - {before + 1})"
    quoted = joined(literal('"'), sha256_hex(value), literal('"'))
    return f"case when {text} is null then {literal(_NOTHING)} else {quoted} end"
