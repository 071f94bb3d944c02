"""Keep the rows of a batch as Arrow columns until somebody asks for one of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from typing import Any

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
    texts = columns.column("written")
    has_text = pc.is_valid(texts)
    others = columns.filter(pc.invert(has_text)) if texts.null_count else columns.slice(0, 0)
    named = columns.filter(has_text) if texts.null_count else columns
    array = named.column("written").cast(pa.string()).combine_chunks()
    longest = pc.max(pc.binary_length(array)).as_py() or 1
    numbers = tuple(named.column("row_number").to_pylist())
    return Written(numbers, _joined(array), longest - 1, PlannedRows(others, read_values))


def _joined(texts: pa.StringArray) -> bytes:
    """Return the texts of an array, which stand one after another in memory, as one piece."""
    _, places, characters = texts.buffers()
    if not len(texts) or characters is None:
        return b""
    first, last = (
        memoryview(places).cast("i")[place] for place in (texts.offset, texts.offset + len(texts))
    )
    return bytes(memoryview(characters)[first : last - 1])
