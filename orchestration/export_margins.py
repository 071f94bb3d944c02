"""Find what is about a person and in no table of theirs: set aside, under review, delivered."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from orchestration.contracts import TableContract
from orchestration.erasure.persons import gather
from orchestration.erasure.scope import Scope
from orchestration.erasure.stores import is_quarantined
from orchestration.warehouse import Connection

Rows = list[dict[str, Any]]

# The other record may be somebody else's: what it is called is theirs.
_REVIEWS = """
with mine as (
    select distinct source, source_record_key from intermediate.int_customers_resolved
    where customer_id = ?
)
select
    mine.source, mine.source_record_key,
    case when mine.source_record_key = reviews.source_record_key_a and mine.source = source_a
        then source_b else source_a end as compared_with,
    reason, probability, threshold, evidence, model_version, scored_at
from core.identity_reviews as reviews
inner join mine
    on (mine.source = source_a and mine.source_record_key = source_record_key_a)
    or (mine.source = source_b and mine.source_record_key = source_record_key_b)
order by all
"""
_DELIVERIES = """
select
    plan_rows.sync, runs.account, runs.started_at, plan_rows.action, plan_rows.reason,
    plan_rows.state, plan_rows.code, plan_rows.changed_columns, plan_rows.settled_at
from ledger.plan_rows inner join ledger.runs using (run_id)
where list_contains(?, plan_rows.customer_id)
order by all
"""


def quarantined_rows(
    connection: Connection,
    customer_id: str,
    contracts: Mapping[str, TableContract],
    owned: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Rows:
    """Return rows that could not be loaded and tell of this person alone, as they were delivered.

    A row is theirs by the key of one of their rows (`owned`, by source table) or by an identifier
    that nobody else has.
    """
    if not connection.table_exists("raw", "quarantine"):
        return []
    keys = {label: [_key(contracts[label], row) for row in rows] for label, rows in owned.items()}
    (person,) = gather(connection, (customer_id,))
    scope = Scope(keys, person.identifiers)
    scope.prepare(connection)
    return [
        row
        for one in contracts.values()
        if one.ownerships
        for row in _rows(
            connection, f"select * from raw.quarantine where {is_quarantined(one, scope)}", []
        )
    ]


def reviewed_pairs(connection: Connection, customer_id: str) -> Rows:
    """Return the person's records that may belong to one more person, without naming that one."""
    return _rows(connection, _REVIEWS, [customer_id])


def deliveries(connection: Connection, customer_ids: Collection[str]) -> Rows:
    """Return what the last plans of each sync did about a person, under all their ids."""
    if not connection.table_exists("ledger", "plan_rows"):
        return []
    return _rows(connection, _DELIVERIES, [list(customer_ids)])


def _key(contract: TableContract, row: Mapping[str, Any]) -> str:
    """Return a row's key as one text, as the scope compares it."""
    return chr(31).join(str(row[name]).strip() for name in contract.key)


def _rows(connection: Connection, sql: str, parameters: list[Any]) -> Rows:
    cursor = connection.raw.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
