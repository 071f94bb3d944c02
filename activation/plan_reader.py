"""Read a sealed plan's batches, many by one question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from activation.connection import Connection
from activation.destinations.base import Operation, Row, Written
from activation.destinations.row_texts import RowText
from activation.planned_rows import PlannedRows, ReadValues, written_rows
from activation.recheck import Recheck
from activation.statements import literal, render

WINDOW_ROWS = 50_000
_CHUNK_ROWS = 10_000

_UPSERTS = """
select
    upsert_batch as batch, row_number, payload as content, row_key, version,
    {row_text} || ',' as written
from (
    select upsert_batch, row_number, payload, row_key, version, {values} as field_values
    from ledger.plan_rows
    where
        run_id = {run_id}
        and upsert_batch between {first} and {last}
        and state = 'planned'
) as due
"""

_REMOVALS = """
select
    removal_batch as batch, row_number, held_identifiers as content, stale,
    ledger_key as row_key, version
from ledger.plan_rows
where
    run_id = {run_id}
    and removal_batch between {first} and {last}
    and state = 'planned'
"""


class Upserts(NamedTuple):
    """The rows of a batch to be sent, as texts too, and by number why others may not be any more.

    `written` is None when the warehouse writes no texts for this destination.
    """

    rows: PlannedRows | tuple[()] = ()
    written: Written | None = None
    blocked: Mapping[int, str] = {}


@dataclass
class PlanReader:
    """The rows of a run's batches; what is read beforehand stays in memory until it is asked for.

    `read_values` makes the values of a row to be sent out of their JSON text; `row_text` says how
    the warehouse writes a row as it stands in a request, if it can.
    """

    connection: Connection
    recheck: Recheck
    run_id: str
    batch_rows: Mapping[Operation, int]
    read_values: ReadValues = orjson.loads
    row_text: RowText | None = None
    _operation: Operation | None = None
    _batches: range = range(0)
    _columns: dict[int, pa.Table] = field(default_factory=dict, repr=False)

    def count_batches(self, operation: Operation) -> int:
        """Return how many batches of an operation the plan has."""
        name = "removal_batch" if operation == "remove" else "upsert_batch"
        statement = f"select coalesce(max({name}) + 1, 0) from ledger.plan_rows where run_id = ?"
        return int(self.connection.execute(statement, (self.run_id,))[0][0])

    def removals(self, number: int) -> PlannedRows | tuple[Row, ...]:
        """Return the rows of a batch of removals."""
        found = self._read("remove", number)
        return () if found is None else PlannedRows(found, orjson.loads)

    def upserts(self, number: int) -> Upserts:
        """Return a batch's rows to be sent, and which others may not be any more."""
        reasons = self.recheck.blocked(number)
        found = self._read("upsert", number)
        if found is None:
            return Upserts()
        blocked: dict[int, str] = {}
        if reasons:
            numbers = found.column("row_number").to_pylist()
            blocked = {row: reasons[row] for row in numbers if row in reasons}
            found = found.filter(pa.array([row not in blocked for row in numbers]))
        written = written_rows(found, self.read_values) if self.row_text else None
        return Upserts(PlannedRows(found, self.read_values), written, blocked)

    def _read(self, operation: Operation, number: int) -> pa.Table | None:
        """Return the columns of a batch, or None when no row of it is left to be sent."""
        if operation != self._operation or number not in self._batches:
            self._operation = operation
            count = max(1, WINDOW_ROWS // self.batch_rows[operation])
            self._batches = range(number, number + count)
            self._columns = self._window(_REMOVALS if operation == "remove" else _UPSERTS)
        return self._columns.pop(number, None)

    def _window(self, template: str) -> dict[int, pa.Table]:
        """Return the columns of all batches that are read at once, by batch."""
        text = self.row_text or RowText("cast(null as varchar)")
        statement = render(
            template,
            run_id=literal(self.run_id),
            first=self._batches[0],
            last=self._batches[-1],
            row_text=text.text,
            values=text.values,
        )
        parts = list(self.connection.stream(statement, _CHUNK_ROWS))
        if not parts:
            return {}
        rows = _in_order(pa.Table.from_batches(parts))
        batches = rows.column("batch").to_numpy()
        starts = [0, *(np.flatnonzero(np.diff(batches)) + 1).tolist()]
        return {
            int(batches[start]): rows.slice(start, end - start)
            for start, end in zip(starts, [*starts[1:], len(batches)], strict=True)
        }


def _in_order(rows: pa.Table) -> pa.Table:
    """Sort rows by their numbers; a plan is written in this order, so that few ever are sorted."""
    is_sorted = (np.diff(rows.column("row_number").to_numpy()) > 0).all()
    return rows if is_sorted else rows.sort_by("row_number")
