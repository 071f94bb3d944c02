"""Write the one query that compares desired rows with the ledger."""

from activation.connection import Connection
from activation.destinations.base import Capabilities
from activation.gate import Gate
from activation.jumps import SIZE_JUMPED, held_leavers
from activation.ledger_schema import NO_SYNC_ROWS
from activation.spec import SyncSpec
from activation.statements import (
    canonical,
    column,
    json_object,
    json_text,
    literal,
    md5_hex,
    render,
    without_gmail_variants,
)

LEFT_AUDIENCE = "left_audience"

Identities = tuple[tuple[str, ...], ...]

# Rows whose key vanished because the customer was merged, or whose identifiers a new key uses,
# keep their ledger row under the new key: a removal would take a wanted person away. `stale` names
# the identities that were sent and that no desired row uses any more; only those are removed.
_COMPARED = """
with source_rows as ({source}),
judged as ({judged}),
desired as (
    select *, {row_hash} as row_hash from judged
),
recorded as (
    select * from {sync_rows} where sync = {sync} and account = {account}
),
orphans as (
    select recorded.row_key, recorded.identifiers from recorded
    where
        recorded.is_held
        and not exists (select 1 from desired where desired.row_key = recorded.row_key)
),
newcomers as (
    select desired.row_key, desired.payload from desired
    where
        desired.block_reason is null
        and not exists (select 1 from recorded where recorded.row_key = desired.row_key)
),
shared as ({shared}),
ranked as (
    select
        old_key,
        new_key,
        row_number() over (partition by old_key order by strength, new_key) as rank_of_new,
        row_number() over (partition by new_key order by strength, old_key) as rank_of_old
    from shared
),
held as (
    select
        coalesce(ranked.new_key, recorded.row_key) as current_key,
        recorded.*
    from recorded
    left join ranked
        on
            ranked.old_key = recorded.row_key
            and ranked.rank_of_new = 1
            and ranked.rank_of_old = 1
),
compared as (
    select
        coalesce(desired.row_key, held.current_key) as row_key,
        held.row_key as ledger_key,
        coalesce(desired.customer_id, held.customer_id) as customer_id,
        coalesce(desired.contact_point_id, held.contact_point_id) as contact_point_id,
        desired.row_hash,
        desired.payload,
        held.identifiers as held_identifiers,
        held.is_held as was_held,
        held.first_held_at as held_since,
        coalesce(held.row_hash = desired.row_hash, false) as is_same,
        case when desired.row_key is null then {left_audience} else desired.block_reason end
            as reason,
        case
            when desired.row_key is null and held.is_held and {removes_leavers} then 'remove'
            when desired.row_key is null then null
            when desired.block_reason is not null and held.is_held then 'remove'
            when desired.block_reason is not null then 'blocked'
            when held.row_key is null then 'add'
            when held.state = 'unknown' then 'retry'
            when held.row_key <> held.current_key then 'change'
            when held.row_hash = desired.row_hash then null
            when held.is_held then 'change'
            else 'add'
        end as action
    from desired
    full outer join held on held.current_key = desired.row_key
),
touched as (
    select
        row_key,
        ledger_key,
        customer_id,
        contact_point_id,
        row_hash,
        payload,
        held_identifiers,
        was_held,
        held_since,
        is_same,
        case when {is_held_back} then 'blocked' else action end as action,
        case when {is_held_back} then {size_jumped} else reason end as reason
    from compared
    where action is not null
),
changes as (
    select
        touched.*,
        {stale} as stale
    from touched
    {wanted}
)
"""

_SOURCE = """
    select
        cast({key} as varchar) as row_key,
        cast(customer_id as varchar) as customer_id,
        {contact_point} as contact_point_id,
        {payload} as payload
    from {relation}
"""

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


def comparison(
    connection: Connection, spec: SyncSpec, gate: Gate, account: str, *, is_paused: bool = False
) -> str:
    """Return the common table expressions that end in `changes`: one row per row to act on.

    Of a paused sync only what the gate forbids is acted on; the rest is blocked.
    """
    has_ledger = _has_rows(connection, spec, account)
    capabilities = spec.capabilities
    identities = capabilities.identities if has_ledger else ()
    return render(
        _COMPARED,
        source=desired_rows(spec) + (held_leavers(spec, account) if is_paused else ""),
        judged=gate.judged("source_rows"),
        row_hash=md5_hex(f"{literal(capabilities.normaliser + '|')} || payload"),
        sync_rows="ledger.sync_rows" if has_ledger else NO_SYNC_ROWS,
        sync=literal(spec.name),
        account=literal(account),
        shared=_shared(connection, spec, identities),
        left_audience=literal(LEFT_AUDIENCE),
        removes_leavers="1 = 1" if spec.mode == "mirror" else "1 = 0",
        stale=_stale(capabilities, identities),
        wanted=_wanted(capabilities, identities),
        is_held_back="action in ('add', 'change', 'retry')" if is_paused else "1 = 0",
        size_jumped=literal(SIZE_JUMPED),
    )


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


def _has_rows(connection: Connection, spec: SyncSpec, account: str) -> bool:
    """Say whether the ledger knows anything of a sync; if not, nothing need be compared."""
    if not connection.table_exists("ledger", "sync_rows"):
        return False
    found = connection.execute(
        "select 1 from ledger.sync_rows where sync = ? and account = ? limit 1",
        (spec.name, account),
    )
    return bool(found)


def payload(spec: SyncSpec) -> str:
    """Return the expression for everything that is sent of a row, as JSON text."""
    return json_object([(f.name, canonical(f.name, f.data_type)) for f in spec.fields])


def identifiers(spec: SyncSpec) -> str:
    """Return what the ledger keeps of a `payload` so that the row can be removed later."""
    if spec.capabilities.surfaces[spec.surface].mirror == "replace":
        return "payload"
    known = {name for identity in spec.capabilities.identities for name in identity}
    known |= set(spec.capabilities.removal_fields)
    kept = [field.name for field in spec.fields if field.name in known]
    return json_object([(name, json_text("payload", name)) for name in kept])


def _identity(document: str, identity: tuple[str, ...], capabilities: Capabilities) -> str:
    """Return the value of an identity as the platform compares it; null when a part is absent."""
    parts = [f"lower({json_text(document, name)})" for name in identity]
    if capabilities.folds_gmail and identity == ("email",):
        return without_gmail_variants(parts[0])
    return " || '|' || ".join(parts)


def _shared(connection: Connection, spec: SyncSpec, identities: Identities) -> str:
    capabilities = spec.capabilities
    parts = [
        render(
            _SHARED,
            strength=strength,
            newcomer=_identity("newcomers.payload", identity, capabilities),
            orphan=_identity("orphans.identifiers", identity, capabilities),
        )
        for strength, identity in enumerate(identities)
    ]
    if parts and spec.key == "customer_id" and connection.table_exists("core", "customer_aliases"):
        parts.append(_MERGED)
    return "union all".join(parts) or _NOTHING_SHARED


def _wanted(capabilities: Capabilities, identities: Identities) -> str:
    parts = [
        render(
            _WANTED,
            number=number,
            value=_identity("payload", identity, capabilities),
            held=_identity("touched.held_identifiers", identity, capabilities),
            lasting=_LASTING if capabilities.keeps_rows else "",
        )
        for number, identity in enumerate(identities)
    ]
    return "".join(parts)


def _stale(capabilities: Capabilities, identities: Identities) -> str:
    """Name each stale identity by its first field, as a comma-separated text."""
    parts = [
        "case when (touched.action = 'remove' or not touched.is_same)"
        f" and {_identity('touched.held_identifiers', identity, capabilities)} is not null"
        f" and wanted_{number}.value is null then {literal(identity[0] + ',')} else '' end"
        for number, identity in enumerate(identities)
    ]
    return " || ".join(parts) or "''"
