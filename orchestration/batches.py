"""Read and score some customers at a time, each row once and several batches side by side."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.prediction import Input
from orchestration.predicting import read_frames
from orchestration.warehouse import Connection, to_frame

SORTED = """
select {columns}, cast(hash({key}) % {count} as uinteger) as _batch
from {relation} where {condition} order by _batch
"""
ROWS_AT_ONCE = 100_000
Part = tuple[int, pa.Table]
Result = TypeVar("Result")
Batches = Generator[dict[str, pd.DataFrame], None, None]


def batched(connection: Connection, inputs: Mapping[str, Input], key: str, size: int) -> Batches:
    """Yield frames of about `size` keys of the first input each, with all rows of these keys.

    Every key is in one batch. Where there are several, a hash of the key decides in which, and each
    input is one query in the order of batches: no row is read twice and none is stored. An only
    input with a row per key is read as it lies.
    """
    name, first = next(iter(inputs.items()))
    rows, keys = _count(connection, first, key, is_only=len(inputs) == 1)
    count = -(-rows // size)
    if count < 2:
        yield read_frames(connection, inputs)
        return
    if keys == rows:
        yield from _in_any_order(connection, name, first, size)
        return
    nothing = read_frames(connection, inputs, "false")
    with ExitStack() as open_streams:
        parts = {
            name: open_streams.enter_context(closing(_parts(connection, read, key, count)))
            for name, read in inputs.items()
        }
        yield from _side_by_side(parts, nothing)


def _count(connection: Connection, read: Input, key: str, *, is_only: bool) -> tuple[int, int]:
    """Return the rows of an input, and its keys where it is the only one, else -1."""
    keys = f"count(distinct {key})" if is_only else "-1"
    counted = f"select count(*), {keys} from {read.relation} where {read.condition}"
    found = connection.execute(counted)[0]
    return int(found[0]), int(found[1])


def _in_any_order(connection: Connection, name: str, read: Input, size: int) -> Batches:
    """Yield the rows of an input as they come."""
    sql = f"select {', '.join(read.columns)} from {read.relation} where {read.condition}"
    with closing(connection.stream(sql, size)) as stream:
        for rows in stream:
            yield {name: to_frame(pa.Table.from_batches([rows]))}


def worked_on(
    batches: Iterator[dict[str, pd.DataFrame]],
    work: Callable[[dict[str, pd.DataFrame]], Result],
    *,
    at_once: int,
) -> Generator[Result, None, None]:
    """Yield what the work makes of each batch, in their order, so many batches at once.

    Meanwhile the next batch is read. Threads are enough: numpy and Arrow let each other go on, and
    hold the interpreter for less than half of the time. In memory are `at_once` batches, one that
    was read ahead and one result.
    """
    with ThreadPoolExecutor(at_once) as workers, ThreadPoolExecutor(1) as reader:
        coming, begun = reader.submit(next, batches, None), deque[Future[Result]]()
        while (frames := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            begun.append(workers.submit(work, frames))
            del frames
            if len(begun) == at_once:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def _side_by_side(
    parts: Mapping[str, Iterator[Part]], nothing: Mapping[str, pd.DataFrame]
) -> Batches:
    """Yield the parts of equal number together; those that the first input lacks are left out."""
    first, *others = parts
    ahead = {name: next(parts[name], None) for name in others}
    for number, table in parts[first]:
        frames = {first: to_frame(table)}
        for name in others:
            while (part := ahead[name]) is not None and part[0] < number:
                ahead[name] = next(parts[name], None)
            is_there = part is not None and part[0] == number
            frames[name] = to_frame(part[1]) if part and is_there else nothing[name]
        yield frames


def _parts(
    connection: Connection, read: Input, key: str, count: int
) -> Generator[Part, None, None]:
    """Yield the rows of each batch that has some, with its number, in the order of numbers."""
    sql = SORTED.format(
        columns=", ".join(read.columns), key=key, count=count,
        relation=read.relation, condition=read.condition,
    )  # fmt: skip
    number, gathered = -1, list[pa.RecordBatch]()
    with closing(connection.stream(sql, ROWS_AT_ONCE)) as stream:
        for rows in stream:
            numbers = rows.column("_batch").to_numpy()
            starts = np.flatnonzero(np.append(len(numbers) > 0, numbers[1:] != numbers[:-1]))
            ends = np.append(starts[1:], len(numbers))[: len(starts)]
            for start, end in zip(starts, ends, strict=True):
                if numbers[start] != number and gathered:
                    yield number, pa.Table.from_batches(gathered)
                    gathered = []
                number = int(numbers[start])
                gathered.append(rows.slice(start, end - start).drop_columns(["_batch"]))
    if gathered:
        yield number, pa.Table.from_batches(gathered)
