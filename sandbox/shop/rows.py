"""Hold the rows of one landed table together with the days on which they arrive."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.shop.draws import Draws, Flags, Integers, Keys
from sandbox.shop.schema import TableName

NOT_SUPERSEDED = 10**6


@dataclass(frozen=True)
class Rows:
    """Rows of one table; `arrived` and `superseded` are UTC day numbers.

    A row that is superseded by a newer version of the same key lacks in a back-fill made later.
    """

    table: TableName
    columns: dict[str, pa.Array]
    arrived: Integers
    superseded: Integers | None = None

    def __len__(self) -> int:
        return len(self.arrived)

    def kept(self, wanted: Flags) -> pa.Table:
        """Return the wanted rows as an Arrow table."""
        positions = pa.array(np.flatnonzero(wanted))
        return pa.table({name: column.take(positions) for name, column in self.columns.items()})

    def in_backfill(self, connected: int) -> Flags:
        """Tell which rows a back-fill made at the end of a day contains."""
        arrived = self.arrived <= connected
        return arrived if self.superseded is None else arrived & (self.superseded > connected)

    def repeated(self, draws: Draws, keys: Keys, share: float) -> "Rows":
        """Let a share of the rows arrive once more on the next day."""
        again = np.flatnonzero(draws.happens("/".join(self.table), keys, share))
        order = np.concatenate([np.arange(len(self)), again])
        positions = pa.array(order)
        arrived = self.arrived[order]
        arrived[len(self) :] += 1
        superseded = None
        if self.superseded is not None:
            superseded = self.superseded[order]
            superseded[len(self) :] = 0
        columns = {name: column.take(positions) for name, column in self.columns.items()}
        return Rows(self.table, columns, arrived, superseded)


def stacked(first: Rows, second: Rows) -> Rows:
    """Put rows of one table that nothing supersedes below each other."""
    columns = concatenated([first.columns, second.columns])
    return Rows(first.table, columns, np.concatenate([first.arrived, second.arrived]))


def superseding(entity: Integers | Keys, version: Integers, arrived: Integers) -> Integers:
    """Return the day on which a newer version of the same entity arrives."""
    order = np.lexsort((version, entity))
    is_same = entity[order][1:] == entity[order][:-1]
    later = np.where(is_same, arrived[order][1:], NOT_SUPERSEDED)
    result = np.full(len(entity), NOT_SUPERSEDED, dtype=np.int64)
    result[order[:-1]] = later
    return result


def concatenated(parts: list[dict[str, pa.Array]]) -> dict[str, pa.Array]:
    """Put columns of the same names below each other."""
    return {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}


def expanded(rows: Integers, count: Integers) -> tuple[Integers, Integers]:
    """Repeat every row as often as told; return the rows and their running number from 0."""
    first = np.cumsum(count) - count
    return np.repeat(rows, count), np.arange(int(count.sum())) - np.repeat(first, count)
