"""Load landed files into schema raw: typed rows in, everything else into the quarantine."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from orchestration.contracts import Column, TableContract
from orchestration.landing import LandedFile, LandingError
from orchestration.readers import Reader, open_readers
from orchestration.tombstones import Tombstones
from orchestration.warehouse import Connection

# A column of which more than this share cannot be read has the wrong type as a whole.
MISTYPED_SHARE = 0.5

QUARANTINE = """
create table if not exists raw.quarantine (
    source varchar, table_name varchar, file varchar, row_number bigint, reason varchar,
    column_name varchar, record varchar, arrived_on date, quarantined_at timestamp
)"""
LOADED_FILES = """
create table if not exists raw.loaded_files (
    file varchar, source varchar, table_name varchar, bytes bigint, modified_ns bigint,
    loaded_at timestamp
)"""


@dataclass(frozen=True)
class TableLoad:
    """What one load did to one table: counts of files and rows."""

    label: str
    files: int
    rows: int
    quarantined: int


def load(
    connection: Connection,
    contracts: Iterable[TableContract],
    files: tuple[LandedFile, ...],
    loaded_at: datetime,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    tombstones: Tombstones | None = None,
) -> tuple[TableLoad, ...]:
    """Bring schema raw in step with the landed files; a file is loaded once per content.

    Rows of persons with a tombstone stay out and are counted in the quarantine without content; of
    their purchases the amounts are loaded, as nobody's.

    Raises LandingError, before any table is touched, when a whole column has the wrong type.
    """
    _create_tables(connection, contracts)
    fresh = [file for file in files if _is_fresh(connection, file)]
    with open_readers(connection, [file for file in fresh if not file.problem]) as readers:
        _check_types(connection, readers)
        for number, reader in enumerate(readers, 1):
            progress(reader.contract.label, number, len(readers))
            judged = reader.marked(connection, tombstones) if tombstones else reader
            with connection.transaction():
                _load_reader(connection, judged, loaded_at)
    for file in fresh:
        if file.problem:
            _quarantine_file(connection, file, loaded_at)
    return _count(connection, fresh)


def _create_tables(connection: Connection, contracts: Iterable[TableContract]) -> None:
    connection.execute("create schema if not exists raw")
    connection.execute(QUARANTINE)
    connection.execute(LOADED_FILES)
    for contract in contracts:
        columns = ", ".join(f'"{c.name}" {c.data_type}' for c in contract.columns)
        connection.execute(
            f"create table if not exists {contract.relation} "
            f"({columns}, _arrived_on date, _file varchar, _row bigint)"
        )
        _add_columns(connection, contract)


def _add_columns(connection: Connection, contract: TableContract) -> None:
    """Give a table of an older contract its new columns, and have its files read once more."""
    found = connection.execute(
        "select column_name from duckdb_columns() where schema_name || '.' || table_name = ?",
        (contract.relation,),
    )
    known = {name for (name,) in found}
    missing = [column for column in contract.columns if column.name not in known]
    if not missing:
        return
    with connection.transaction():
        for column in missing:
            connection.execute(
                f'alter table {contract.relation} add column "{column.name}" {column.data_type}'
            )
        connection.execute(
            "delete from raw.loaded_files where source = ? and table_name = ?",
            (contract.source, contract.name),
        )


def _is_fresh(connection: Connection, file: LandedFile) -> bool:
    """Say whether this content of the file is not loaded yet; unreadable files are tried again."""
    stat = file.path.stat()
    same = "select 1 from raw.loaded_files where file = ? and bytes = ? and modified_ns = ?"
    return not connection.execute(same, (file.name, stat.st_size, stat.st_mtime_ns))


def _check_types(connection: Connection, readers: list[Reader]) -> None:
    problems = [problem for reader in readers for problem in _mistyped(connection, reader)]
    if problems:
        shown = "\n  ".join(problems[:20])
        msg = f"The values of the landed files do not fit the contract:\n  {shown}"
        raise LandingError(msg)


def _mistyped(connection: Connection, reader: Reader) -> Iterator[str]:
    suspects = [c for c in reader.contract.columns if reader.is_wrong(c) != "false"]
    if not suspects:
        return
    counts = ", ".join(
        f'count(*) filter (where {reader.is_wrong(c)}), count("{c.name}")' for c in suspects
    )
    found = connection.execute(f"select {counts} from {reader.view}")[0]
    for number, column in enumerate(suspects):
        wrong, filled = found[2 * number], found[2 * number + 1]
        if filled and wrong / filled > MISTYPED_SHARE:
            yield (
                f"{reader.files[0].name}: column '{column.name}': {wrong} of {filled} values are "
                f"not a {column.data_type}. {_remedy(column)}"
            )


def _remedy(column: Column) -> str:
    if column.data_type in ("timestamp", "date"):
        return "Write dates as 2026-10-31 or 2026-10-31 12:00:00."
    if column.data_type == "boolean":
        return "Write true or false."
    return "Write plain numbers with a decimal point, e.g. 1234.50."


def _load_reader(connection: Connection, reader: Reader, loaded_at: datetime) -> None:
    contract = reader.contract
    for file in reader.files:
        connection.execute(f"delete from {contract.relation} where _file = ?", (file.name,))
        connection.execute("delete from raw.quarantine where file = ?", (file.name,))
        connection.execute("delete from raw.loaded_files where file = ?", (file.name,))
    reason = reader.first_problem("reason")
    columns = ", ".join(f'{reader.loaded(c)} as "{c.name}"' for c in contract.columns)
    connection.execute(
        f"insert into {contract.relation} by name select {columns}, _arrived_on, _file, "
        f"_row from {reader.view} where {reason} is null and {reader.is_admitted}"
    )
    _quarantine_rows(connection, reader, loaded_at)
    _quarantine_repeats(connection, contract, reader.files, loaded_at)
    stats = [file.path.stat() for file in reader.files]
    loaded = {
        "file": [file.name for file in reader.files],
        "source": [contract.source] * len(stats),
        "table_name": [contract.name] * len(stats),
        "bytes": [stat.st_size for stat in stats],
        "modified_ns": [stat.st_mtime_ns for stat in stats],
        "loaded_at": [loaded_at] * len(stats),
    }
    connection.insert("raw.loaded_files", pa.table(loaded))


def _quarantine_rows(connection: Connection, reader: Reader, loaded_at: datetime) -> None:
    reason, column = reader.first_problem("reason"), reader.first_problem("column")
    if "_broken" in reader.types:
        reason = f"case when _broken is not null then 'broken_line' else {reason} end"
    rows, names = reader.view, (reader.contract.source, reader.contract.name, loaded_at)
    if reader.is_marked:
        rows = f"(select * exclude (_is_erased) from {reader.view} where not _is_erased)"
        connection.execute(
            "insert into raw.quarantine select ?, ?, _file, _row, 'erased', null, null, "
            f"_arrived_on, ? from {reader.view} "
            f"where _is_erased and not ({reason} is null and {reader.is_admitted})",
            names,
        )
    connection.execute(
        f"insert into raw.quarantine select ?, ?, _file, _row, {reason}, {column}, "
        f"cast(to_json(landed) as varchar), _arrived_on, ? from {rows} as landed "
        f"where {reason} is not null",
        names,
    )


def _quarantine_repeats(
    connection: Connection,
    contract: TableContract,
    files: tuple[LandedFile, ...],
    loaded_at: datetime,
) -> None:
    """Move rows that were delivered before, equal in every column, into the quarantine."""
    key = ", ".join(f'"{name}"' for name in contract.key)
    every = ", ".join(f'"{name}"' for name in contract.column_names)
    connection.execute("create or replace temp table _fresh_files (name varchar)")
    connection.insert("_fresh_files", pa.table({"name": [file.name for file in files]}))
    connection.execute(
        f"create or replace temp table _repeats as select * from (select *, row_number() over "
        f"(partition by {every} order by _arrived_on, _file, _row) as _delivery "
        f"from {contract.relation} where ({key}) in (select ({key}) from {contract.relation} "
        f"group by {key} having count(*) > 1)) where _delivery > 1 "
        "and _file in (select name from _fresh_files)"
    )
    connection.execute(
        "insert into raw.quarantine select ?, ?, _file, _row, 'delivered_again', null, "
        "cast(to_json(r) as varchar), _arrived_on, ? from (select * exclude (_delivery) "
        "from _repeats) as r",
        (contract.source, contract.name, loaded_at),
    )
    connection.execute(
        f"delete from {contract.relation} where (_file, _row) in "
        "(select (_file, _row) from _repeats)"
    )


def _quarantine_file(connection: Connection, file: LandedFile, loaded_at: datetime) -> None:
    """Note an unreadable file; its rows stay in the landing folder and are tried next time."""
    with connection.transaction():
        connection.execute("delete from raw.quarantine where file = ?", (file.name,))
        connection.execute(
            "insert into raw.quarantine values (?, ?, ?, null, ?, null, null, ?, ?)",
            (
                file.contract.source, file.contract.name, file.name,
                file.problem, file.arrived_on, loaded_at,
            ),
        )  # fmt: skip


def _count(connection: Connection, fresh: list[LandedFile]) -> tuple[TableLoad, ...]:
    """Count what the load left in raw and in the quarantine, per table."""
    quarantined = {
        f"{source}/{table}": int(count)
        for source, table, count in connection.execute(
            "select source, table_name, count(*) from raw.quarantine group by 1, 2"
        )
    }
    loads = []
    for contract in {file.contract.label: file.contract for file in fresh}.values():
        rows = connection.execute(f"select count(*) from {contract.relation}")[0][0]
        files = sum(file.contract is contract for file in fresh)
        loads.append(TableLoad(contract.label, files, rows, quarantined.get(contract.label, 0)))
    return tuple(loads)
