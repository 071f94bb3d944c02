"""Follow identities: who took a row over, and which identifiers nobody uses any more."""

from collections.abc import Callable
from functools import partial

from activation.connection import Connection
from activation.destinations.capabilities import Capabilities
from activation.rows import field_text
from activation.spec import SyncSpec
from activation.statements import json_text, literal, render, without_gmail_variants
from activation.unchanged import unchanged_values

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
        select distinct value
        from (
            select own_{number} as value from desired
            where block_reason is null and own_{number} in ({asked}) {lasting}
            {unchanged}
        ) as used
    ) as wanted_{number}
        on wanted_{number}.value = touched.held_{number}
"""

_ASKED = "select held_{number} from touched where held_{number} is not null and not {is_own}"

# Most held identities are still those of the row itself: only the others have to be looked for.
_IS_OWN = """coalesce(
            touched.is_desired
            and touched.block_reason is null
            and touched.own_{number} = touched.held_{number},
            1 = 0
        )"""

# A platform that keeps rows as they were added keeps the former row of a changed person too. There
# a value may be removed although a row uses it, if that row is sent again after the removals.
_LASTING = """
            and row_key not in (
                select row_key from touched where action in ('add', 'change', 'retry')
            )
"""


def identity_of(document: str, identity: tuple[str, ...], capabilities: Capabilities) -> str:
    """Return the value of an identity as the platform compares it; null when a part is absent."""
    return _identity(partial(json_text, document), identity, capabilities)


def _identity(
    read: Callable[[str], str], identity: tuple[str, ...], capabilities: Capabilities
) -> str:
    """Return the value of an identity out of fields that `read` gives as text."""
    if capabilities.is_keyed:
        return read(identity[0])
    parts = [f"lower({read(name)})" for name in identity]
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


def own(capabilities: Capabilities, identities: Identities) -> str:
    """Return the columns of desired rows that hold their identities: `own_0`, `own_1`, ..."""
    return "".join(
        f", {identity_of('payload', identity, capabilities)} as own_{number}"
        for number, identity in enumerate(identities)
    )


def carried(capabilities: Capabilities, identities: Identities) -> str:
    """Return the columns of joined rows that hold the identities desired and held."""
    return "".join(
        f"desired.own_{number},"
        f" {identity_of('held.identifiers', identity, capabilities)} as held_{number}, "
        for number, identity in enumerate(identities)
    )


def wanted(spec: SyncSpec, identities: Identities, *, leaves_out_unchanged: bool) -> str:
    """Return the joins that find out which held identities another desired row uses."""
    return "".join(
        _wanted(spec, number, identity, leaves_out_unchanged)
        for number, identity in enumerate(identities)
    )


def _wanted(
    spec: SyncSpec, number: int, identity: tuple[str, ...], leaves_out_unchanged: bool
) -> str:
    capabilities = spec.capabilities
    asked = render(_ASKED, number=number, is_own=_is_own(capabilities, number))
    is_sent = {field.name for field in spec.fields}.issuperset(identity)
    of_model = _identity(partial(field_text, spec), identity, capabilities)
    reads_model = leaves_out_unchanged and is_sent
    return render(
        _WANTED,
        number=number,
        asked=asked,
        lasting=_LASTING if capabilities.keeps_rows else "",
        unchanged=unchanged_values(spec, of_model, asked) if reads_model else "",
    )


def stale(capabilities: Capabilities, identities: Identities) -> str:
    """Name each stale identity by its first field, as a comma-separated text."""
    parts = [
        f"case when {_MOVES}"
        f" and touched.held_{number} is not null"
        f" and wanted_{number}.value is null and not {_is_own(capabilities, number)}"
        f" then {literal(identity[0] + ',')} else '' end"
        for number, identity in enumerate(identities)
    ]
    return " || ".join(parts) or "''"


def _is_own(capabilities: Capabilities, number: int) -> str:
    """Say whether a row desires the identity that it is held by, where it may count as its own."""
    if capabilities.keeps_rows:
        return "1 = 0"
    return render(_IS_OWN, number=number)
