"""Look for identifiers everywhere: every text of every table, every file, every byte."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.erasure.journal import NAME
from orchestration.erasure.persons import BORNE, Identifier
from orchestration.erasure.scope import Scope, edge
from orchestration.settings import Settings
from orchestration.warehouse import Connection, Warehouse

# The simulator's answers and its platforms stand for the world outside; what is under archive/
# belongs to another shop.
OUTSIDE = ("truth", "archive")
PLATFORMS = "platforms.sqlite"
CHUNK = 1 << 25
OVERLAP = 4096

TEXTS = """
select schema_name, table_name, column_name from duckdb_columns()
inner join duckdb_tables() using (database_name, schema_name, table_name)
where database_name = current_database()
    and (data_type in ('VARCHAR', 'JSON', 'BLOB') or data_type like '%[]'
        or data_type like 'STRUCT%' or data_type like 'MAP%')
order by all
"""


@dataclass(frozen=True)
class Finding:
    """A place in which identifiers were found; how often, never which."""

    store: str
    count: int


@dataclass(frozen=True)
class Scan:
    """What was looked at, and where something was found."""

    identifiers: int
    tables: int
    columns: int
    files: int
    bytes: int
    findings: tuple[Finding, ...] = ()


def scan_state(settings: Settings, scope: Scope) -> Scan:
    """Look for the identifiers of a scope in both databases, all files and their bytes.

    Identifiers of the books (order and contract numbers) and very short ones are not looked for.
    Left out: the journal of this erasure, and what is not the platform's own (OUTSIDE).
    """
    files = _files(settings)
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        longer = _longer_ones(connection, scope)
        columns, findings = _scan_tables(connection, scope, settings.warehouse.name)
        for path in files:
            if path.suffix == ".parquet":
                findings += _scan_parquet(connection, scope, path, settings.home)
    if settings.serving.exists():
        with Warehouse(settings.serving).connect(read_only=True) as connection:
            served, more = _scan_tables(connection, scope, settings.serving.name)
            columns, findings = columns + served, findings + more
    for path in files:
        count = _count_in_bytes(path, scope, longer)
        if count:
            findings.append(Finding(str(path.relative_to(settings.home)), count))
    size = sum(path.stat().st_size for path in files)
    tables = len({column.rsplit(".", 1)[0] for column in columns})
    return Scan(len(scope.needles), tables, len(columns), len(files), size, tuple(findings))


def _scan_tables(
    connection: Connection, scope: Scope, database: str
) -> tuple[list[str], list[Finding]]:
    by_table: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(TEXTS):
        by_table.setdefault((schema, table), []).append(column)
    searched, findings = [], []
    for (schema, table), columns in by_table.items():
        relation = f'"{schema}"."{table}"'
        for column, count in _count_in_columns(connection, scope, relation, columns):
            searched.append(f"{database}.{schema}.{table}.{column}")
            if count:
                findings.append(Finding(searched[-1], count))
    return searched, findings


def _scan_parquet(
    connection: Connection, scope: Scope, path: Path, home: Path
) -> Iterator[Finding]:
    relation = "read_parquet('" + str(path).replace("'", "''") + "', hive_partitioning = false)"
    columns = [str(row[0]) for row in connection.execute(f"describe select * from {relation}")]
    for column, count in _count_in_columns(connection, scope, relation, columns):
        if count:
            yield Finding(f"{path.relative_to(home)}: {column}", count)


def _count_in_columns(
    connection: Connection, scope: Scope, relation: str, columns: list[str]
) -> list[tuple[str, int]]:
    """Count the rows of each column in which an identifier stands as a word of its own."""
    finders = scope.patterns()
    if not finders or not columns:
        return [(column, 0) for column in columns]

    def counted(column: str) -> str:
        text = 'lower(cast("' + column.replace('"', '""') + '" as varchar))'
        found = " or ".join(f"regexp_matches({text}, {finder})" for finder in finders)
        return f"count(*) filter (where {found})"

    row = connection.execute(f"select {', '.join(map(counted, columns))} from {relation}")[0]
    return list(zip(columns, map(int, row), strict=True))


def _files(settings: Settings) -> list[Path]:
    return [
        path
        for path in sorted(settings.home.rglob("*"))
        if path.is_file()
        and path.relative_to(settings.home).parts[0] not in OUTSIDE
        and not path.name.startswith(PLATFORMS)
        and path.name != NAME
    ]


def _longer_ones(connection: Connection, scope: Scope) -> dict[Identifier, list[bytes]]:
    """Return whose identifiers hold one that is looked for, of those who stay."""
    alive = f"select distinct lower(value) as value from ({BORNE}) as borne"
    connection.execute("create or replace temporary table living as " + alive)
    inside = "select value from living where contains(value, ?) and value <> ?"
    found = {
        needle: [str(row[0]).encode() for row in connection.execute(inside, needle[1:] * 2)]
        for needle in scope.needles
    }
    connection.execute("drop table living")
    return {needle: values for needle, values in found.items() if values}


def _count_in_bytes(path: Path, scope: Scope, longer: Mapping[Identifier, list[bytes]]) -> int:
    """Count the identifiers that stand in a file, in whatever format.

    Texts follow each other without a gap in a database, so that a neighbour says nothing.
    """
    found: set[Identifier] = set()
    needles = scope.needles
    for chunk in _chunks(path):
        for needle in needles:
            if needle not in found and _stands_in(chunk, needle, longer.get(needle, [])):
                found.add(needle)
    return len(found)


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield a file in lower case, in parts that overlap by more than an identifier."""
    tail = b""
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield tail + chunk.lower()
            tail = chunk[-OVERLAP:].lower()


def _stands_in(chunk: bytes, needle: Identifier, longer: list[bytes]) -> bool:
    kind, value = needle
    text = value.encode()
    if text not in chunk:
        return False
    for other in longer:
        chunk = chunk.replace(other, b" ")
    if kind in ("email", "device", "push_token", "customer") or value[0] == "+":
        return text in chunk
    # A number may be a part of any longer one.
    before = edge(kind).encode()
    alone = b"(^|[^" + before + b"])" + re.escape(text) + b"($|[^a-z0-9])"
    return re.search(alone, chunk) is not None
