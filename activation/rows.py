"""Say in SQL what is sent of a row, and what the ledger keeps of it."""

import hashlib

from activation.spec import SyncSpec
from activation.statements import canonical, column, json_object, json_text, render

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


def payload(spec: SyncSpec) -> str:
    """Return the expression for everything that is sent of a row, as JSON text."""
    types = {field.name: field.data_type for field in spec.fields}
    return json_object([(name, canonical(name, types[name])) for name in field_names(spec)])


def identifiers(spec: SyncSpec) -> str:
    """Return what the ledger keeps of a `payload` so that the row can be removed later."""
    if spec.capabilities.surfaces[spec.surface].mirror == "replace":
        return "payload"
    known = {name for identity in spec.capabilities.identities for name in identity}
    known |= set(spec.capabilities.removal_fields)
    kept = [name for name in field_names(spec) if name in known]
    return json_object([(name, json_text("payload", name)) for name in kept])


def mapping(spec: SyncSpec) -> str:
    """Return a short name of what is sent and by which rules; another one sends every row."""
    parts = [spec.capabilities.normaliser, *field_names(spec)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:8]
