"""Say in SQL what is sent of a row, and what the ledger keeps of it."""

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import orjson

from activation.destinations.row_texts import WIDE
from activation.spec import SyncSpec
from activation.statements import canonical, column, json_object, json_text, literal, render

_SHORT = 15
"""Digits that every 64-bit float keeps."""
_TEXTS = ("varchar", "text", "string", "character varying")

_SOURCE = """
    select
        cast({key} as varchar) as row_key,
        cast(customer_id as varchar) as customer_id,
        {contact_point} as contact_point_id,
        {payload} as payload
    from {relation}
"""


def desired_rows(spec: SyncSpec) -> str:
    """Return the query for the rows of the sync model with all that is sent of them."""
    contact_point = "cast(contact_point_id as varchar)" if spec.has_contact_point else "null"
    return render(
        _SOURCE,
        key=column(spec.key),
        contact_point=contact_point,
        payload=payload(spec),
        relation=spec.relation,
    )


def field_names(spec: SyncSpec) -> tuple[str, ...]:
    """Return the sent columns by name: in another order they are the same columns."""
    return tuple(sorted(field.name for field in spec.fields))


def payload(spec: SyncSpec, prefix: str = "") -> str:
    """Return the expression for everything that is sent of a row, as JSON text.

    The columns of the relation are called as the fields are, after `prefix`.
    """
    types = {field.name: field.data_type for field in spec.fields}
    names = field_names(spec)
    return json_object([(name, canonical(f"{prefix}{name}", types[name])) for name in names])


def field_text(spec: SyncSpec, name: str, prefix: str = "") -> str:
    """Return the expression for a field of the model's row as its `payload` gives it as text.

    The column of the relation is called as the field is, after `prefix`.
    """
    types = {field.name: field.data_type for field in spec.fields}
    if name not in types:
        return literal(None)
    if types[name].lower().startswith(_TEXTS):
        return column(f"{prefix}{name}")
    return json_text(json_object([(name, canonical(f"{prefix}{name}", types[name]))]), name)


def identifiers(spec: SyncSpec, read: Callable[[str], str] | None = None) -> str:
    """Return what the ledger keeps of a `payload` so that the row can be removed later.

    `read` gives the expression for a field as text, where it is not read out of the payload.
    """
    if spec.capabilities.surfaces[spec.surface].mirror == "replace":
        return "payload"
    read = read or partial(json_text, "payload")
    known = {name for identity in spec.capabilities.identities for name in identity}
    known |= set(spec.capabilities.removal_fields)
    return json_object([(name, read(name)) for name in field_names(spec) if name in known])


def mapping(spec: SyncSpec) -> str:
    """Return a short name of what is sent and by which rules; another one sends every row."""
    parts = [spec.capabilities.normaliser, *field_names(spec)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:8]


def values_reader(spec: SyncSpec) -> Callable[[str], dict[str, Any]]:
    """Return what reads a row's values out of their JSON text without rounding any.

    A number of more digits than a float keeps comes out as the text it is.
    """
    if any(field.data_type.lower().startswith(WIDE) for field in spec.fields):
        return partial(json.loads, parse_float=_exact, parse_int=_exact_integer)
    return orjson.loads


def _exact(digits: str) -> float | str:
    number = float(digits)
    is_exact = len(digits) <= _SHORT or Decimal(repr(number)) == Decimal(digits)
    return number if is_exact else digits


def _exact_integer(digits: str) -> int | str:
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else digits
