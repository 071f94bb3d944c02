"""Read landed files of any form as one view of raw columns, with casts into the contract."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from orchestration.contracts import Column, TableContract
from orchestration.landing import LandedFile
from orchestration.tombstones import Tombstones
from orchestration.warehouse import Connection


@dataclass(frozen=True)
class Reader:
    """A temporary view over fresh files of one table and format: raw columns, file, row.

    With `is_marked` it has a column `_is_erased`, true for rows of persons who were erased; of
    those the columns `kept` may be loaded, and nothing when there are none.
    """

    contract: TableContract
    view: str
    files: tuple[LandedFile, ...]
    types: dict[str, str]
    is_marked: bool = False
    kept: frozenset[str] = frozenset()

    def cast(self, column: Column) -> str:
        """SQL of a column in its contract type; null when absent or unreadable."""
        if column.name not in self.types:
            return f"cast(null as {column.data_type})"
        if self.types[column.name] == column.data_type.upper():
            return f'"{column.name}"'
        text = f"nullif(trim(cast(\"{column.name}\" as varchar)), '')"
        if column.data_type == "varchar":
            return text
        value = f"try_cast({text} as {column.data_type})"
        if column.data_type not in ("timestamp", "date"):
            return value
        # "04/01/26" reads as the year 4: a date outside of living memory is no date.
        return f"case when {value} between date '1900-01-01' and date '2200-01-01' then {value} end"

    def loaded(self, column: Column) -> str:
        """SQL of a column as it is loaded: null when it would tell who an erased person is."""
        if not self.is_marked or column.name in self.kept:
            return self.cast(column)
        return f"case when not _is_erased then {self.cast(column)} end"

    @property
    def is_admitted(self) -> str:
        """SQL condition: a row may be loaded, as far as erased persons go."""
        return "not _is_erased" if self.is_marked and not self.kept else "true"

    def marked(self, connection: Connection, tombstones: Tombstones) -> "Reader":
        """Return the same rows, with those of erased persons marked."""
        view = f"{self.view}_marked"
        condition = tombstones.is_erased(self.contract, self.types)
        connection.execute(
            f"create or replace temp view {view} as "
            f"select *, {condition} as _is_erased from {self.view}"
        )
        return replace(self, view=view, is_marked=True, kept=tombstones.kept(self.contract))

    def is_wrong(self, column: Column) -> str:
        """SQL condition: there is a value and it does not fit the type."""
        if self.types.get(column.name) in (None, column.data_type.upper()):
            return "false"
        filled = f"nullif(trim(cast(\"{column.name}\" as varchar)), '') is not null"
        return f"({filled} and {self.cast(column)} is null)"

    def first_problem(self, what: str) -> str:
        """SQL of the first problem's reason or column; null for a good row."""
        cases = []
        for column in self.contract.columns:
            if (wrong := self.is_wrong(column)) != "false":
                cases.append((wrong, "wrong_type", column.name))
            if column.required:
                cases.append((f"{self.cast(column)} is null", "missing_value", column.name))
        lines = [
            f"when {condition} then '{reason if what == 'reason' else name}'"
            for condition, reason, name in cases
        ]
        return f"case {' '.join(lines)} end" if lines else "cast(null as varchar)"


@contextmanager
def open_readers(connection: Connection, files: list[LandedFile]) -> Iterator[list[Reader]]:
    """Yield one reader per table and way of reading."""

    def way(file: LandedFile) -> tuple[str, str, str, str]:
        return file.contract.label, file.format, file.delimiter, file.encoding

    with tempfile.TemporaryDirectory() as folder:
        readers = []
        for number, (_, group) in enumerate(groupby(sorted(files, key=way), key=way)):
            members = tuple(group)
            view = f"_landed_{number}"
            paths = [as_utf8(file, Path(folder)) for file in members]
            _register_files(connection, view, members, paths)
            connection.execute(
                f"create or replace temp view {view} as select landed.*, "
                f"f.name as _file, f.arrived_on as _arrived_on from "
                f"({scan(members[0], paths)}) as landed "
                f"inner join {view}_files as f on f.path = landed._path"
            )
            described = connection.execute(f"describe {view}")
            types = {str(row[0]).lower(): _plain(str(row[1])) for row in described}
            readers.append(Reader(members[0].contract, view, members, types))
        yield readers


def _register_files(
    connection: Connection, view: str, files: tuple[LandedFile, ...], paths: list[Path]
) -> None:
    connection.execute(
        f"create or replace temp table {view}_files (path varchar, name varchar, arrived_on date)"
    )
    rows = {
        "path": [str(path) for path in paths],
        "name": [file.name for file in files],
        "arrived_on": [file.arrived_on for file in files],
    }
    connection.insert(f"{view}_files", pa.table(rows))


def as_utf8(file: LandedFile, folder: Path) -> Path:
    """Return a path that DuckDB can read; text in another encoding is rewritten once."""
    if file.format == "parquet" or file.encoding in ("utf-8", "utf-8-sig"):
        return file.path
    copy = folder / file.name.replace("/", "__")
    copy.write_text(file.path.read_text(encoding=file.encoding), encoding="utf-8")
    return copy


def scan(file: LandedFile, paths: list[Path], *, has_line: bool = False) -> str:
    """SQL that reads files of one format with their path and row number (from 1).

    `has_line` adds the text of the whole line of a JSON file as `_line`.
    """
    listed = "[" + ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths) + "]"
    if file.format == "parquet":
        return (
            f"select * exclude (filename, file_row_number), filename as _path, "
            f"file_row_number + 1 as _row from read_parquet({listed}, union_by_name = true, "
            "filename = true, file_row_number = true, hive_partitioning = false)"
        )
    numbered = "row_number() over (partition by filename) as _row"
    if file.format == "csv":
        return (
            f"select * exclude (filename), filename as _path, {numbered} "
            f"from read_csv({listed}, delim = '{file.delimiter}', header = true, "
            "all_varchar = true, union_by_name = true, filename = true, quote = '\"', "
            "normalize_names = true, strict_mode = false, null_padding = true, "
            "hive_partitioning = false)"
        )
    fields = ", ".join(
        f'json_extract_string(valid_line, \'$."{name}"\') as "{name}"'
        for name in file.contract.column_names
    )
    line = "line as _line, " if has_line else ""
    return (
        f"select case when valid_line is null then line end as _broken, {line}{fields}, "
        f"filename as _path, {numbered} from (select filename, line, "
        "case when json_valid(line) then line end as valid_line from read_csv("
        f"{listed}, delim = e'\\x01', quote = '', escape = '', header = false, filename = true, "
        "columns = {'line': 'varchar'}, hive_partitioning = false)) as lines"
    )


def _plain(data_type: str) -> str:
    """Write a DuckDB type as the contracts do."""
    return data_type.upper().replace(", ", ",")
