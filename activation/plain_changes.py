"""Plan rows of which only values changed at once: they need none of the steps others need."""

from functools import partial

from activation.digests import DigestKeys
from activation.jumps import SIZE_JUMPED
from activation.rows import field_names, field_text, identifiers, mapping, payload
from activation.spec import SyncSpec
from activation.statements import literal, render
from activation.unchanged import CARRIED

LOOKED = "looked"
"""What the rows a plan has to look at are called before the plain changes are taken out."""

# A plain change is surely let pass, acknowledged under its own key and by today's rules, and has
# the identifiers that it is held by: it can be nobody's former or new key, leaves no identifier
# behind, and uses those of an unchanged row. Pairs are told apart one by one, so that a doubled key
# is as doubled as it was.
_WEIGHED = """
remembered as materialized (
    select * from {sync_rows}
    where
        sync = {sync}
        and account = {account}
        and row_key in (select ledger_key from looked where ledger_key is not null)
),
weighed as materialized (
    select
        row_key,
        ledger_key,
        customer_id,
        coalesce(contact_point_id, case when is_plain then held_contact_point_id end)
            as contact_point_id,
        is_cleared,
        payload,
        row_hash,
        is_plain,
        case when is_plain then identifiers end as held_identifiers,
        case when is_plain then first_held_at end as held_since,
        case when is_plain then held_pieces end as held_pieces,
        case when is_plain then {pieces} end as pieces
    from (
        select *, is_alike and row_hash <> held_hash as is_plain
        from (
            select *, {row_hash} as row_hash
            from (
                select
                    {carried}
                    looked.row_key,
                    looked.ledger_key,
                    looked.customer_id,
                    looked.contact_point_id,
                    looked.is_cleared,
                    {payload} as payload,
                    remembered.contact_point_id as held_contact_point_id,
                    remembered.row_hash as held_hash,
                    remembered.identifiers,
                    remembered.first_held_at,
                    remembered.pieces as held_pieces,
                    coalesce(
                        looked.is_cleared
                        and remembered.state = 'acknowledged'
                        and remembered.is_held
                        and remembered.row_hash is not null
                        and remembered.mapping = {mapping}
                        and remembered.key_id = {key_id}
                        and remembered.identifiers = {own_identifiers},
                        1 = 0
                    ) as is_alike
                from looked
                left join remembered on remembered.row_key = looked.ledger_key
            ) as paired
        ) as digested
    ) as told
),
unsettled as (
    select row_key, ledger_key, customer_id, contact_point_id, is_cleared, payload from weighed
    where not is_plain
),
"""

RECORDED = "remembered"
"""The relation of the ledger's rows that a plan with plain changes looks at."""

_PLAIN = """
    union all
    select
        touched.row_key,
        1 = 0 as is_handed_over,
        touched.ledger_key,
        touched.customer_id,
        touched.contact_point_id,
        touched.action,
        {reason} as reason,
        touched.row_hash,
        touched.payload,
        touched.held_identifiers,
        1 = 1 as was_held,
        touched.held_since,
        touched.pieces,
        0 as attempts,
        {changed_columns} as changed_columns,
        cast(null as varchar) as version,
        '' as stale
    from (
        select *, {action} as action, 1 = 0 as is_renamed, 1 = 1 as has_pieces from weighed
        where is_plain
    ) as touched
"""


def has_plain_changes(spec: SyncSpec) -> bool:
    """Say whether a changed row is only sent anew: no message, nothing removed or rebuilt."""
    is_rebuilt = spec.capabilities.surfaces[spec.surface].mirror == "replace"
    return not (spec.sends_messages or spec.capabilities.keeps_rows or is_rebuilt)


def weighed(spec: SyncSpec, keys: DigestKeys, row_hash: str, sync_rows: str, account: str) -> str:
    """Return the table expressions that part the rows of `looked` into plain changes and others.

    `row_hash` is the expression for the digest of a `payload`. They end in `unsettled`, the others,
    which have their payload ready.
    """
    text = partial(field_text, spec, prefix=CARRIED)
    names = field_names(spec)
    return render(
        _WEIGHED,
        sync_rows=sync_rows,
        sync=literal(spec.name),
        account=literal(account),
        pieces=keys.current.pieces_of({name: text(name) for name in names}),
        row_hash=row_hash,
        carried="".join(f"looked.{CARRIED}{name}, " for name in names),
        payload=payload(spec, CARRIED),
        mapping=literal(mapping(spec)),
        key_id=literal(keys.row_rule.identifier),
        own_identifiers=identifiers(spec, text),
    )


def plain_changes(changed_columns: str, *, is_paused: bool) -> str:
    """Return what follows the other rows of a plan: the plain changes, held back by a pause.

    `changed_columns` is the expression for their names, over the relation `touched`.
    """
    return render(
        _PLAIN,
        action=literal("blocked" if is_paused else "change"),
        reason=literal(SIZE_JUMPED) if is_paused else "cast(null as varchar)",
        changed_columns=changed_columns,
    )
