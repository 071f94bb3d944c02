"""Read a sealed plan's batches, many by one question."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from activation.connection import Connection
from activation.destinations.base import Operation, Row, Written
from activation.destinations.row_texts import RowText
from activation.planned_rows import PlannedRows, ReadValues, integers, written_rows
from activation.recheck import Recheck
from activation.statements import literal, render

WINDOW_ROWS = 25_000
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


class Window(NamedTuple):
    """Neighbouring batches of an operation, and their columns by batch once they are read."""

    operation: Operation
    batches: range
    columns: Future[dict[int, pa.Table]]


@dataclass
class PlanReader:
    """The rows of a run's batches; what is read beforehand stays in memory until it is asked for.

    A thread of its own reads the next window while the batches of one are sent. What it reads was
    sealed; whether a row may still be sent is asked when its batch is. `read_values` makes the
    values of a row to be sent out of their JSON text; `row_text` says how the warehouse writes a
    row as it stands in a request, if it can. Close the reader, even when it failed.
    """

    connection: Connection
    recheck: Recheck
    run_id: str
    batch_rows: Mapping[Operation, int]
    read_values: ReadValues = orjson.loads
    row_text: RowText | None = None
    _counts: dict[Operation, int] = field(default_factory=dict)
    _window: Window | None = field(default=None, repr=False)
    _next: Window | None = field(default=None, repr=False)
    _thread: ThreadPoolExecutor = field(default_factory=partial(ThreadPoolExecutor, 1, "plan"))

    def close(self) -> None:
        """Wait for the window that is being read, and read no other."""
        self._thread.shutdown(cancel_futures=True)

    def count_batches(self, operation: Operation) -> int:
        """Return how many batches of an operation the plan has."""
        name = "removal_batch" if operation == "remove" else "upsert_batch"
        statement = f"select coalesce(max({name}) + 1, 0) from ledger.plan_rows where run_id = ?"
        self._counts[operation] = int(self.connection.execute(statement, (self.run_id,))[0][0])
        return self._counts[operation]

    def removals(self, number: int) -> PlannedRows | tuple[Row, ...]:
        """Return the rows of a batch of removals."""
        found = self._window_with("remove", number).columns.result().pop(number, None)
        return () if found is None else PlannedRows(found, orjson.loads)

    def upserts(self, number: int) -> Upserts:
        """Return a batch's rows to be sent, and which others may not be any more."""
        window = self._window_with("upsert", number)
        reasons = self.recheck.blocked(number)
        found = window.columns.result().pop(number, None)
        if found is None:
            return Upserts()
        blocked: dict[int, str] = {}
        if reasons:
            numbers = found.column("row_number").to_pylist()
            blocked = {row: reasons[row] for row in numbers if row in reasons}
            found = found.filter(pa.array([row not in blocked for row in numbers]))
        written = written_rows(found, self.read_values) if self.row_text else None
        return Upserts(PlannedRows(found, self.read_values), written, blocked)

    def _window_with(self, operation: Operation, number: int) -> Window:
        """Return the window that a batch is in, which need not be read yet.

        It has no columns for a batch of which no row is left to be sent.
        """
        window = self._window
        if window is None or window.operation != operation or number not in window.batches:
            window = self._window = self._turn_to(operation, number)
        return window

    def _turn_to(self, operation: Operation, number: int) -> Window:
        """Return the window that begins with a batch, and have the one behind it read."""
        window, self._next = self._next, None
        if window is None or (window.operation, window.batches.start) != (operation, number):
            window = self._begin(operation, number)
        if window.batches.stop < self._counts.get(operation, 0):
            self._next = self._begin(operation, window.batches.stop)
        return window

    def _begin(self, operation: Operation, first: int) -> Window:
        batches = range(first, first + max(1, WINDOW_ROWS // self.batch_rows[operation]))
        template = _REMOVALS if operation == "remove" else _UPSERTS
        return Window(operation, batches, self._thread.submit(self._columns, template, batches))

    def _columns(self, template: str, batches: range) -> dict[int, pa.Table]:
        """Return the columns of all batches that are read at once, by batch."""
        text = self.row_text or RowText("cast(null as varchar)")
        statement = render(
            template,
            run_id=literal(self.run_id),
            first=batches[0],
            last=batches[-1],
            row_text=text.text,
            values=text.values,
        )
        parts = list(self.connection.stream(statement, _CHUNK_ROWS))
        if not parts:
            return {}
        rows = _in_order(pa.Table.from_batches(parts))
        found = integers(rows.column("batch"))
        starts = [0, *(np.flatnonzero(np.diff(found)) + 1).tolist()]
        return {
            int(found[start]): rows.slice(start, end - start)
            for start, end in zip(starts, [*starts[1:], len(found)], strict=True)
        }


def _in_order(rows: pa.Table) -> pa.Table:
    """Sort rows by their numbers; a plan is written in this order, so that few ever are sorted."""
    is_sorted = (np.diff(integers(rows.column("row_number"))) > 0).all()
    return rows if is_sorted else rows.sort_by("row_number")
