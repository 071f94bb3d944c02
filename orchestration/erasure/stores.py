"""Delete a person from every table that is not built anew, and count what there is of them."""

from collections.abc import Callable, Collection, Iterator, Mapping

from activation.news import RELATION
from orchestration.contracts import TableContract
from orchestration.erasure.scope import Scope
from orchestration.warehouse import Connection

# Raw tables have ids of the sources in columns of that name; the ledger has a writer of its own.
DERIVED = """
select schema_name, table_name from duckdb_columns()
inner join duckdb_tables() using (database_name, schema_name, table_name)
where column_name = 'customer_id' and database_name = current_database()
    and schema_name not in ('raw', 'ledger', 'staging')
order by all
"""
ASSIGNMENTS = "intermediate.int_customer_assignments_recorded"
NODES = "intermediate.int_identity_nodes_registered"
ANY_KIND = "any"


def delete_rows(
    connection: Connection,
    contracts: Mapping[str, TableContract],
    scope: Scope,
    customer_ids: Collection[str],
    keeps_accounts: bool,
    note: Callable[[dict[str, int]], None] = lambda _: None,
) -> dict[str, int]:
    """Delete raw, registered and derived rows in one transaction; return counts by table.

    `note` is told the counts just before they are committed. Purchases are detached: only the
    columns that the books need stay. The ledger keeps its rows until every platform has removed
    theirs.
    """
    scope.prepare(connection)
    with connection.transaction():
        counts = dict(_delete_raw(connection, contracts, scope, keeps_accounts))
        counts["raw.quarantine"] = _delete_quarantined(connection, contracts, scope)
        counts |= _unregister(connection, contracts, customer_ids)
        counts |= dict(_delete_derived(connection, customer_ids))
        counts = {store: count for store, count in counts.items() if count}
        note(counts)
    return counts


def count_rows(
    connection: Connection,
    contracts: Mapping[str, TableContract],
    scope: Scope,
    customer_ids: Collection[str],
) -> dict[str, int]:
    """Return how many rows of each table are about these customers."""
    scope.prepare(connection)
    counts = {
        contract.relation: _count(connection, contract.relation, _raw(contract, scope))
        for contract in contracts.values()
        if contract.ownerships
    }
    mine = _in(customer_ids)
    for schema, table in connection.execute(DERIVED):
        relation = f'{schema}."{table}"'
        counts[f"{schema}.{table}"] = _count(connection, relation, mine)
    return {store: count for store, count in counts.items() if count}


def _delete_raw(
    connection: Connection,
    contracts: Mapping[str, TableContract],
    scope: Scope,
    keeps_accounts: bool,
) -> Iterator[tuple[str, int]]:
    for contract in contracts.values():
        if not contract.ownerships:
            continue
        kept = contract.kept if keeps_accounts else frozenset()
        told = [c for c in contract.column_names if c not in kept]
        condition = _raw(contract, scope)
        if kept:
            is_told = " or ".join(f'"{name}" is not null' for name in told) or "false"
            condition = f"{condition} and ({is_told})"
        count = _count(connection, contract.relation, condition)
        if count and kept:
            nulls = ", ".join(f'"{name}" = null' for name in told)
            connection.execute(f"update {contract.relation} set {nulls} where {condition}")
        elif count:
            connection.execute(f"delete from {contract.relation} where {condition}")
        yield contract.relation, count


def _raw(contract: TableContract, scope: Scope) -> str:
    spelling = {name: f'"{name}"' for name in contract.column_names}
    texts = [f'"{column.name}"' for column in contract.columns if column.data_type == "varchar"]
    return scope.matches(contract, spelling, texts)


def _delete_quarantined(
    connection: Connection, contracts: Mapping[str, TableContract], scope: Scope
) -> int:
    """Delete what could not be loaded: the record is text, so keys are compared as text."""
    total = 0
    for contract in contracts.values():
        if not contract.ownerships:
            continue
        condition = is_quarantined(contract, scope)
        total += _count(connection, "raw.quarantine", condition)
        connection.execute(f"delete from raw.quarantine where {condition}")
    return total


def is_quarantined(contract: TableContract, scope: Scope) -> str:
    """Return the condition that a row of `raw.quarantine` is of this table and of the scope."""
    spelling = {
        name: f"json_extract_string(case when json_valid(record) then record end, '$.{name}')"
        for name in {*contract.key, *dict(contract.identifiers)}
    }
    return (
        f"(source = '{contract.source}' and table_name = '{contract.name}' and "
        f"{scope.matches(contract, spelling, ['record'])})"
    )


def _unregister(
    connection: Connection, contracts: Mapping[str, TableContract], customer_ids: Collection[str]
) -> dict[str, int]:
    """Forget the records of a person and who they were; dbt never builds these tables anew."""
    if not connection.table_exists(*ASSIGNMENTS.split(".")):
        return {}
    mine = _in(customer_ids)
    connection.execute(
        "create or replace temporary table erased_nodes as "
        f"select distinct node_id from {ASSIGNMENTS} where {mine} and valid_to_run is null"
    )
    nodes = f"node_id in (select node_id from erased_nodes) or ({_nobodys(contracts)})"
    counts = {}
    theirs = f"{mine} or node_id in (select node_id from erased_nodes)"
    for table, condition in ((NODES, nodes), (ASSIGNMENTS, theirs)):
        counts[table] = _count(connection, table, condition)
        connection.execute(f"delete from {table} where {condition}")
    return counts


def _nobodys(contracts: Mapping[str, TableContract]) -> str:
    """Return the condition that a registered record is in the scope and of no customer.

    A device's push token without an account is: its person is known by the device alone.
    """
    ways = []
    for contract in contracts.values():
        if not contract.ownerships or len(contract.key) > 1:
            continue
        prefix = f"{contract.name}:"
        value = f"trim(substr(source_record_key, {len(prefix) + 1}))"
        known = [f"{value} in (select key from erased_keys where label = '{contract.label}')"]
        known += [
            f"{value} in (select value from erased_values where kind = '{kind}')"
            for name, kind in contract.identifiers
            if name in contract.key and kind != ANY_KIND
        ]
        ways.append(
            f"(source = '{contract.source}' and source_record_key like '{prefix}%'"
            f" and ({' or '.join(known)}))"
        )
    owned = f"select node_id from {ASSIGNMENTS} where valid_to_run is null"
    return f"node_id not in ({owned}) and ({' or '.join(ways)})"


def _delete_derived(
    connection: Connection, customer_ids: Collection[str]
) -> Iterator[tuple[str, int]]:
    for schema, table in connection.execute(DERIVED):
        relation, mine = f'{schema}."{table}"', _in(customer_ids)
        count = _count(connection, relation, mine)
        if count:
            connection.execute(f"delete from {relation} where {mine}")
            yield f"{schema}.{table}", count
    if connection.table_exists(*RELATION):
        connection.execute(f"delete from {'.'.join(RELATION)} where {_in(customer_ids)}")


def _in(customer_ids: Collection[str]) -> str:
    listed = ", ".join(f"'{customer_id}'" for customer_id in customer_ids)
    return f"cast(customer_id as varchar) in ({listed})"


def _count(connection: Connection, relation: str, condition: str) -> int:
    return int(connection.execute(f"select count(*) from {relation} where {condition}")[0][0])
