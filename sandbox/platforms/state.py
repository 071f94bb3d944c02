"""The platforms' shared memory: one SQLite file that survives restarts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Parameters = Sequence[Any]

REQUESTS = """
create table if not exists requests (
    id integer primary key autoincrement, occurred_at text, vendor text, method text, path text,
    status integer, count_rows integer, changed_state integer, milliseconds real,
    body_bytes integer, body_digest text, fault text);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the request log; it never holds a token, a query or a body."""

    occurred_at: str
    vendor: str
    method: str
    path: str
    status: int
    rows: int
    changed: bool
    milliseconds: float
    body_bytes: int
    body_digest: str
    fault: str | None


class Store:
    """One connection to the state; a request's changes are one transaction.

    Several servers may share a file: writers wait for each other. Durability against power loss
    is given up for speed (`synchronous=off`), durability against a killed process is not.
    """

    def __init__(self, database: Path, tables: Iterable[str]) -> None:
        database.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            database, timeout=30.0, isolation_level=None, check_same_thread=False
        )
        for pragma in (
            "journal_mode=wal",
            "synchronous=off",
            "cache_size=-131072",
            "wal_autocheckpoint=16384",
        ):
            self._connection.execute(f"pragma {pragma}")
        self._connection.executescript(REQUESTS + "".join(tables))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything done inside, or nothing of it when an exception passes."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        found: tuple[Any, ...] | None = self._connection.execute(sql, parameters).fetchone()
        return found

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """Return the first value of the first row; the query must return one."""
        return self._connection.execute(sql, parameters).fetchone()[0]

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute one statement and return how many rows it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: Iterable[Parameters]) -> int:
        """Execute one statement for many rows and return how many it changed."""
        return self._connection.executemany(sql, parameters).rowcount

    def insert(self, sql: str, parameters: Parameters = ()) -> int:
        """Insert one row and return its number."""
        return int(self._connection.execute(sql, parameters).lastrowid or 0)

    def log(self, entry: Entry) -> None:
        """Append one request to the log."""
        self.run(
            "insert into requests (occurred_at, vendor, method, path, status, count_rows,"
            " changed_state, milliseconds, body_bytes, body_digest, fault)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.occurred_at, entry.vendor, entry.method, entry.path, entry.status,
                entry.rows, entry.changed, entry.milliseconds, entry.body_bytes,
                entry.body_digest, entry.fault,
            ),
        )  # fmt: skip

    def reset(self) -> None:
        """Forget everything: audiences, members, jobs, requests."""
        with self.transaction():
            for (table,) in self.rows("select name from sqlite_master where type = 'table'"):
                self.run(f'delete from "{table}"')
