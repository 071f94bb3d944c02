"""Apply the published version of a prediction, some customers at a time, and store the result."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pandas as pd
import pyarrow as pa

from ml.errors import FeatureError
from ml.prediction import Model, Prediction, entity
from ml.registry import Registry
from orchestration.batches import batched, worked_on
from orchestration.model_versions import Pin, read_pin
from orchestration.predicting import DATA_ERRORS, lacking, read_training
from orchestration.warehouse import Connection

SQL_TYPES = {
    "str": "varchar",
    "category": "varchar",
    "int32": "bigint",
    "int64": "bigint",
    "float64": "double",
    "bool": "boolean",
    "datetime64[us]": "timestamp",
}
# Texts repeat, so that a result is a quarter as large with each of them written once.
ARROW_TYPES = {
    "str": pa.dictionary(pa.int32(), pa.string()),
    "category": pa.dictionary(pa.int32(), pa.string()),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "datetime64[us]": pa.timestamp("us"),
}
# Customers in a batch, and batches that are scored at once: more of them would need more memory.
BATCH_CUSTOMERS = 50_000
AT_ONCE = 2


def score(
    connection: Connection,
    prediction: Prediction,
    models: Path,
    *,
    batch_customers: int = BATCH_CUSTOMERS,
) -> Iterator[pa.Table]:
    """Yield the result of the version that is pinned, else of the newest training's.

    Some customers at a time, so that memory does not grow with their number; nothing when the
    training was refused. Raises FeatureError, HistoryError or LabelError, with the remedy, where a
    column is gone or what is read breaks its contract.
    """
    pin = read_pin(connection, prediction.NAME)
    model = _published(connection, prediction, models, pin)
    if model is None:
        return
    try:
        yield from _apply(connection, prediction, model, batch_customers)
    except DATA_ERRORS as error:
        if pin is None:
            raise
        remedy = f"`regulars rollback {prediction.NAME} --release` lets the newest one score."
        raise FeatureError(f"{error} Version {pin.version} is pinned; {remedy}") from error


def _apply(
    connection: Connection, prediction: Prediction, model: Model, batch_customers: int
) -> Iterator[pa.Table]:
    """Yield what a model makes of each batch."""
    gone = lacking(connection, prediction.SCORING)
    if gone:
        raise FeatureError(" ".join(gone))
    moment = pd.Timestamp.now("UTC")
    batches = batched(connection, prediction.SCORING, entity(prediction), batch_customers)

    def scored(frames: dict[str, pd.DataFrame]) -> pa.Table:
        result = prediction.predict(model, frames, scored_at=moment)
        return pa.Table.from_pandas(result, _schema(prediction), preserve_index=False)

    with closing(batches), closing(worked_on(batches, scored, at_once=AT_ONCE)) as results:
        yield from results


@dataclass(frozen=True)
class Scored:
    """The rows of a scoring; none, and why, where it was refused."""

    rows: pa.RecordBatchReader
    refusal: str | None


@contextmanager
def spooled(results: Iterable[pa.Table], prediction: Prediction, folder: Path) -> Iterator[Scored]:
    """Write results to a file that has no name, and yield a reader of all of them.

    A scoring then only reads the warehouse, and leaves nothing behind when it is killed. What is
    wrong with the data is a refusal, as in training: then there is no row at all.
    """
    schema = _schema(prediction)
    with TemporaryFile(dir=folder) as file:
        try:
            with pa.ipc.new_stream(file, schema) as stream:
                for table in results:
                    stream.write_table(table)
            refusal = None
        except DATA_ERRORS as error:
            refusal = str(error)
            file.seek(0)
            file.truncate()
            pa.ipc.new_stream(file, schema).close()
        file.seek(0)
        with pa.ipc.open_stream(file) as reader:
            yield Scored(reader, refusal)


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


def _published(
    connection: Connection, prediction: Prediction, models: Path, pin: Pin | None
) -> Model | None:
    """Return the version that scores now; none where the training was refused."""
    training = read_training(connection, prediction.NAME)
    if pin is not None:
        return Registry(models).load(prediction.NAME, pin.version, sha256=pin.sha256)
    if training["status"] == "refused":
        return None
    version, sha256 = training["model_version"], training["sha256"]
    return Registry(models).load(prediction.NAME, version, sha256=sha256)


def _schema(prediction: Prediction) -> pa.Schema:
    return pa.schema(
        [(name, ARROW_TYPES[column.dtype]) for name, column in prediction.RESULT.items()]
    )
