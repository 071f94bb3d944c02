"""Say what activation needs of a warehouse; orchestration provides it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa


class Connection(Protocol):
    """An open warehouse connection; one thread uses it at a time."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement with `?` placeholders and return all its rows."""
        ...

    def stream(self, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query as Arrow batches of at most `batch_rows` rows.

        What is committed counts. Another thread than the connection's may ask.
        """
        ...

    def insert(self, table: str, rows: pa.Table) -> None:
        """Append Arrow rows to a table, matching columns by name."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit everything done inside, or nothing when an exception leaves the block."""
        ...

    def table_exists(self, schema: str, name: str) -> bool:
        """Say whether a table or view exists."""
        ...
