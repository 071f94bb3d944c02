"""Train predictions on the warehouse, remember what came of it, and explain their scores."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ml.errors import FeatureError, HistoryError, LabelError, RegistryError, VersionNotFound
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
from orchestration.cards import make_cards
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
NEWEST_MODEL = """
select model_version, sha256 from ml.trainings
where model_name = ? and model_version is not null order by as_of desc, trained_at desc limit 1
"""
ALL = "true"
COUNT_REASONS = 3
# Customers beyond which training takes a sample: ten times as many move no measure by more than
# its own interval, and memory stays that of the sample.
MOST_CUSTOMERS = 200_000
# What is wrong with the data, not with the program.
DATA_ERRORS = (FeatureError, HistoryError, LabelError)


def train(connection: Connection, prediction: Prediction) -> Trained | Refused:
    """Fit a prediction to the warehouse at its clock.

    It refuses where columns are missing, or where what they hold breaks their contract.

    Of more than MOST_CUSTOMERS whom its first input names, a sample by their id's digest is taken,
    the same one every day, and the report says so. A prediction with COUNTS_PEOPLE, which says how
    many there will be and draws its own sample, gets them all.
    """
    as_of = pd.Timestamp(connection.execute("select max(as_of) from raw.clock")[0][0])
    reasons = lacking(connection, prediction.TRAINING)
    if reasons:
        return Refused(prediction.NAME, prediction.HORIZON_DAYS, as_of, reasons)
    count, condition = _sample(connection, prediction)
    frames = _read_sampled(connection, prediction, condition)
    try:
        outcome = prediction.fit(frames, as_of=as_of)
    except DATA_ERRORS as error:
        # What is wrong with the data is a reason like any other; it names cause and remedy.
        return Refused(prediction.NAME, prediction.HORIZON_DAYS, as_of, (str(error),))
    if condition == ALL or isinstance(outcome, Refused):
        return outcome
    sampled = {"customers": MOST_CUSTOMERS, "of": count}
    return replace(outcome, report={**outcome.report, "sampled": sampled})


def inherit(
    connection: Connection, prediction: Prediction, outcome: Trained | Refused, models: Path
) -> Trained | Refused:
    """Return what was learnt with the names that an earlier version gave, where names matter.

    A prediction with `inherit` is told the version of the newest training that was not refused; one
    that is gone from the store, or damaged, is nothing to go on with.
    """
    carry_on = getattr(prediction, "inherit", None)
    if carry_on is None or isinstance(outcome, Refused):
        return outcome
    if not connection.table_exists("ml", "trainings"):
        return outcome
    found = connection.execute(NEWEST_MODEL, (prediction.NAME,))
    if not found:
        return outcome
    try:
        earlier = Registry(models).load(prediction.NAME, found[0][0], sha256=found[0][1])
    except RegistryError:
        return outcome
    named: Trained = carry_on(outcome, earlier)
    return named


def remember(outcome: Trained | Refused, models: Path, *, about: str = "") -> dict[str, Any]:
    """Store a trained model with its card and return the row that says what came of the training.

    `about` says in a sentence what is predicted.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    if isinstance(outcome, Refused):
        return {
            "model_name": outcome.model_name, "as_of": outcome.as_of.to_pydatetime(),
            "status": "refused", "reasons": json.dumps(list(outcome.reasons)), "report": "{}",
            "model_version": None, "sha256": None, "trained_at": now,
        }  # fmt: skip
    report = dict(outcome.report)
    cards = make_cards(outcome, about)
    sums = Registry(models).publish(outcome.champion, outcome.challenger, report, cards)
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
        mine = f"{entity(prediction)} = ?"
        frames = read_frames(connection, prediction.SCORING, mine, (entity_id,))
        return prediction.explain(model, frames)[:COUNT_REASONS]
    except (VersionNotFound, FeatureError):
        return ()


def lacking(connection: Connection, inputs: Mapping[str, Input]) -> tuple[str, ...]:
    """Return one reason per relation that lacks columns which a prediction reads."""
    present = {
        name: [str(row[0]) for row in connection.execute(f"describe {read.relation}")]
        for name, read in inputs.items()
    }
    return missing_columns(inputs, present)


def read_frames(
    connection: Connection,
    inputs: Mapping[str, Input],
    condition: str = ALL,
    values: Sequence[Any] = (),
) -> dict[str, pd.DataFrame]:
    """Return the named inputs, of all rows or of those for which an SQL condition holds."""
    return {
        name: connection.frame(
            f"select {', '.join(read.columns)} from {read.relation} "
            f"where ({read.condition}) and {condition}",
            values,
        )
        for name, read in inputs.items()
    }


def _read_sampled(
    connection: Connection, prediction: Prediction, condition: str
) -> dict[str, pd.DataFrame]:
    """Return what a prediction learns from: of the sample, and all of what is about nobody."""
    key, inputs = entity(prediction), prediction.TRAINING
    about = {name: read for name, read in inputs.items() if key in read.columns}
    shared = {name: read for name, read in inputs.items() if name not in about}
    return read_frames(connection, about, condition) | read_frames(connection, shared)


def _sample(connection: Connection, prediction: Prediction) -> tuple[int, str]:
    """Return how many a prediction is to learn from, and the condition that they are in."""
    key, first = entity(prediction), next(iter(prediction.TRAINING.values()))
    counted = f"select count(distinct {key}) from {first.relation} where {first.condition}"
    count = int(connection.execute(counted)[0][0])
    if count <= MOST_CUSTOMERS or getattr(prediction, "COUNTS_PEOPLE", False):
        return count, ALL
    limit = int(MOST_CUSTOMERS / count * 16**8)
    return count, f"left(md5({key}), 8) < '{limit:08x}'"
