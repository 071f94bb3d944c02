"""Open the warehouse: short connections, one writer at a time, waiting when the file is held."""

import fcntl
import random
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

# A sync of a million rows commits many times; every checkpoint rewrites what it changed.
_CHECKPOINT = "256MB"


class WarehouseError(RuntimeError):
    """The warehouse cannot be used."""


class WarehouseBusy(WarehouseError):
    """Another process held the warehouse for longer than we wait."""


class DiskFull(WarehouseError):
    """The disk is full."""


class Connection:
    """An open DuckDB connection in the shape that activation asks for; one thread at a time."""

    def __init__(self, raw: duckdb.DuckDBPyConnection) -> None:
        self.raw = raw

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement with `?` placeholders and return all its rows."""
        with _explained():
            return self.raw.execute(sql, list(parameters)).fetchall()

    def stream(self, sql: str, batch_rows: int) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows of a query as Arrow batches; writes may go on meanwhile."""
        cursor = self.raw.cursor()
        try:
            yield from cursor.sql(sql).to_arrow_reader(batch_rows)
        finally:
            cursor.close()

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the rows of a query as a pandas frame; days as midnights, decimals as floats."""
        return to_frame(self.raw.sql(sql, params=list(parameters) or None).to_arrow_table())

    def insert(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Append Arrow rows to a table, matching columns by name."""
        self.raw.register("_incoming_rows", rows)
        try:
            self.execute(f"insert into {table} by name select * from _incoming_rows")
        finally:
            self.raw.unregister("_incoming_rows")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything done inside, or nothing when an exception leaves the block."""
        self.raw.begin()
        try:
            yield
        except BaseException:
            self.raw.rollback()
            raise
        with _explained():
            self.raw.commit()

    def table_exists(self, schema: str, name: str) -> bool:
        """Say whether a table or view exists."""
        found = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
        return bool(self.execute(found, (schema, name)))


@dataclass(frozen=True)
class Warehouse:
    """The DuckDB file behind the active dbt target.

    DuckDB lets one process write at a time. `writing` takes a lock file first, so that our own
    processes queue in order, and then retries on the database's own lock, which an outsider may
    hold. `lock_timeout` is in seconds; what does not fit into `memory_limit` (DuckDB's notation) is
    written to disk.
    """

    path: Path
    lock_timeout: float = 900.0
    on_wait: Callable[[], None] | None = None
    memory_limit: str = "40%"

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[Connection]:
        """Yield a connection; waits while another process holds the file."""
        raw = self._open(read_only)
        try:
            yield Connection(raw)
        finally:
            raw.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to write; dbt builds under it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as handle:
            self._wait_for(handle.fileno())
            yield

    def _wait_for(self, descriptor: int) -> None:
        deadline, told = time.monotonic() + self.lock_timeout, False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WarehouseBusy(_busy_message(self.path)) from None
            if not told and self.on_wait:
                self.on_wait()
            told = True
            time.sleep(0.2)

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline, delay = time.monotonic() + self.lock_timeout, 0.05
        while True:
            is_new = not self.path.exists()
            try:
                raw = duckdb.connect(str(self.path), read_only=read_only)
                if is_new:
                    # Contact data in clear: for whoever runs this, and for nobody beside.
                    self.path.chmod(0o600)
                raw.execute("set TimeZone = 'UTC'")
                raw.execute(f"set memory_limit = '{self.memory_limit}'")
                raw.execute(f"set checkpoint_threshold = '{_CHECKPOINT}'")
                return raw
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise WarehouseError(_open_message(self.path, read_only)) from error
                if time.monotonic() > deadline:
                    raise WarehouseBusy(_busy_message(self.path)) from None
            time.sleep(delay * (1 + random.random()))  # noqa: S311 - spreads waiting processes
            delay = min(delay * 2, 2.0)


def to_frame(rows: pa.Table) -> Any:
    """Return Arrow rows as a pandas frame; days as midnights, decimals as floats."""
    plain = pa.schema([(one.name, _plain(one.type)) for one in rows.schema])
    return rows.cast(plain).to_pandas()


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type that pandas calculates with, instead of keeping Python objects."""
    if pa.types.is_date(kind):
        return pa.timestamp("us")
    return pa.float64() if pa.types.is_decimal(kind) else kind


@contextmanager
def _explained() -> Iterator[None]:
    """Turn a full disk into an error that says so."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException) as error:
        if is_disk_full(str(error)):
            msg = "The disk is full. Free some space or move REGULARS_HOME, then run again."
            raise DiskFull(msg) from error
        raise


def is_disk_full(message: str) -> bool:
    """Say whether an engine's message means that no space is left."""
    signs = ("no space left", "disk full", "file too large", "max_temp_directory_size")
    return any(sign in message.lower() for sign in signs)


def _busy_message(path: Path) -> str:
    return (
        f"Another process keeps {path.name} open. Close it (a BI tool? open serving.duckdb "
        "instead) and run again."
    )


def _open_message(path: Path, read_only: bool) -> str:
    if read_only and not path.exists():
        return f"There is no warehouse at {path} yet. Run `regulars demo` first."
    return f"{path} cannot be opened as a DuckDB file. Move it away to start afresh."
