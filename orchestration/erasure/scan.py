"""Look for identifiers everywhere: every text of every table, every file, every byte."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.belongings import BORNE
from orchestration.erasure.journal import NAME
from orchestration.erasure.persons import Identifier
from orchestration.erasure.scope import Scope
from orchestration.erasure.sought import Sought
from orchestration.settings import Settings
from orchestration.warehouse import Connection, Warehouse

# The simulator's answers and its platforms stand for the world outside; what is under archive/
# belongs to another shop.
OUTSIDE = ("truth", "archive")
PLATFORMS = "platforms.sqlite"
CHUNK = 1 << 25
OVERLAP = 4096
ROWS = 200_000

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
    """A place in which identifiers were found; in how many different texts, never which."""

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
    files, sought = _files(settings), Sought(scope.needles)
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        longer = _longer_ones(connection, sought)
        columns, findings = scan_tables(connection, sought, settings.warehouse.name)
        for path in files:
            if path.suffix == ".parquet":
                findings += _scan_parquet(connection, sought, path, settings.home)
    if settings.serving.exists():
        with Warehouse(settings.serving).connect(read_only=True) as connection:
            served, more = scan_tables(connection, sought, settings.serving.name)
            columns, findings = columns + served, findings + more
    for path in files:
        count = count_in_bytes(path, sought, longer)
        if count:
            findings.append(Finding(str(path.relative_to(settings.home)), count))
    size = sum(path.stat().st_size for path in files)
    tables = len({column.rsplit(".", 1)[0] for column in columns})
    return Scan(len(scope.needles), tables, len(columns), len(files), size, tuple(findings))


def scan_tables(
    connection: Connection, sought: Sought, database: str
) -> tuple[list[str], list[Finding]]:
    """Return all text columns of a database, and those in which something was found."""
    searched, findings = [], []
    for schema, table, column in connection.execute(TEXTS):
        searched.append(f"{database}.{schema}.{table}.{column}")
        count = _count_in_column(connection, sought, f'"{schema}"."{table}"', column)
        if count:
            findings.append(Finding(searched[-1], count))
    return searched, findings


def _scan_parquet(
    connection: Connection, sought: Sought, path: Path, home: Path
) -> Iterator[Finding]:
    relation = "read_parquet('" + str(path).replace("'", "''") + "', hive_partitioning = false)"
    columns = [str(row[0]) for row in connection.execute(f"describe select * from {relation}")]
    for column in columns:
        count = _count_in_column(connection, sought, relation, column)
        if count:
            yield Finding(f"{path.relative_to(home)}: {column}", count)


def _count_in_column(connection: Connection, sought: Sought, relation: str, column: str) -> int:
    """Count the different values of a column in which an identifier stands as a word."""
    quoted = '"' + column.replace('"', '""') + '"'
    values = f"select distinct lower(cast({quoted} as varchar)) as value from {relation}"
    return sum(len(sought.in_column(batch["value"])) for batch in connection.stream(values, ROWS))


def _files(settings: Settings) -> list[Path]:
    return [
        path
        for path in sorted(settings.home.rglob("*"))
        if path.is_file()
        and path.relative_to(settings.home).parts[0] not in OUTSIDE
        and not path.name.startswith(PLATFORMS)
        and path.name != NAME
    ]


def _longer_ones(connection: Connection, sought: Sought) -> dict[bytes, list[bytes]]:
    """Return, by identifier, those of people who stay that hold it."""
    alive = f"select distinct lower(value) as value from ({BORNE}) as borne"
    found: dict[bytes, set[bytes]] = {}
    for batch in connection.stream(alive, ROWS):
        for word, value in sought.inside(batch["value"]):
            found.setdefault(word, set()).add(value)
    return {word: sorted(values) for word, values in found.items()}


def count_in_bytes(path: Path, sought: Sought, longer: Mapping[bytes, list[bytes]]) -> int:
    """Count the identifiers that stand in a file, in whatever format."""
    found: set[Identifier] = set()
    for chunk in _chunks(path):
        found.update(sought.in_bytes(chunk, longer))
    return len(found)


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield a file in lower case, in parts that overlap by more than an identifier."""
    tail = b""
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield tail + chunk.lower()
            tail = chunk[-OVERLAP:].lower()
