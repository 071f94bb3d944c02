"""Apply the published version of a prediction, some customers at a time, and store the result."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile

import pandas as pd
import pyarrow as pa

from ml.prediction import Input, Model, Prediction, entity
from ml.registry import Registry
from orchestration.model_versions import read_pin
from orchestration.predicting import ALL, read_frames, read_training
from orchestration.warehouse import Connection

SQL_TYPES = {
    "str": "varchar",
    "int32": "bigint",
    "int64": "bigint",
    "float64": "double",
    "bool": "boolean",
    "datetime64[us]": "timestamp",
}
# Texts repeat, so that a result is a quarter as large with each of them written once.
ARROW_TYPES = {
    "str": pa.dictionary(pa.int32(), pa.string()),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "datetime64[us]": pa.timestamp("us"),
}
# Customers in memory at a time.
BATCH_CUSTOMERS = 50_000
COPY = """
create or replace temp table scoring_{name} as
select {columns}, hash({key}) % {count} as _batch from {relation} where {condition} order by _batch
"""
Batch = tuple[str, list[int]]


def score(
    connection: Connection,
    prediction: Prediction,
    models: Path,
    *,
    batch_customers: int = BATCH_CUSTOMERS,
) -> Iterator[pa.Table]:
    """Yield the result of the version that is pinned, else of the newest training's.

    Some customers at a time, so that memory does not grow with their number; nothing when the
    training was refused.
    """
    model = _published(connection, prediction, models)
    if model is None:
        return
    moment = pd.Timestamp.now("UTC")
    with _batched(connection, prediction, batch_customers) as (inputs, batches):
        for frames in _read_ahead(connection, inputs, batches):
            result = prediction.predict(model, frames, scored_at=moment)
            yield pa.Table.from_pandas(result, _schema(prediction), preserve_index=False)


@contextmanager
def spooled(
    results: Iterable[pa.Table], prediction: Prediction, folder: Path
) -> Iterator[pa.RecordBatchReader]:
    """Write results to a file that has no name, and yield a reader of all of them.

    A scoring then only reads the warehouse, and leaves nothing behind when it is killed.
    """
    schema = _schema(prediction)
    with TemporaryFile(dir=folder) as file:
        with pa.ipc.new_stream(file, schema) as stream:
            for table in results:
                stream.write_table(table)
        file.seek(0)
        with pa.ipc.open_stream(file) as reader:
            yield reader


def replace_result(
    connection: Connection, prediction: Prediction, rows: pa.RecordBatchReader
) -> None:
    """Replace the table of a prediction, columns and all, in one step."""
    columns = ", ".join(
        f"{name} {SQL_TYPES[column.dtype]}" for name, column in prediction.RESULT.items()
    )
    connection.execute("create schema if not exists ml")
    with connection.transaction():
        connection.execute(f"create or replace table ml.{prediction.NAME} ({columns})")
        connection.insert(f"ml.{prediction.NAME}", rows)


def count_rows(connection: Connection, prediction: Prediction) -> tuple[int, int]:
    """Return how many rows there are, of how many customers."""
    key = entity(prediction)
    found = connection.execute(f"select count(*), count(distinct {key}) from ml.{prediction.NAME}")
    return int(found[0][0]), int(found[0][1])


def count_result(connection: Connection, prediction: Prediction) -> dict[str, int]:
    """Count rows, distinct keys, and rows whose every value lies within its column's limits."""
    limits = [
        f"({name} is null or {name} {sign} {bound})"
        for name, column in prediction.RESULT.items()
        for sign, bound in ((">=", column.lowest), ("<=", column.highest))
        if bound is not None
    ]
    table = f"ml.{prediction.NAME}"
    found = connection.execute(
        f"select count(*), count(*) filter (where {' and '.join(limits) or 'true'}), "
        f"(select count(*) from (select distinct {', '.join(prediction.KEY)} from {table}) as keys)"
        f" from {table}"
    )[0]
    return dict(zip(("rows", "valid", "keys"), map(int, found), strict=True))


def _published(connection: Connection, prediction: Prediction, models: Path) -> Model | None:
    """Return the version that scores now; none where the training was refused."""
    training = read_training(connection, prediction.NAME)
    pin = read_pin(connection, prediction.NAME)
    if pin is not None:
        return Registry(models).load(prediction.NAME, pin.version, sha256=pin.sha256)
    if training["status"] == "refused":
        return None
    version, sha256 = training["model_version"], training["sha256"]
    return Registry(models).load(prediction.NAME, version, sha256=sha256)


@contextmanager
def _batched(
    connection: Connection, prediction: Prediction, size: int
) -> Iterator[tuple[Mapping[str, Input], list[Batch]]]:
    """Yield the inputs, and conditions that each hold for about `size` rows of the first of them.

    Together the conditions hold for every key there is, once. Where there are several, the inputs
    are temporary copies, sorted by batch: each row is then read twice, however many batches.
    """
    key, first = entity(prediction), next(iter(prediction.SCORING.values()))
    counted = f"select count(*) from {first.relation} where {first.condition}"
    count = -(-connection.execute(counted)[0][0] // size)
    if count < 2:
        yield prediction.SCORING, [(ALL, [])]
        return
    copies = {name: f"temp.scoring_{name}" for name in prediction.SCORING}
    try:
        for name, read in prediction.SCORING.items():
            told = {"columns": ", ".join(read.columns), "condition": read.condition, "key": key}
            connection.execute(COPY.format(name=name, relation=read.relation, count=count, **told))
        inputs = {
            name: replace(read, relation=copies[name], condition=ALL)
            for name, read in prediction.SCORING.items()
        }
        named = connection.execute(f"select distinct _batch from {next(iter(copies.values()))}")
        yield inputs, [("_batch = ?", [int(batch)]) for (batch,) in sorted(named)]
    finally:
        for copy in copies.values():
            connection.execute(f"drop table if exists {copy}")


def _read_ahead(
    connection: Connection, inputs: Mapping[str, Input], batches: list[Batch]
) -> Iterator[dict[str, pd.DataFrame]]:
    """Yield the inputs of each batch; the next one is read while a batch is worked on."""

    def read(batch: Batch) -> dict[str, pd.DataFrame]:
        return read_frames(connection, inputs, *batch)

    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(read, batches[0])
        for batch in batches[1:]:
            frames, coming = coming.result(), reader.submit(read, batch)
            yield frames
        yield coming.result()


def _schema(prediction: Prediction) -> pa.Schema:
    return pa.schema(
        [(name, ARROW_TYPES[column.dtype]) for name, column in prediction.RESULT.items()]
    )
