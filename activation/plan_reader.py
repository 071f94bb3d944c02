"""Read a sealed plan's batches, many by one question."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import groupby, repeat
from typing import Any

import orjson

from activation.connection import Connection
from activation.destinations.base import Operation, Row
from activation.recheck import Recheck
from activation.statements import literal, render

WINDOW_ROWS = 50_000

_UPSERTS = """
select upsert_batch, row_number, payload, row_key, version from ledger.plan_rows
where
    run_id = {run_id}
    and upsert_batch between {first} and {last}
    and state = 'planned'
order by row_number
"""

_REMOVALS = """
select removal_batch, row_number, held_identifiers, stale, ledger_key, version
from ledger.plan_rows
where
    run_id = {run_id}
    and removal_batch between {first} and {last}
    and state = 'planned'
order by row_number
"""


@dataclass
class PlanReader:
    """The rows of a run's batches; what is read beforehand stays in memory until it is asked for.

    `read_values` makes the values of a row to be sent out of their JSON text.
    """

    connection: Connection
    recheck: Recheck
    run_id: str
    batch_rows: Mapping[Operation, int]
    read_values: Callable[[str], Mapping[str, Any]] = orjson.loads
    _operation: Operation | None = None
    _batches: range = range(0)
    _columns: dict[int, list[list[Any]]] = field(default_factory=dict, repr=False)

    def count_batches(self, operation: Operation) -> int:
        """Return how many batches of an operation the plan has."""
        name = "removal_batch" if operation == "remove" else "upsert_batch"
        statement = f"select coalesce(max({name}) + 1, 0) from ledger.plan_rows where run_id = ?"
        return int(self.connection.execute(statement, (self.run_id,))[0][0])

    def removals(self, number: int) -> tuple[Row, ...]:
        """Return the rows of a batch of removals."""
        return tuple(
            Row(row, orjson.loads(values), frozenset(stale.split(",")) - {""}, *known)
            for row, values, stale, *known in zip(*self._read("remove", number), strict=True)
        )

    def upserts(self, number: int) -> tuple[tuple[Row, ...], dict[int, str]]:
        """Return a batch's rows to be sent, and by number why others may not be any more."""
        reasons = self.recheck.blocked(number)
        found = self._read("upsert", number)
        if not found:
            return (), {}
        rows, texts, keys, versions = found
        values = map(self.read_values, texts)
        made = map(Row, rows, values, repeat(frozenset[str]()), keys, versions)
        blocked = {row: reasons[row] for row in reasons.keys() & set(rows)} if reasons else {}
        if blocked:
            return tuple(row for row in made if row.number not in blocked), blocked
        return tuple(made), blocked

    def _read(self, operation: Operation, number: int) -> list[list[Any]]:
        """Return the columns of a batch; nothing when no row of it is left to be sent."""
        if operation != self._operation or number not in self._batches:
            self._operation = operation
            count = max(1, WINDOW_ROWS // self.batch_rows[operation])
            self._batches = range(number, number + count)
            self._columns = self._window(_REMOVALS if operation == "remove" else _UPSERTS)
        return self._columns.pop(number, [])

    def _window(self, template: str) -> dict[int, list[list[Any]]]:
        """Return the columns of all batches that are read at once, by batch."""
        first, last = self._batches[0], self._batches[-1]
        statement = render(template, run_id=literal(self.run_id), first=first, last=last)
        parts = list(self.connection.stream(statement, WINDOW_ROWS))
        if not parts:
            return {}
        batches, *columns = (
            [value for part in parts for value in part.column(place).to_pylist()]
            for place in range(parts[0].num_columns)
        )
        found, start = {}, 0
        for batch, group in groupby(batches):
            end = start + sum(1 for _ in group)
            found[batch] = [column[start:end] for column in columns]
            start = end
        return found
