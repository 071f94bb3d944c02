"""Lay out schema `ledger`: what was planned, sent, acknowledged and rejected."""

from activation.connection import Connection

HANDED_OVER = "handed_over"
"""The code of a row that only keeps identifiers which another row has not taken over yet."""

_TABLES = {
    "runs": """
        run_id varchar, sync varchar, account varchar, plan_number bigint, status varchar,
        as_of timestamp, started_at timestamp, finished_at timestamp, desired bigint,
        added bigint, changed bigint, removed bigint, retried bigint, blocked bigint,
        delivered bigint, rejected bigint, invalid bigint, unknown bigint,
        blocked_at_dispatch bigint, requests bigint, stopped_by varchar, digest varchar,
        allowed bigint
    """,
    "sync_rows": """
        sync varchar, account varchar, row_key varchar, customer_id varchar,
        contact_point_id varchar, row_hash varchar, identifiers varchar, state varchar,
        code varchar, is_held boolean, first_held_at timestamp, acknowledged_at timestamp,
        normaliser varchar, run_id varchar, key_id varchar, mapping varchar, pieces varchar,
        attempts bigint, retry_from bigint, version varchar
    """,
    "plan_rows": """
        run_id varchar, sync varchar, row_number bigint, row_key varchar, ledger_key varchar,
        customer_id varchar, contact_point_id varchar, action varchar, reason varchar,
        row_hash varchar, payload varchar, held_identifiers varchar,
        stale varchar, was_held boolean, held_since timestamp, removal_batch bigint,
        upsert_batch bigint, state varchar, code varchar, settled_at timestamp, pieces varchar,
        attempts bigint, changed_columns varchar, version varchar
    """,
    "rejections": """
        run_id varchar, sync varchar, row_key varchar, customer_id varchar, action varchar,
        row_hash varchar, state varchar, code varchar, count_rows bigint, rejected_at timestamp
    """,
    "jobs": """
        run_id varchar, sync varchar, operation varchar, batch bigint, request varchar,
        accepted_at timestamp
    """,
    "batches": """
        run_id varchar, sync varchar, operation varchar, batch bigint, state varchar,
        noted_at timestamp
    """,
    "outcomes": """
        run_id varchar, sync varchar, row_number bigint, state varchar, code varchar
    """,
    "targets": """
        destination varchar, account varchar, surface varchar, name varchar,
        identifier varchar, found_at timestamp
    """,
    "syncs": """
        sync varchar, account varchar, spec varchar, remembered_at timestamp
    """,
    "gone": """
        destination varchar, account varchar, noted_at timestamp
    """,
    "former_rows": """
        sync varchar, account varchar, row_key varchar, customer_id varchar,
        contact_point_id varchar, identifiers varchar, removed_at timestamp
    """,
    "tombstones": """
        identifier_type varchar, tombstone varchar, key_id varchar, erased_at timestamp
    """,
    "lifted_tombstones": """
        identifier_type varchar, tombstone varchar, key_id varchar, erased_at timestamp,
        lifted_at timestamp, reason varchar
    """,
    "leases": """
        sync varchar, run_id varchar, host varchar, process_id bigint, renewed_at timestamp,
        expires_at timestamp
    """,
}


# Keys and digests hardly shrink, and to try it takes longer than all else that writes a row. What
# is sent stays in a plan only until its run ends.
_AS_THEY_ARE = (
    "row_key", "ledger_key", "customer_id", "contact_point_id", "row_hash", "pieces", "payload",
    "held_identifiers",
)  # fmt: skip


def _columns(table: str) -> dict[str, str]:
    """Return the type of every column of a table by its name."""
    pairs = (definition.split() for definition in _TABLES[table].split(","))
    return dict(pairs)


def _stored(definition: str) -> str:
    """Return the definition of a column with how it is kept on disk; DuckDB's spelling."""
    name = definition.split()[0]
    return f"{definition} using compression uncompressed" if name in _AS_THEY_ARE else definition


def _nulls(columns: dict[str, str]) -> str:
    return ", ".join(f"cast(null as {data_type}) as {name}" for name, data_type in columns.items())


NO_SYNC_ROWS = (
    f"(select * from (select {_nulls(_columns('sync_rows'))}) as nothing where 1 = 0) as sync_rows"
)
"""An empty relation like `ledger.sync_rows`, for a warehouse that has no ledger yet."""


def readable(connection: Connection, table: str) -> str:
    """Return a relation with today's columns of a ledger's table, whatever release made it.

    Whoever only reads cannot add the columns that an older ledger lacks.
    """
    found = connection.execute(
        "select column_name from information_schema.columns"
        " where table_schema = 'ledger' and table_name = ?",
        (table,),
    )
    known = {name for (name,) in found}
    missing = {name: kind for name, kind in _columns(table).items() if name not in known}
    if not missing:
        return f"ledger.{table}"
    return f"(select *, {_nulls(missing)} from ledger.{table}) as {table}"


def create_tables(connection: Connection) -> None:
    """Create the schema and its tables, and add the columns that an older ledger lacks."""
    found = connection.execute(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'ledger'"
    )
    existing: dict[str, set[str]] = {}
    for table, name in found:
        existing.setdefault(table, set()).add(name)
    if not existing:
        connection.execute("create schema if not exists ledger")
    for table, columns in _TABLES.items():
        if table not in existing:
            definitions = ", ".join(_stored(definition) for definition in columns.split(","))
            connection.execute(f"create table if not exists ledger.{table} ({definitions})")
            continue
        for definition in columns.split(","):
            if definition.split()[0] not in existing[table]:
                connection.execute(f"alter table ledger.{table} add column {definition.strip()}")
