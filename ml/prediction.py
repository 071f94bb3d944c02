"""The one shape of every prediction: what it reads, what it learns, what it returns, and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation import Gate
from ml.names import named

Frames = Mapping[str, pd.DataFrame]
Parts = Mapping[str, Any]

# Logarithm of the factor below which a fact is not worth telling: five per cent.
SMALLEST_EFFECT = 0.05


@dataclass(frozen=True)
class Input:
    """A relation of the warehouse that a prediction reads, with the columns it cannot do without.

    `condition` leaves out rows. Every relation that scoring reads has the entity's column; what
    training reads without it is about nobody, and never sampled.
    """

    relation: str
    columns: tuple[str, ...]
    condition: str = "true"


@dataclass(frozen=True)
class Column:
    """A column of the result: its type, and the limits outside which a row is wrong.

    Types are pandas' own: `str`, `category` for text that repeats, numbers, `bool`, times.
    """

    dtype: str
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Model:
    """A fitted model that can score: what it predicts, what it learnt and where it came from.

    `horizon_days` is 0 where it looks less than a day ahead.
    """

    name: str
    version: str
    kind: str
    horizon_days: int
    as_of: pd.Timestamp
    feature_names: tuple[str, ...]
    parts: Parts


@dataclass(frozen=True)
class Refused:
    """No model: the data is too thin, with one reason per gate that is not passed."""

    model_name: str
    horizon_days: int
    as_of: pd.Timestamp
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True)
class Trained:
    """The published model, the runner-up, and the report both were judged by (plain JSON data).

    The report has `champion`, `reason` and `metrics` by kind; `measure` and `baseline` name the
    measure and the kind to compare it with in one line.
    """

    champion: Model
    challenger: Model
    status: str
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Reason:
    """Why a score is what it is: one fact, what is usual in this shop, and the effect on the score.

    `factor` multiplies what `target` names: above 1 it raises it.
    """

    subject: str
    value: float | None
    usual: float | None
    factor: float
    target: str

    @property
    def sentence(self) -> str:
        """Return the reason in words."""
        verb = "raises" if self.factor >= 1 else "lowers"
        times = self.factor if self.factor >= 1 else 1 / self.factor
        fact = f"{self.subject}: {_number(self.value)}, usual {_number(self.usual)}"
        strength = f"{times:.1f}-fold" if times < 100 else "more than 100-fold"
        return f"{fact}; {verb} the {self.target} {strength}"


class Prediction(Protocol):
    """A prediction; a module with these names is one. It opens nothing and remembers nothing.

    KEY names what a row is about. Its first column is the entity, such as customer_id or
    session_id; more columns count the entity's rows. `fit` refuses with reasons where data is too
    thin. `predict` returns one row per KEY with the columns of RESULT, and never fits; it is given
    some entities at a time, whom the first input of SCORING lists with a row each, in several
    threads at once: it changes nothing that it shares with another call. `explain` returns reasons
    for one entity of the frames that `predict` takes, strongest first. Where names that a training
    makes up must not jump, `inherit(trained, earlier)` gives them those of an earlier version.
    """

    @property
    def NAME(self) -> str: ...

    @property
    def KEY(self) -> tuple[str, ...]: ...

    @property
    def HORIZON_DAYS(self) -> int: ...

    @property
    def TRAINING(self) -> Mapping[str, Input]: ...

    @property
    def SCORING(self) -> Mapping[str, Input]: ...

    @property
    def RESULT(self) -> Mapping[str, Column]: ...

    def fit(self, frames: Frames, *, as_of: pd.Timestamp, seed: int = 0) -> Trained | Refused: ...

    def predict(self, model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame: ...

    def explain(self, model: Model, frames: Frames) -> tuple[Reason, ...]: ...


def entity(prediction: Prediction) -> str:
    """Return the column that names what a prediction is about."""
    return prediction.KEY[0]


def strongest(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return reasons by the size of their effect, without those that hardly have one."""
    effects = [(abs(float(np.log(reason.factor))), reason) for reason in reasons]
    moving = [pair for pair in effects if pair[0] >= SMALLEST_EFFECT]
    return tuple(reason for _, reason in sorted(moving, key=lambda pair: -pair[0]))


def missing_columns(
    inputs: Mapping[str, Input], present: Mapping[str, Iterable[str]]
) -> tuple[str, ...]:
    """Return one reason per relation that lacks columns; takes the columns each relation has."""
    reasons = []
    for name, needed in inputs.items():
        absent = [column for column in needed.columns if column not in set(present[name])]
        if absent:
            listed = ", ".join(absent)
            reasons.append(f"{needed.relation} has no column {listed}. Add it to the model.")
    return tuple(reasons)


def typed(columns: Mapping[str, Any], result: Mapping[str, Column]) -> pd.DataFrame:
    """Return columns as a frame with the types of a result; a text stands for one of every row."""
    count = max((len(values) for values in columns.values() if np.ndim(values)), default=0)
    everywhere = np.zeros(count, dtype=np.int64)
    frame = pd.DataFrame(
        {
            name: named([columns[name]], everywhere)
            if isinstance(columns[name], str)
            else columns[name]
            for name in result
        }
    )
    return frame.astype({name: column.dtype for name, column in result.items()})


def content_name(facts: Iterable[object], arrays: Iterable[npt.NDArray[Any]]) -> str:
    """Return 8 hex digits of everything a fit depends on, so that equal data gives equal names."""
    digest = hashlib.sha256(json.dumps(list(facts)).encode())
    for values in arrays:
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:8]


def _number(value: float | None) -> str:
    """Return a number as a person would write it."""
    if value is None:
        return "none"
    is_whole = abs(value - round(value)) < 1e-9 or abs(value) >= 100
    return f"{value:,.0f}" if is_whole else f"{value:,.2f}"
