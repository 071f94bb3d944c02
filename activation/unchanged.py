"""Leave out, from few columns, the rows that nothing is to be done about, before all others."""

from activation.clearance import Clearance
from activation.spec import SyncSpec
from activation.statements import column, literal, render

# Most rows of most plans are held as they are desired, and allowed. They are recognised by key and
# digest alone; `unsettled` has the keys of all others, on either side. A row whose key is doubled
# on one side is left out only where none of its pairs has to be looked at.
_UNSETTLED = """
unsettled as materialized (
    select cleared.row_key, acknowledged.row_key as ledger_key
    from ({cleared}) as cleared
    full outer join (
        select
            row_key,
            case when state = 'acknowledged' and is_held then row_hash end as row_hash
        from {sync_rows}
        where sync = {sync} and account = {account}
    ) as acknowledged
        on acknowledged.row_key = cleared.row_key
    where not coalesce(cleared.row_hash = acknowledged.row_hash, false)
),
"""

_CLEARED = """
        select
            candidate.row_key,
            case when {condition} then candidate.row_hash end as row_hash
        from (
            select
                cast({key} as varchar) as row_key,
                cast(customer_id as varchar) as customer_id,
                {contact_point} as contact_point_id,
                {columns}
                {row_hash} as row_hash
            from {relation}
        ) as candidate
        {joins}
"""

_PART = """(
        select * from {relation}
        where cast({key} as varchar) in (
            select row_key from unsettled where row_key is not null
        )
    ) as unsettled_rows"""

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


def unsettled(cleared: str, spec: SyncSpec, sync_rows: str, account: str) -> str:
    """Return the table expression `unsettled`: the keys of all rows a plan has to look at.

    `cleared` is the query of `cleared_rows`, `sync_rows` the ledger's rows.
    """
    return render(
        _UNSETTLED,
        cleared=cleared,
        sync_rows=sync_rows,
        sync=literal(spec.name),
        account=literal(account),
    )


def cleared_rows(spec: SyncSpec, cleared: Clearance, row_hash: str) -> str:
    """Return the query for the model's rows by key, with a digest where the gate lets them pass.

    `row_hash` is the expression for the digest of a row of the model.
    """
    columns = "".join(f"{expression} as {name}, " for name, expression in cleared.columns)
    return render(
        _CLEARED,
        condition=cleared.condition,
        key=column(spec.key),
        contact_point="cast(contact_point_id as varchar)" if spec.has_contact_point else "null",
        columns=columns,
        row_hash=row_hash,
        relation=spec.relation,
        joins=cleared.joins,
    )


def unsettled_part(spec: SyncSpec) -> str:
    """Return the relation of the model's rows that a plan has to look at."""
    return render(_PART, relation=spec.relation, key=column(spec.key))


def unchanged_values(spec: SyncSpec, value: str, asked: str) -> str:
    """Return the values that unchanged rows use, out of those that a query asks for.

    `value` is an expression over the model's columns; the text stands behind another query.
    """
    return render(_USED, value=value, asked=asked, relation=spec.relation, key=column(spec.key))
