"""Write a DuckDB file anew, so that deleted rows are gone from its bytes too."""

import shutil
from pathlib import Path

from orchestration.warehouse import Connection, Warehouse

TABLES = """
select schema_name, table_name from duckdb_tables()
where database_name = ? and not internal and not temporary
order by all
"""
VIEWS = """
select schema_name, view_name from duckdb_views()
where database_name = ? and not internal and not temporary
order by all
"""


class CompactionFailed(RuntimeError):
    """The copy is not what the original is."""


def compact_database(warehouse: Warehouse) -> int:
    """Copy everything into a fresh file and put that in place in one step; return its bytes.

    A deleted row stays readable in the blocks of the old file until they are used again. Raises
    CompactionFailed, with the old file untouched, when the copy lacks anything.
    """
    draft = warehouse.path.with_name(f".{warehouse.path.stem}-compacted.duckdb")
    _remove(draft)
    try:
        with warehouse.writing():
            with warehouse.connect() as connection:
                _copy(connection, draft)
            shutil.copymode(warehouse.path, draft)
            draft.replace(warehouse.path)
            warehouse.path.with_name(f"{warehouse.path.name}.wal").unlink(missing_ok=True)
    finally:
        _remove(draft)
    return warehouse.path.stat().st_size


def _copy(connection: Connection, draft: Path) -> None:
    name = str(connection.execute("select current_database()")[0][0])
    escaped = str(draft).replace("'", "''")
    connection.execute(f"attach '{escaped}' as compacted")
    connection.execute(f'copy from database "{name}" to compacted')
    if _content(connection, name) != _content(connection, "compacted"):
        msg = f"The copy of {name} lacks a part of it. Nothing was replaced; run again."
        raise CompactionFailed(msg)
    connection.execute("detach compacted")


def _content(connection: Connection, database: str) -> tuple[list[tuple[str, str, int]], object]:
    """Return the tables of a database with their rows, and its views."""
    tables = [
        (schema, table, _count(connection, f'"{database}"."{schema}"."{table}"'))
        for schema, table in connection.execute(TABLES, (database,))
    ]
    return tables, connection.execute(VIEWS, (database,))


def _count(connection: Connection, relation: str) -> int:
    return int(connection.execute(f"select count(*) from {relation}")[0][0])


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
