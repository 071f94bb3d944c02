"""Leave out, from few columns, the rows that nothing is to be done about, before all others."""

from activation.clearance import Clearance
from activation.digests import ContentRule
from activation.rows import field_names
from activation.spec import SyncSpec
from activation.statements import column, literal, render

CARRIED = "sent_"
"""What the names of the model's columns are preceded by in `unsettled`."""

# Most rows of most plans are held as they are desired, and allowed. They are recognised by key and
# digest alone; `unsettled` has all others, on either side, those of the model with what is sent of
# them. A row whose key is doubled on one side is left out only where none of its pairs has to be
# looked at.
_UNSETTLED = """
{name} as materialized (
    select cleared.*, acknowledged.row_key as ledger_key
    from ({cleared}) as cleared
    full outer join (
        select
            row_key,
            case when state = 'acknowledged' and is_held then row_hash end as held_hash
        from {sync_rows}
        where sync = {sync} and account = {account}
    ) as acknowledged
        on acknowledged.row_key = cleared.row_key
    where not coalesce(cleared.is_cleared and cleared.row_hash = acknowledged.held_hash, false)
),
"""

_CLEARED = """
        select
            candidate.row_key,
            candidate.customer_id,
            candidate.contact_point_id,
            {carried}
            {condition} as is_cleared,
            {row_hash} as row_hash
        from (
            select
                cast({key} as varchar) as row_key,
                cast(customer_id as varchar) as customer_id,
                {contact_point} as contact_point_id,
                {columns}
                {fields}
                {content} as content
            from {relation}
        ) as candidate
        {joins}
"""

_SOURCE = """
    select row_key, customer_id, contact_point_id, {payload} as payload
    from unsettled
    where row_key is not null and not coalesce(is_cleared, false)
"""

_PASSED = """
    union all
    select
        row_key, customer_id, contact_point_id, {payload} as payload,
        cast(null as varchar) as block_reason
    from unsettled
    where is_cleared
"""

IS_UNSETTLED = """
        and row_key in (select ledger_key from unsettled where ledger_key is not null)"""
"""The condition on a ledger's row that the plan has to look at it."""

_USED = """
            union all
            select {value} as value from {relation}
            where
                {value} in ({asked})
                and cast({key} as varchar) not in (
                    select row_key from unsettled where row_key is not null
                )
"""


def unsettled(
    cleared: str, spec: SyncSpec, sync_rows: str, account: str, name: str = "unsettled"
) -> str:
    """Return the table expression of all rows a plan has to look at, under a name.

    `cleared` is the query of `cleared_rows`, `sync_rows` the ledger's rows.
    """
    return render(
        _UNSETTLED,
        name=name,
        cleared=cleared,
        sync_rows=sync_rows,
        sync=literal(spec.name),
        account=literal(account),
    )


def cleared_rows(spec: SyncSpec, cleared: Clearance, rule: ContentRule, content: str) -> str:
    """Return the query for the model's rows, their digests and whether the gate is sure of them.

    `content` is the expression for the unkeyed digest of a row of the model.
    """
    names = field_names(spec)
    return render(
        _CLEARED,
        carried="".join(f"candidate.{CARRIED}{name}, " for name in names),
        condition=cleared.condition,
        row_hash=rule.of_content(spec.capabilities.normaliser, "candidate.content"),
        key=column(spec.key),
        contact_point="cast(contact_point_id as varchar)" if spec.has_contact_point else "null",
        columns="".join(f"{expression} as {name}, " for name, expression in cleared.columns),
        fields="".join(f"{column(name)} as {CARRIED}{name}, " for name in names),
        content=content,
        relation=spec.relation,
        joins=cleared.joins,
    )


def doubtful_rows(payload: str) -> str:
    """Return the query for the unsettled rows that the gate has to judge."""
    return render(_SOURCE, payload=payload)


def passed_rows(payload: str) -> str:
    """Return what follows the gate's answer: the unsettled rows that are surely let pass."""
    return render(_PASSED, payload=payload)


def unchanged_values(spec: SyncSpec, value: str, asked: str) -> str:
    """Return the values that unchanged rows use, out of those that a query asks for.

    `value` is an expression over the model's columns; the text stands behind another query.
    """
    return render(_USED, value=value, asked=asked, relation=spec.relation, key=column(spec.key))
