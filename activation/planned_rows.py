"""Keep the rows of a batch as Arrow columns until somebody asks for one of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from activation.destinations.base import Row, Written

ReadValues = Callable[[str], Mapping[str, Any]]


class PlannedRows(Sequence[Row]):
    """The rows of a batch, made out of their columns when the first of them is asked for.

    The columns are `row_number`, `content` (the values as JSON text), `row_key`, `version` and, of
    removals, `stale`. The representation hides all values.
    """

    def __init__(self, columns: pa.Table, read_values: ReadValues) -> None:
        self._columns = columns
        self._read_values = read_values

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._columns.num_rows)

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in the order of their numbers."""
        return iter(self._rows)

    def __getitem__(self, index: Any) -> Any:
        """Return one row, or a tuple of several."""
        return self._rows[index]

    def __repr__(self) -> str:
        return f"PlannedRows({len(self)} rows)"

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        numbers, contents, keys, versions = (
            self._columns.column(name).to_pylist()
            for name in ("row_number", "content", "row_key", "version")
        )
        values = map(self._read_values, contents)
        return tuple(map(Row, numbers, values, self._stale(), keys, versions))

    def _stale(self) -> Iterator[frozenset[str]]:
        if "stale" not in self._columns.column_names:
            return repeat(frozenset())
        names = self._columns.column("stale").to_pylist()
        return (frozenset(text.split(",")) - {""} for text in names)


def written_rows(columns: pa.Table, read_values: ReadValues) -> Written:
    """Return the rows of a batch as the texts in the column `written`, which end with a comma."""
    others = columns.slice(0, 0)
    if columns.column("written").null_count:
        has_text = columns.column("written").is_valid()
        others = columns.filter(pc.invert(has_text))
        columns = columns.filter(has_text)
    numbers = tuple(integers(columns.column("row_number")).tolist())
    texts, longest = _joined(columns.column("written"))
    return Written(numbers, texts, longest, PlannedRows(others, read_values))


def integers(column: pa.ChunkedArray) -> np.ndarray:
    """Return the numbers of a column without nulls; pyarrow's own way loads pandas first."""
    return np.from_dlpack(column.combine_chunks())


def _joined(column: pa.ChunkedArray) -> tuple[bytes, int]:
    """Return the texts of a column, which stand one after another in memory, and the longest."""
    texts = (column if column.type == pa.string() else column.cast(pa.string())).combine_chunks()
    _, places, characters = texts.buffers()
    if not len(texts) or characters is None:
        return b"", 0
    ends = np.frombuffer(places, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return bytes(memoryview(characters)[ends[0] : ends[-1] - 1]), int(np.diff(ends).max()) - 1
