"""Write rows to the landing folder: one back-fill, then one partition per arrival day."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from sandbox.shop.calendar import day_of
from sandbox.shop.rows import Rows
from sandbox.shop.schema import TABLES, TableName, format_of

Daily = dict[tuple[TableName, int], list[pa.Table]]
ROW_GROUP = 250_000


@dataclass(frozen=True)
class Landing:
    """A landing folder; `connected`, `done` and `cut` are day numbers.

    Everything that arrived up to the day `connected` is one back-fill; every later day is a
    partition of its own. Days up to `done` are there already, the last to write is before `cut`.
    """

    folder: Path
    connected: int
    done: int
    cut: int

    def path(self, table: TableName, day: int, part: int) -> Path:
        """Return the file of one part of one partition."""
        source, name = table
        partition = f"arrived_on={day_of(day):%Y-%m-%d}"
        return self.folder / source / name / partition / f"part-{part:05d}.{format_of(table)}"

    def write_backfill(self, rows: Rows, part: int) -> int:
        """Write what a connector finds on the day it is switched on; return the rows written."""
        table = typed(rows.table, rows.kept(rows.in_backfill(self.connected)))
        count: int = table.num_rows
        if count:
            write(table, self.path(rows.table, self.connected, part))
        return count

    def daily(self, rows: Rows) -> dict[int, pa.Table]:
        """Return what arrives on each day that is still to be written."""
        is_later = (rows.arrived > self.done) & (rows.arrived < self.cut)
        later, arrived = rows.kept(is_later), rows.arrived[is_later]
        days = np.unique(arrived)
        plain = typed(rows.table, later)
        return {int(day): plain.take(pa.array(np.flatnonzero(arrived == day))) for day in days}

    def write_days(self, daily: Daily) -> dict[TableName, int]:
        """Write one partition per table and day; return rows per table."""
        counts: dict[TableName, int] = {}
        for (table, day), parts in sorted(daily.items()):
            rows = pa.concat_tables(parts)
            write(rows, self.path(table, day, 0))
            counts[table] = counts.get(table, 0) + rows.num_rows
        return counts


def typed(table: TableName, rows: pa.Table) -> pa.Table:
    """Put columns into the order and types of the contract."""
    types = TABLES[table]
    return rows.select(list(types)).cast(pa.schema(list(types.items())))


def write(table: pa.Table, path: Path) -> None:
    """Write one file; it appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    writer = {".csv": write_csv, ".jsonl": write_lines, ".parquet": write_parquet}[path.suffix]
    writer(table, draft)
    draft.replace(path)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write Parquet that reads back with plain types."""
    pq.write_table(
        table, path, store_schema=False, row_group_size=ROW_GROUP, store_decimal_as_integer=True
    )


def write_csv(table: pa.Table, path: Path) -> None:
    """Write comma separated values with a header; empty values are empty, times are ISO 8601."""
    moments = [
        column.cast(pa.timestamp("s")) if pa.types.is_timestamp(column.type) else column
        for column in table.columns
    ]
    options = pacsv.WriteOptions(quoting_style="needed")
    pacsv.write_csv(pa.table(moments, names=table.column_names), path, options)


def write_lines(table: pa.Table, path: Path) -> None:
    """Write one JSON object per line; times are ISO 8601."""
    with path.open("w", encoding="utf-8") as lines:
        for batch in table.to_batches(max_chunksize=50_000):
            for row in batch.to_pylist():
                lines.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


def write_truth(folder: Path, tables: Iterable[tuple[str, pa.Table]], part: int) -> None:
    """Write ground truth, one file per table and block."""
    for name, table in tables:
        write(table, folder / name / f"part-{part:05d}.parquet")
