"""Remember where people's data went, so that it can be taken back after a sync was switched off."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from activation.connection import Connection
from activation.spec import Field, SyncSpec
from activation.statements import literals, render

# A contact that left a list is still in the account: who it was has to be known to delete it.
KEEP_FORMER = (
    """
    delete from ledger.former_rows
    where {mine} and row_key in (
        select ledger_key from ledger.plan_rows
        where run_id = {run_id} and {rows} and ledger_key is not null
    )
    """,
    """
    insert into ledger.former_rows
    select sync, account, row_key, customer_id, contact_point_id, identifiers, {now}
    from ledger.sync_rows
    where {mine} and row_key in (
        select ledger_key from ledger.plan_rows
        where run_id = {run_id} and {rows} and ledger_key is not null
    )
    """,
)

_HOLDERS = """
select sync, account, count(*) from ({held}) as held
where customer_id in ({customers})
group by sync, account
order by sync, account
"""
_ALL_HOLDERS = """
select sync, account, count(*) from ledger.sync_rows
where is_held
group by sync, account
order by sync, account
"""
# What a run that died had sent is told in the ledger only once the next run has closed it.
_HELD = {
    "sync_rows": "select sync, account, customer_id from ledger.sync_rows where is_held",
    "former_rows": "select sync, account, customer_id from ledger.former_rows",
    "plan_rows": """
        select runs.sync, runs.account, plan_rows.customer_id
        from ledger.plan_rows
        inner join ledger.runs on runs.run_id = plan_rows.run_id
        where
            runs.status = 'delivering'
            and plan_rows.action in ('add', 'change', 'retry')
            and plan_rows.ledger_key is null
    """,
}

_KEPT = ("name", "destination", "surface", "target", "key", "mode", "channel")


@dataclass(frozen=True)
class Holder:
    """A sync and the account by which some persons are known, and in how many rows."""

    sync: str
    account: str
    rows: int


def find_holders(connection: Connection, customer_ids: Collection[str]) -> list[Holder]:
    """Return every sync and account that got rows of these customers."""
    held = [rows for table, rows in _HELD.items() if connection.table_exists("ledger", table)]
    if not customer_ids or not held:
        return []
    customers = literals(sorted(customer_ids))
    statement = render(_HOLDERS, held=" union all ".join(held), customers=customers)
    return [Holder(*row) for row in connection.execute(statement)]


def all_holders(connection: Connection) -> list[Holder]:
    """Return every sync and account that holds rows of anybody."""
    if not connection.table_exists("ledger", "sync_rows"):
        return []
    return [Holder(*row) for row in connection.execute(_ALL_HOLDERS)]


def remember_sync(connection: Connection, spec: SyncSpec, account: str, moment: datetime) -> None:
    """Note what a removal at this account needs to know of a sync; the caller commits."""
    document = orjson.dumps(_document(spec)).decode()
    key = (spec.name, account)
    known = "select spec from ledger.syncs where sync = ? and account = ?"
    if connection.execute(known, key) == [(document,)]:
        return
    connection.execute("delete from ledger.syncs where sync = ? and account = ?", key)
    connection.execute("insert into ledger.syncs values (?, ?, ?, ?)", (*key, document, moment))


def remembered_syncs(connection: Connection) -> dict[tuple[str, str], SyncSpec]:
    """Return the syncs that ever ran as they ran last, switched off, by name and account."""
    if not connection.table_exists("ledger", "syncs"):
        return {}
    rows = connection.execute("select sync, account, spec from ledger.syncs")
    return {(sync, account): _spec(orjson.loads(text)) for sync, account, text in rows}


def _document(spec: SyncSpec) -> dict[str, Any]:
    return {
        **{name: getattr(spec, name) for name in _KEPT},
        "purposes": list(spec.purposes),
        "fields": [[field.name, field.data_type] for field in spec.fields],
        "has_contact_point": spec.has_contact_point,
        "similar_goods": spec.similar_goods,
    }


def _spec(document: Mapping[str, Any]) -> SyncSpec:
    return SyncSpec(
        **{name: document[name] for name in _KEPT},
        purposes=tuple(document["purposes"]),
        fields=tuple(Field(*field) for field in document["fields"]),
        has_contact_point=document["has_contact_point"],
        similar_goods=document.get("similar_goods", False),
        file="",
        model="",
        model_unique_id="",
        relation="",
        upstream=frozenset(),
        is_enabled=False,
    )
