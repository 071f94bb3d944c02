"""Feed predictions from the warehouse, remember what came of a training, and store results."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from ml.errors import FeatureError, VersionNotFound
from ml.prediction import (
    Input,
    Prediction,
    Reason,
    Refused,
    Trained,
    entity,
    missing_columns,
)
from ml.registry import Registry
from orchestration.model_versions import read_pin
from orchestration.warehouse import Connection

TRAININGS = """
create table if not exists ml.trainings (
    model_name varchar, as_of timestamp, status varchar, reasons varchar, report varchar,
    model_version varchar, sha256 varchar, trained_at timestamp
)
"""
NEWEST = """
select status, reasons, report, model_version, sha256 from ml.trainings
where model_name = ? order by as_of desc, trained_at desc limit 1
"""
VERSION = """
select sha256 from ml.trainings where model_name = ? and model_version = ?
order by trained_at desc limit 1
"""
SQL_TYPES = {
    "str": "varchar",
    "int32": "bigint",
    "int64": "bigint",
    "float64": "double",
    "bool": "boolean",
    "datetime64[us]": "timestamp",
}
COUNT_REASONS = 3


def train(connection: Connection, prediction: Prediction) -> Trained | Refused:
    """Fit a prediction to the warehouse at its clock; it refuses where columns are missing."""
    as_of = pd.Timestamp(connection.execute("select max(as_of) from raw.clock")[0][0])
    present = {name: _columns(connection, read) for name, read in prediction.TRAINING.items()}
    reasons = missing_columns(prediction.TRAINING, present)
    if reasons:
        return Refused(prediction.NAME, prediction.HORIZON_DAYS, as_of, reasons)
    return prediction.fit(_frames(connection, prediction.TRAINING), as_of=as_of)


def remember(outcome: Trained | Refused, models: Path) -> dict[str, Any]:
    """Store a trained model in a folder and return the row that says what came of the training."""
    now = datetime.now(UTC).replace(tzinfo=None)
    if isinstance(outcome, Refused):
        return {
            "model_name": outcome.model_name, "as_of": outcome.as_of.to_pydatetime(),
            "status": "refused", "reasons": json.dumps(list(outcome.reasons)), "report": "{}",
            "model_version": None, "sha256": None, "trained_at": now,
        }  # fmt: skip
    report = dict(outcome.report)
    sums = Registry(models).publish(outcome.champion, outcome.challenger, report)
    return {
        "model_name": outcome.champion.name, "as_of": outcome.champion.as_of.to_pydatetime(),
        "status": outcome.status, "reasons": json.dumps([report["reason"]]),
        "report": json.dumps(report, default=str), "model_version": outcome.champion.version,
        "sha256": sums["champion"], "trained_at": now,
    }  # fmt: skip


def replace_training(connection: Connection, row: Mapping[str, Any]) -> None:
    """Keep one row per model and clock: training again on the same day replaces it."""
    connection.execute("create schema if not exists ml")
    connection.execute(TRAININGS)
    with connection.transaction():
        connection.execute(
            "delete from ml.trainings where model_name = ? and as_of = ?",
            (row["model_name"], row["as_of"]),
        )
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into ml.trainings values ({marks})", tuple(row.values()))


def read_training(connection: Connection, name: str) -> dict[str, Any]:
    """Return what came of the newest training of a prediction; empty when there was none."""
    if not connection.table_exists("ml", "trainings"):
        return {}
    names = ("status", "reasons", "report", "model_version", "sha256")
    found = connection.execute(NEWEST, (name,))
    return dict(zip(names, found[0], strict=True)) if found else {}


def score(connection: Connection, prediction: Prediction, models: Path) -> pd.DataFrame:
    """Return the result of the version that is pinned, else of the newest training's.

    No rows when that was refused.
    """
    training = read_training(connection, prediction.NAME)
    pin = read_pin(connection, prediction.NAME)
    if training["status"] == "refused" and pin is None:
        empty: dict[str, list[Any]] = {name: [] for name in prediction.RESULT}
        types = {name: column.dtype for name, column in prediction.RESULT.items()}
        return pd.DataFrame(empty).astype(types)
    registry = Registry(models)
    version = pin.version if pin else training["model_version"]
    sha256 = pin.sha256 if pin else training["sha256"]
    model = registry.load(prediction.NAME, version, sha256=sha256)
    frames = _frames(connection, prediction.SCORING)
    return prediction.predict(model, frames, scored_at=pd.Timestamp.now("UTC"))


def replace_result(connection: Connection, prediction: Prediction, rows: pd.DataFrame) -> None:
    """Replace the table of a prediction, columns and all, in one step."""
    columns = ", ".join(
        f"{name} {SQL_TYPES[column.dtype]}" for name, column in prediction.RESULT.items()
    )
    connection.execute("create schema if not exists ml")
    with connection.transaction():
        connection.execute(f"create or replace table ml.{prediction.NAME} ({columns})")
        if len(rows):
            table = pa.Table.from_pandas(rows, preserve_index=False)
            connection.insert(f"ml.{prediction.NAME}", table)


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


def explain(
    connection: Connection, prediction: Prediction, models: Path, *, entity_id: str, version: str
) -> tuple[Reason, ...]:
    """Return the strongest reasons for the score of one customer, or session, by a version.

    None when the version is gone, or knows other features than there are today.
    """
    found = connection.execute(VERSION, (prediction.NAME, version))
    try:
        sha256 = found[0][0] if found else None
        model = Registry(models).load(prediction.NAME, version, sha256=sha256)
        frames = _frames(connection, prediction.SCORING, (entity(prediction), entity_id))
        return prediction.explain(model, frames)[:COUNT_REASONS]
    except (VersionNotFound, FeatureError):
        return ()


def _frames(
    connection: Connection, inputs: Mapping[str, Input], one: tuple[str, str] | None = None
) -> dict[str, pd.DataFrame]:
    """Return the named inputs, of all or of one entity (column, value)."""
    mine, values = (f"{one[0]} = ?", (one[1],)) if one else ("true", ())
    return {
        name: connection.frame(
            f"select {', '.join(read.columns)} from {read.relation} "
            f"where {read.condition} and {mine}",
            values,
        )
        for name, read in inputs.items()
    }


def _columns(connection: Connection, read: Input) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"describe {read.relation}")]
