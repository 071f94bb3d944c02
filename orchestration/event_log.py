"""Keep Dagster's event log in its own SQLite files, without opening them anew for every event."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from dagster import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import QueuePool

# Each run has a file; a web server that shows many of them must not keep them all open.
MOST_OPEN_FILES = 8


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log with one engine per file instead of one per statement.

    Files and tables are Dagster's own, so its storage can be put back at any time. A run of a few
    hundred assets writes thousands of statements; setting up an engine for each, and compiling the
    statement anew, takes longer than writing it. So does asking before every event whether a table
    or a column is there: what has been found once is not asked for again.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._found: set[str] = set()
        # What a batch writes to, by file, and the thread that writes it and holds the lock.
        self._begun: dict[str, Connection] = {}
        self._batch_thread: int | None = None
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledSqliteEventLogStorage":
        """Return the storage that dagster.yaml describes."""
        return cls(inst_data=inst_data, **config_value)

    def dispose(self) -> None:
        """Close all files."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Write events in one transaction per file: all of them or, with an exception, none."""
        with self._db_lock, ExitStack() as stack:
            stack.callback(self._end_batch)
            self._batch_thread = threading.get_ident()
            for shard in dict.fromkeys([*(event.run_id for event in events), INDEX_SHARD_NAME]):
                self._begun[shard] = stack.enter_context(self._begin(shard))
            for event in events:
                self.store_event(event)

    def has_table(self, table_name: str) -> bool:
        """Say whether the index has a table."""
        if table_name not in self._found and super().has_table(table_name):
            self._found.add(table_name)
        return table_name in self._found

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        name = f"asset_keys.{column_name}"
        if name not in self._found and super()._has_asset_key_col_on_connection(conn, column_name):
            self._found.add(name)
        return name in self._found

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        if self._batch_thread == threading.get_ident():
            yield self._begun[shard]
            return
        with self._db_lock, self._begin(shard) as connection:
            yield connection

    @contextmanager
    def _begin(self, shard: str) -> Iterator[Connection]:
        with self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _end_batch(self) -> None:
        self._batch_thread = None
        self._begun.clear()

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            if len(self._engines) >= MOST_OPEN_FILES:
                self._engines.popitem(last=False)[1].dispose()
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                connect_args={
                    "timeout": SQLITE_BUSY_TIMEOUT_SECONDS,
                    "check_same_thread": False,
                },
            )
            event.listen(engine, "connect", _write_without_waiting_for_the_disk)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        return self._engines[shard]


def _write_without_waiting_for_the_disk(raw: Any, _: Any) -> None:
    """A killed process loses nothing; a power failure at worst the last events of a run."""
    raw.execute("pragma synchronous = normal")
