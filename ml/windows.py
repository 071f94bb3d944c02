"""Labelled windows: the snapshots of one date with what happened over the horizon after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.errors import LabelError
from ml.evaluation import Outcomes
from ml.features import Matrix, matrix
from ml.labels import ordered_within
from ml.rhythm import learn
from ml.times import naive_utc

Customers = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Window:
    """Snapshots of one date: customers, rows x COLUMNS of ml.rhythm, and outcomes until ends_at."""

    as_of: pd.Timestamp
    ends_at: pd.Timestamp
    customers: Customers
    matrix: Matrix
    actual: Outcomes

    def facts(self) -> dict[str, Any]:
        """Return its dates and counts."""
        return {
            "as_of": self.as_of.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "count": len(self.actual),
            "count_positives": int(self.actual.sum()),
        }


def known_occasions(occasions: pd.DataFrame, *, known_until: pd.Timestamp) -> pd.DataFrame:
    """Return the occasions before a moment, with text keys and naive UTC times.

    Raises LabelError when customer_id or occurred_at is missing or null.
    """
    for name in ("customer_id", "occurred_at"):
        if name not in occasions.columns:
            raise LabelError(f"The occasions miss the column {name}. Select it.")
        count = int(occasions[name].isna().sum())
        if count:
            raise LabelError(f"{name} is null in {count} occasions. Leave those out.")
    known = pd.DataFrame(
        {
            "customer_id": occasions["customer_id"].astype("str"),
            "occurred_at": naive_utc(occasions["occurred_at"]),
        }
    )
    return known[known["occurred_at"] < known_until].reset_index(drop=True)


def complete_windows(
    frame: pd.DataFrame, occasions: pd.DataFrame, *, days: int, known_until: pd.Timestamp
) -> list[Window]:
    """Return the snapshots of a validated frame whose horizon ends by a moment, oldest first.

    Each has the columns of its own rhythm, learned from what was known at its date.
    """
    horizon = pd.Timedelta(days=days)
    is_complete = frame["as_of"] + horizon <= known_until
    complete = frame[is_complete]
    outcomes = ordered_within(complete, occasions, days=days, known_until=known_until)
    windows = []
    for begins_at in sorted(complete["as_of"].unique()):
        rows = complete[complete["as_of"] == begins_at]
        values = matrix(rows)
        windows.append(
            Window(
                as_of=pd.Timestamp(begins_at),
                ends_at=pd.Timestamp(begins_at) + horizon,
                customers=rows["customer_id"].to_numpy(dtype=object),
                matrix=learn(values, horizon_days=days).extend(values),
                actual=outcomes[rows.index].to_numpy(dtype=bool),
            )
        )
    return windows


def split_newest(windows: Sequence[Window]) -> tuple[list[Window], Window | None]:
    """Return the windows that end before the newest begins, and the newest one."""
    if not windows:
        return [], None
    newest = windows[-1]
    return [window for window in windows if window.ends_at <= newest.as_of], newest


def stack(windows: Sequence[Window]) -> tuple[Matrix, Outcomes, Customers]:
    """Return the rows of all windows, one under the other."""
    return (
        np.vstack([window.matrix for window in windows]),
        np.concatenate([window.actual for window in windows]),
        np.concatenate([window.customers for window in windows]),
    )


def sample(
    windows: Sequence[Window], *, seed: int, at_most: int
) -> tuple[Matrix, Outcomes, Customers]:
    """Return the stacked rows, or `at_most` of them drawn by the seed in their order."""
    values, actual, customers = stack(windows)
    if len(actual) <= at_most:
        return values, actual, customers
    rows = np.random.default_rng(seed).choice(len(actual), at_most, replace=False)
    rows.sort()
    return values[rows], actual[rows], customers[rows]
