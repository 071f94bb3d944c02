"""Which features a model leans on: log loss lost when a feature is shuffled."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.evaluation import Numbers, log_losses
from ml.prediction import Model, Parts
from ml.recipes import predict
from ml.rhythm import COLUMNS
from ml.windows import Window

MAX_ROWS = 5_000
COUNT_REPEATS = 3
COUNT_LEADING = 5


@dataclass(frozen=True)
class Importance:
    """Log loss (nats) lost without a feature, and whether more of it means a higher probability."""

    feature: str
    log_loss_increase: float
    direction: str


def rank_features(kind: str, parts: Parts, window: Window, *, seed: int) -> tuple[Importance, ...]:
    """Return all features by permutation importance (Breiman 2001) on one window, largest first.

    Uses at most 5,000 rows and three shuffles. Direction is the sign of the rank correlation
    between feature and probability: rises, falls or none. Correlated features share importance.
    """
    generator = np.random.default_rng(seed)
    size = min(MAX_ROWS, len(window.actual))
    rows = generator.choice(len(window.actual), size, replace=False)
    matrix, actual = window.matrix[rows], window.actual[rows]
    probability = predict(kind, parts, matrix)
    before = float(log_losses(actual, probability).mean())
    found = []
    for column, name in enumerate(COLUMNS):
        losses = []
        for _ in range(COUNT_REPEATS):
            shuffled = matrix.copy()
            shuffled[:, column] = generator.permutation(matrix[:, column])
            losses.append(log_losses(actual, predict(kind, parts, shuffled)).mean())
        increase = float(np.mean(losses)) - before
        found.append(Importance(name, increase, _direction(matrix[:, column], probability)))
    return tuple(sorted(found, key=lambda item: (-item.log_loss_increase, item.feature)))


def leading_features(model: Model, window: Window, *, seed: int) -> list[dict[str, Any]]:
    """Return as plain data up to five features that a model leans on, the most telling first."""
    ranked = rank_features(model.kind, model.parts, window, seed=seed)
    return [asdict(item) for item in ranked[:COUNT_LEADING] if item.log_loss_increase > 0]


def _direction(values: Numbers, probability: Numbers) -> str:
    """Return rises, falls or none by the rank correlation of the rows without null."""
    is_known = ~np.isnan(values)
    pair = [np.argsort(np.argsort(side[is_known], kind="stable")) for side in (values, probability)]
    if is_known.sum() < 2 or np.ptp(values[is_known]) == 0 or np.ptp(probability) == 0:
        return "none"
    correlation = float(np.corrcoef(pair[0], pair[1])[0, 1])
    return "rises" if correlation > 0.05 else "falls" if correlation < -0.05 else "none"
