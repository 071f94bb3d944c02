"""What a customer's own rhythm says about the next days: columns that know their horizon.

Learned from the snapshot alone, without an outcome: the columns are right for any horizon, which
features of a label window of another length are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.btyd import dropout
from ml.btyd.dropout import Dropout
from ml.btyd.forecasts import forecast
from ml.btyd.histories import Histories, group
from ml.errors import HistoryError
from ml.features import NAMES, Matrix

RHYTHM_NAMES = ("rhythm_order_probability", "rhythm_expected_orders", "rhythm_alive_probability")
COLUMNS = (*NAMES, *RHYTHM_NAMES)

COUNT, RECENCY, AGE = (
    NAMES.index(name)
    for name in ("count_orders", "days_first_to_last_order", "days_since_first_order")
)


@dataclass(frozen=True)
class Rhythm:
    """How the customers of one snapshot order and leave, and how far the columns look ahead."""

    dropout: Dropout | None
    horizon_days: int

    def extend(self, matrix: Matrix) -> Matrix:
        """Return rows x FEATURES with the rhythm's columns; zeros where nothing was learnt."""
        if self.dropout is None or not len(matrix):
            return np.hstack([matrix, np.zeros((len(matrix), len(RHYTHM_NAMES)))])
        columns = forecast(self.dropout, _histories(matrix), days=self.horizon_days)
        return np.column_stack([matrix, *columns])

    def as_plain(self) -> dict[str, Any]:
        """Return the rhythm as plain JSON data."""
        learned = self.dropout.as_plain() if self.dropout else None
        return {"dropout": learned, "horizon_days": self.horizon_days}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Rhythm:
        """Return the rhythm that plain data describes."""
        learned = content["dropout"]
        return cls(Dropout.from_plain(learned) if learned else None, content["horizon_days"])


def learn(matrix: Matrix, *, horizon_days: int) -> Rhythm:
    """Learn the rhythm of a snapshot's customers with the MBG/NBD, where there is any."""
    try:
        return Rhythm(dropout.fit(_histories(matrix)), horizon_days)
    except HistoryError:
        return Rhythm(None, horizon_days)


def _histories(matrix: Matrix) -> Histories:
    """Return the histories of feature rows; two purchases of a day are two of them here."""
    repeats, age = np.maximum(matrix[:, COUNT] - 1, 0), np.maximum(matrix[:, AGE], 0)
    recency = np.clip(matrix[:, RECENCY], 0, age)
    return group(repeats, np.where(repeats > 0, recency, 0), age)
