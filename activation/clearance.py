"""Tell, from few columns, which rows the gate lets pass; the gate itself judges all others."""

from collections.abc import Callable
from dataclasses import dataclass

from activation.gate import Gate, address_differs, obstacle
from activation.rows import field_text
from activation.spec import SyncSpec
from activation.statements import literal, literals, render

FieldText = Callable[[SyncSpec, str], str]

# Where any of these is null the row counts as not cleared, and the gate says what it is.
_PERSONAL = """
    candidate.customer_id is not null
    and candidate.customer_id not in (
        select customer_id from privacy.suppressions
        where
            coalesce(scope, 'all') in ('all', {channel})
            and coalesce(reason, '') <> 'hard_bounced'
            and customer_id is not null
        {on_hold}
        union all
        select customer_id from {news} as news
        where customer_id is not null
    )
    and point.is_reachable
    and not ({mismatch})
    {consented}
    and candidate.contact_point_id not in (
        select contact_point_id from privacy.consents
        where
            purpose in ({purposes})
            and channel = {channel}
            and contact_point_id is not null
            and {obstacle} < 9
    )
"""

_CONSENTED = """
    and candidate.contact_point_id in (
        select contact_point_id from privacy.consents
        where purpose = {purpose} and channel = {channel} and {obstacle} = 9
    )
"""

_ON_HOLD = """
        union all
        select customer_id from decisions.holds
        where
            coalesce(is_active, true)
            and (starts_at is null or starts_at <= {as_of})
            and (ends_at is null or ends_at > {as_of})
            and customer_id is not null
"""

_INTERNAL = """
    candidate.customer_id is not null
    and candidate.customer_id not in (
        select customer_id from privacy.suppressions
        where reason = 'erased' and customer_id is not null
    )
"""

# The join holds all contact points in memory, so it has no more of them than it needs.
_POINTS = """
left join (
    select
        contact_point_id,
        {addresses}
        (channel <> {channel} or is_deliverable)
        and {suppression_key} not in (
            select suppression_key from privacy.suppressions
            where coalesce(scope, 'all') in ('all', {channel}) and suppression_key is not null
        ) as is_reachable
    from contact.contact_points
) as point
    on point.contact_point_id = candidate.contact_point_id
"""

_ADDRESS = "case when identifier_type = {kind} then coalesce(address, '') end as {name}, "


@dataclass(frozen=True)
class Clearance:
    """What a gate lets pass, as a condition and the joins that it needs.

    The relation `candidate` has `customer_id`, `contact_point_id` and `columns`. Whoever is cleared
    has no `block_reason`; whoever is not may have none either, which only the gate can say.
    """

    columns: tuple[tuple[str, str], ...]
    condition: str
    joins: str = ""


def clearance(gate: Gate, text: FieldText = field_text) -> Clearance | None:
    """Return what an open gate lets pass; None when it is closed, because then nobody passes.

    `text` says how a sent field is read as text where the candidates come from.
    """
    if not gate.is_open:
        return None
    if gate.spec.is_internal:
        return Clearance((), _INTERNAL)
    return Clearance(_addresses(gate.spec, text), _condition(gate), _points(gate))


def _condition(gate: Gate) -> str:
    spec, moment = gate.spec, literal(gate.as_of)
    obstacles = obstacle(gate.spec, gate.as_of)
    consented = (
        render(_CONSENTED, purpose=literal(one), channel=literal(spec.channel), obstacle=obstacles)
        for one in spec.purposes
    )
    is_marketing = "marketing" in spec.purposes
    return render(
        _PERSONAL,
        channel=literal(spec.channel),
        mismatch=_mismatch(spec),
        consented="".join(consented),
        purposes=literals(spec.purposes),
        obstacle=obstacles,
        news=gate.news,
        on_hold=render(_ON_HOLD, as_of=moment) if is_marketing else "",
    )


def _points(gate: Gate) -> str:
    spec = gate.spec
    addresses = (render(_ADDRESS, kind=literal(kind), name=f"own_{kind}") for kind in _sent(spec))
    return render(
        _POINTS,
        addresses="".join(addresses),
        channel=literal(spec.channel),
        suppression_key=gate.suppression_key(),
    )


def _sent(spec: SyncSpec) -> dict[str, str]:
    """Return the sent field that carries an address, by the kind of contact point."""
    sent = {field.name for field in spec.fields}
    return {kind: name for kind, name in spec.capabilities.addresses.items() if name in sent}


def _addresses(spec: SyncSpec, text: FieldText) -> tuple[tuple[str, str], ...]:
    return tuple((f"address_{kind}", text(spec, name)) for kind, name in _sent(spec).items())


def _mismatch(spec: SyncSpec) -> str:
    """Compare the address sent with the address the consent is about."""
    compared = [
        f"(point.own_{kind} is not null"
        f" and {address_differs(f'candidate.address_{kind}', f'point.own_{kind}')})"
        for kind in _sent(spec)
    ]
    return " or ".join(compared) or "1 = 0"
