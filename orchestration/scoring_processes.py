"""Apply a model, in several processes at once where there is much; results keep their order."""

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import current_process, get_context, parent_process
from pathlib import Path
from types import ModuleType
from typing import cast

import pandas as pd
import pyarrow as pa

from ml.prediction import Frames, Model, Prediction
from ml.registry import Registry

# Texts repeat, so that a result is a quarter as large with each of them written once.
ARROW_TYPES = {
    "str": pa.dictionary(pa.int32(), pa.string()),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "datetime64[us]": pa.timestamp("us"),
}


@dataclass(frozen=True)
class Published:
    """The version that scores now, and the digest that its file must have."""

    models: Path
    name: str
    version: str
    sha256: str | None

    def load(self) -> Model:
        """Read the version from the store, which refuses a file that was changed."""
        return Registry(self.models).load(self.name, self.version, sha256=self.sha256)


def schema_of(prediction: Prediction) -> pa.Schema:
    """Return the result's columns as Arrow has them."""
    return pa.schema(
        [(name, ARROW_TYPES[column.dtype]) for name, column in prediction.RESULT.items()]
    )


def predict(
    prediction: Prediction, model: Model, frames: Frames, *, moment: pd.Timestamp
) -> pa.Table:
    """Return the result of one batch."""
    result = prediction.predict(model, frames, scored_at=moment)
    return pa.Table.from_pandas(result, schema_of(prediction), preserve_index=False)


def usable(prediction: Prediction) -> int:
    """Return how many processes may score: as many as processors, one where none can be started.

    Another process knows a prediction by the name of its module.
    """
    is_module = isinstance(prediction, ModuleType)
    return 1 if current_process().daemon or not is_module else os.cpu_count() or 1


def predict_all(
    prediction: Prediction,
    published: Published,
    batches: Iterable[Frames],
    *,
    moment: pd.Timestamp,
    processes: int,
) -> Iterator[pa.Table]:
    """Yield the result of each batch; each process loads the model once.

    Each process has one batch in work and one in waiting, so that memory does not grow.
    """
    name = str(prediction.__name__)  # type: ignore[attr-defined]
    started: deque[Future[bytes]] = deque()
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (published,)) as pool:
        for frames in batches:
            started.append(pool.submit(_predict, name, dict(frames), moment))
            if len(started) > 2 * processes:
                yield _read(started.popleft().result())
        while started:
            yield _read(started.popleft().result())


_loaded: list[Model] = []


def _begin(published: Published) -> None:
    """Make a process ready: load the model, and end with whoever started it, even if killed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _loaded.append(published.load())


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
    os._exit(1)


def _predict(module: str, frames: Frames, moment: pd.Timestamp) -> bytes:
    table = predict(cast(Prediction, import_module(module)), _loaded[0], frames, moment=moment)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(memoryview(sink.getvalue()))


def _read(result: bytes) -> pa.Table:
    with pa.ipc.open_stream(result) as stream:
        return stream.read_all()
