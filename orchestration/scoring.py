"""Apply the published version of a prediction, some customers at a time, and store the result."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import pandas as pd
import pyarrow as pa

from ml.prediction import Model, Prediction, entity
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
ARROW_TYPES = {
    "str": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "datetime64[us]": pa.timestamp("us"),
}
# Customers in memory at a time.
BATCH_CUSTOMERS = 50_000
# Edges of batches come from every so many-th row: near enough, and a hundredth of all to sort.
SAMPLE_PER_BATCH = 500
EDGES = """
with numbered as (
    select {key} as name, row_number() over () as number from {relation} where {condition}
),
sampled as (select name from numbered where (number - 1) % {step} = 0),
ranked as (select name, row_number() over (order by name) as place from sampled)
select distinct name from ranked where (place - 1) % {places} = 0 order by name
"""


def score(
    connection: Connection,
    prediction: Prediction,
    models: Path,
    *,
    batch_customers: int = BATCH_CUSTOMERS,
) -> Iterator[pd.DataFrame]:
    """Yield the result of the version that is pinned, else of the newest training's.

    Some customers at a time, so that memory does not grow with their number; nothing when the
    training was refused.
    """
    model = _published(connection, prediction, models)
    if model is None:
        return
    moment = pd.Timestamp.now("UTC")
    for frames in _read_ahead(connection, prediction, batch_customers):
        yield prediction.predict(model, frames, scored_at=moment)


@contextmanager
def spooled(
    frames: Iterable[pd.DataFrame], prediction: Prediction, folder: Path
) -> Iterator[pa.RecordBatchReader]:
    """Write results to a file that has no name, and yield a reader of all of them.

    A scoring then only reads the warehouse, and leaves nothing behind when it is killed.
    """
    schema = _schema(prediction)
    with TemporaryFile(dir=folder) as file:
        with pa.ipc.new_stream(file, schema) as stream:
            for frame in frames:
                stream.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))
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


def _read_ahead(
    connection: Connection, prediction: Prediction, size: int
) -> Iterator[dict[str, pd.DataFrame]]:
    """Yield the inputs of each batch; the next one is read while a batch is worked on."""

    def read(batch: tuple[str, list[str]]) -> dict[str, pd.DataFrame]:
        return read_frames(connection, prediction.SCORING, *batch)

    batches = list(_batches(connection, prediction, size))
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(read, batches[0])
        for batch in batches[1:]:
            frames, coming = coming.result(), reader.submit(read, batch)
            yield frames
        yield coming.result()


def _batches(
    connection: Connection, prediction: Prediction, size: int
) -> Iterator[tuple[str, list[str]]]:
    """Yield conditions that each hold for about `size` rows of the first input, and their values.

    Together they hold for every key there is, once.
    """
    key, first = entity(prediction), next(iter(prediction.SCORING.values()))
    step = max(size // SAMPLE_PER_BATCH, 1)
    edges_of = {"relation": first.relation, "condition": first.condition, "step": step}
    found = connection.execute(EDGES.format(key=key, places=size // step, **edges_of))
    edges = [str(name) for (name,) in found][1:]
    for start, end in zip([None, *edges], [*edges, None], strict=True):
        bounds = [(f"{key} >= ?", start), (f"{key} < ?", end)]
        given = [(condition, value) for condition, value in bounds if value is not None]
        yield " and ".join(condition for condition, _ in given) or ALL, [v for _, v in given]


def _schema(prediction: Prediction) -> pa.Schema:
    return pa.schema(
        [(name, ARROW_TYPES[column.dtype]) for name, column in prediction.RESULT.items()]
    )
