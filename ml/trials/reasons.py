"""Why a contact is expected to change more or less for one customer than for the usual one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ml.evaluation import Numbers
from ml.features import NAMES, Matrix
from ml.prediction import Reason, strongest
from ml.reasons import FACTS, TOPICS
from ml.trials.learners import Learnt

TARGET = "odds of an order that a contact adds"


def usual_row(values: Matrix) -> list[float | None]:
    """Return the median of each feature in an experiment, None where most persons have none."""
    return [_usual(column) for column in values.T]


def explain_uplift(
    uplift: Callable[[Matrix], Numbers], learnt: Learnt, row: Matrix, usual: Numbers
) -> tuple[Reason, ...]:
    """Return how the effect on one row (1 x NAMES) changes when a topic is the usual person's.

    A change of the uplift is told as the factor on the odds of an order that it amounts to.
    """
    before, after = learnt.outcomes(row)
    chance = float(np.clip((before[0] + after[0]) / 2, 1e-3, 1 - 1e-3))
    own, reasons = float(uplift(row)[0]), []
    for topic, names in TOPICS.items():
        places = [NAMES.index(name) for name in names if name in NAMES]
        total = own - float(uplift(_replaced(row, usual, places))[0])
        alone = [own - float(uplift(_replaced(row, usual, [place]))[0]) for place in places]
        shown = places[int(np.argmax(np.asarray(alone) * np.sign(total)))]
        value, normal = (_told(side[shown]) for side in (row[0], usual))
        subject = f"{topic} ({FACTS[NAMES[shown]]})"
        factor = float(np.exp(np.clip(total / (chance * (1 - chance)), -5, 5)))
        reasons.append(Reason(subject, value, normal, factor, TARGET))
    return strongest(reasons)


def _replaced(row: Matrix, usual: Numbers, places: list[int]) -> Matrix:
    changed = row.copy()
    changed[0, places] = usual[places]
    return changed


def _usual(column: Numbers) -> float | None:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if 2 * len(known) >= len(column) and len(known) else None


def _told(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
