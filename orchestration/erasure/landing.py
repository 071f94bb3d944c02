"""Rewrite the landed files that hold rows of a person, and leave all other rows as they are."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.contracts import TableContract
from orchestration.erasure.scope import Scope
from orchestration.landing import LandedFile, LandingError, discover
from orchestration.readers import Reader, as_utf8, scan
from orchestration.warehouse import Connection

VIEW = "erased_from"
OWN_COLUMNS = ("_path", "_row", "_broken", "_line")
BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Opened:
    """A landed file as a view, with its own columns as they are written there."""

    file: LandedFile
    reader: Reader
    columns: tuple[str, ...]

    @property
    def has_lines(self) -> bool:
        """Say whether a row is a line of JSON."""
        return self.file.format == "jsonl"


def rewrite_landing(
    connection: Connection,
    landing: Path,
    contracts: Mapping[str, TableContract],
    scope: Scope,
    keeps_accounts: bool,
) -> Iterator[tuple[str, int]]:
    """Take the rows of a scope out of every landed file; yield source table and number per file.

    A file is replaced in one step and keeps its times, so that its rows arrived when they did. It
    is forgotten by the loader, which loads what is left of it. Of purchases the columns that the
    books need stay, if `keeps_accounts`. CSV files are UTF-8 afterwards.
    """
    for file in _files(landing, contracts):
        kept = file.contract.kept if keeps_accounts else frozenset()
        with tempfile.TemporaryDirectory() as folder:
            opened = _open(connection, file, as_utf8(file, Path(folder)))
            count = _rewrite(connection, opened, scope, kept)
        if count:
            yield file.contract.label, count


def drop_rows(connection: Connection, file: LandedFile, condition: Callable[[Opened], str]) -> int:
    """Take the rows that meet a condition out of a landed file; return how many are left."""
    with tempfile.TemporaryDirectory() as folder:
        opened = _open(connection, file, as_utf8(file, Path(folder)))
        rows = f"(select *, {condition(opened)} as _is_theirs from {VIEW})"
        counts = "count(*) filter (where _is_theirs), count(*) filter (where not _is_theirs)"
        due, left = connection.execute(f"select {counts} from {rows}")[0]
        if due:
            _replace(connection, opened, rows, frozenset())
    return int(left)


def _files(landing: Path, contracts: Mapping[str, TableContract]) -> list[LandedFile]:
    """Return the readable files about people; an unreadable one is for the scan to find."""
    for left in landing.rglob(".*.erasing"):
        left.unlink()
    try:
        files, _ = discover(landing, contracts)
    except LandingError:
        return []
    return [file for file in files if file.contract.ownerships and not file.problem]


def _open(connection: Connection, file: LandedFile, path: Path) -> Opened:
    query = scan(file, [path], has_line=True)
    connection.execute(f"create or replace temporary view {VIEW} as {query}")
    described = [
        (str(row[0]), str(row[1]).upper().replace(", ", ","))
        for row in connection.execute(f"describe {VIEW}")
    ]
    types = {name.lower(): data_type for name, data_type in described}
    columns = tuple(name for name, _ in described if name not in OWN_COLUMNS)
    return Opened(file, Reader(file.contract, VIEW, (file,), types), columns)


def _rewrite(connection: Connection, opened: Opened, scope: Scope, kept: frozenset[str]) -> int:
    rows = _marked(opened, scope, kept)
    count = int(connection.execute(f"select count(*) from {rows} where _is_theirs")[0][0])
    if count:
        _replace(connection, opened, rows, kept)
    return count


def _marked(opened: Opened, scope: Scope, kept: frozenset[str]) -> str:
    """Return a relation: the rows of a file, and whether they tell of somebody in the scope."""
    contract, reader = opened.file.contract, opened.reader
    spelling = {c.name: reader.cast(c) for c in contract.columns if c.name in reader.types}
    texts = [_quoted(name) for name in opened.columns]
    texts += ["_line"] if opened.has_lines else []
    is_theirs = scope.matches(contract, spelling, texts)
    if kept:
        # What was detached before tells nothing any more.
        told = [_quoted(name) for name in opened.columns if name.lower() not in kept]
        is_told = " or ".join(f"{column} is not null" for column in told) or "false"
        is_theirs = f"{is_theirs} and ({is_told})"
    return f"(select *, {is_theirs} as _is_theirs from {VIEW})"


def _replace(connection: Connection, opened: Opened, rows: str, kept: frozenset[str]) -> None:
    file = opened.file
    draft = file.path.with_name(f".{file.path.name}.erasing")
    stat = file.path.stat()
    try:
        if opened.has_lines:
            _write_lines(connection, draft, rows, kept)
        else:
            rest = "" if kept else "where not _is_theirs"
            query = f"select {_values(opened.columns, kept)} from {rows} {rest}"
            connection.execute(f"copy ({query}) to {_text(str(draft))} ({_options(file)})")
        shutil.copymode(file.path, draft)
        os.utime(draft, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with draft.open("rb") as handle:
            os.fsync(handle.fileno())
        draft.replace(file.path)
    finally:
        draft.unlink(missing_ok=True)
    if connection.table_exists("raw", "loaded_files"):
        connection.execute("delete from raw.loaded_files where file = ?", (file.name,))


def _values(columns: Sequence[str], kept: frozenset[str]) -> str:
    return ", ".join(
        _quoted(name)
        if not kept or name.lower() in kept
        else f"case when not _is_theirs then {_quoted(name)} end as {_quoted(name)}"
        for name in columns
    )


def _write_lines(connection: Connection, draft: Path, rows: str, kept: frozenset[str]) -> None:
    """Write whole lines; of a purchase that is detached an object with the kept fields."""
    fields = ", ".join(f"'{name}', json_extract(_line, '$.\"{name}\"')" for name in sorted(kept))
    detached = f"when _broken is null then cast(json_object({fields}) as varchar)" if kept else ""
    line = f"case when not _is_theirs then _line {detached} end"
    with draft.open("w", encoding="utf-8", newline="") as handle:
        # Not as a stream: that would be another connection, without the temporary tables.
        cursor = connection.raw.execute(f"select {line} as line from {rows}")
        while batch := cursor.fetchmany(BATCH_ROWS):
            handle.writelines(f"{text}\n" for (text,) in batch if text is not None)


def _options(file: LandedFile) -> str:
    if file.format == "parquet":
        return "format parquet"
    return f"format csv, header true, delimiter {_text(file.delimiter)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
