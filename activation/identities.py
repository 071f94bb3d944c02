"""Follow identities: who took a row over, and which identifiers nobody uses any more."""

from activation.connection import Connection
from activation.destinations.capabilities import Capabilities
from activation.spec import SyncSpec
from activation.statements import json_text, literal, render, without_gmail_variants

# A refused row is the same as the one refused, but the platform still has what was there before.
_MOVES = """(
            touched.action = 'remove' or not touched.is_same or touched.held_state = 'rejected'
        )"""

Identities = tuple[tuple[str, ...], ...]

_SHARED = """
    select orphans.row_key as old_key, newcomers.row_key as new_key, {strength} as strength
    from orphans
    inner join newcomers on {newcomer} = {orphan}
"""

_MERGED = """
    select orphans.row_key as old_key, newcomers.row_key as new_key, -1 as strength
    from orphans
    inner join core.customer_aliases as aliases on aliases.former_customer_id = orphans.row_key
    inner join newcomers on newcomers.row_key = aliases.customer_id
"""

_NOTHING_SHARED = """
    select row_key as old_key, row_key as new_key, 0 as strength from newcomers where 1 = 0
"""

_WANTED = """
    left join (
        select distinct {value} as value
        from desired
        where
            block_reason is null
            and {value} in (select {held} from touched where held_identifiers is not null)
            {lasting}
    ) as wanted_{number}
        on wanted_{number}.value = {held}
"""

# A platform that keeps rows as they were added keeps the former row of a changed person too. There
# a value may be removed although a row uses it, if that row is sent again after the removals.
_LASTING = """
            and row_key not in (
                select row_key from touched where action in ('add', 'change', 'retry')
            )
"""


def identity_of(document: str, identity: tuple[str, ...], capabilities: Capabilities) -> str:
    """Return the value of an identity as the platform compares it; null when a part is absent."""
    if capabilities.is_keyed:
        return json_text(document, identity[0])
    parts = [f"lower({json_text(document, name)})" for name in identity]
    if capabilities.folds_gmail and identity == ("email",):
        return without_gmail_variants(parts[0])
    return " || '|' || ".join(parts)


def shared(connection: Connection, spec: SyncSpec, identities: Identities) -> str:
    """Return the pairs of a vanished and a new key that share an identity, strongest first."""
    capabilities = spec.capabilities
    parts = [
        render(
            _SHARED,
            strength=strength,
            newcomer=identity_of("newcomers.payload", identity, capabilities),
            orphan=identity_of("orphans.identifiers", identity, capabilities),
        )
        for strength, identity in enumerate(identities)
    ]
    if parts and spec.key == "customer_id" and connection.table_exists("core", "customer_aliases"):
        parts.append(_MERGED)
    return "union all".join(parts) or _NOTHING_SHARED


def wanted(capabilities: Capabilities, identities: Identities) -> str:
    """Return the joins that find out which held identities a desired row still uses."""
    parts = [
        render(
            _WANTED,
            number=number,
            value=identity_of("payload", identity, capabilities),
            held=identity_of("touched.held_identifiers", identity, capabilities),
            lasting=_LASTING if capabilities.keeps_rows else "",
        )
        for number, identity in enumerate(identities)
    ]
    return "".join(parts)


def stale(capabilities: Capabilities, identities: Identities) -> str:
    """Name each stale identity by its first field, as a comma-separated text."""
    parts = [
        f"case when {_MOVES}"
        f" and {identity_of('touched.held_identifiers', identity, capabilities)} is not null"
        f" and wanted_{number}.value is null then {literal(identity[0] + ',')} else '' end"
        for number, identity in enumerate(identities)
    ]
    return " || ".join(parts) or "''"
