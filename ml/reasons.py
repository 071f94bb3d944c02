"""Why a probability is what it is: how far each feature moves the odds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ml.evaluation import Numbers
from ml.features import FEATURES, NAMES, NULLABLE, Matrix
from ml.prediction import Parts, Reason, strongest
from ml.recipes import BASELINE, BOOSTING, LOGISTIC, RECENCY, linear_design, predict
from ml.rhythm import COLUMNS, RHYTHM_NAMES

TARGET = "odds"
RHYTHM_SUBJECT = "Orders to expect from their own rhythm"
SHOWN_RHYTHM = COLUMNS.index("rhythm_expected_orders")
RHYTHM_PLACES = [COLUMNS.index(name) for name in RHYTHM_NAMES]


def explain(kind: str, parts: Parts, row: Matrix) -> tuple[Reason, ...]:
    """Return the reasons for one row (1 x COLUMNS), strongest first.

    logistic: the exact contributions of its terms, measured from the mean customer; a feature and
    its null flag are one. gradient_boosting: how the odds change with the feature at the shop's
    median instead. recency_baseline: recency alone.
    """
    movers: dict[str, Callable[[Parts, Matrix], Numbers]] = {
        LOGISTIC: _terms,
        BOOSTING: _occlusions,
        BASELINE: _rates,
    }
    logarithms = movers[kind](parts, row)
    usual = parts["medians"]
    reasons = [
        _reason(subject, columns[0], logarithms[columns].sum(), row[0], usual)
        for subject, columns in _subjects()
    ]
    return strongest(reasons)


def _subjects() -> Sequence[tuple[str, list[int]]]:
    """Return what is told as one fact, with its columns; the first of them is shown."""
    facts = [
        (feature.description.replace("as_of", "now"), [place])
        for place, feature in enumerate(FEATURES)
    ]
    rest = [place for place in RHYTHM_PLACES if place != SHOWN_RHYTHM]
    return [*facts, (RHYTHM_SUBJECT, [SHOWN_RHYTHM, *rest])]


def _reason(subject: str, place: int, logarithm: float, row: Numbers, usual: Numbers) -> Reason:
    value = float(row[place])
    shown = None if np.isnan(value) else value
    return Reason(subject, shown, float(usual[place]), float(np.exp(logarithm)), TARGET)


def _terms(parts: Parts, row: Matrix) -> Numbers:
    """Return the log odds that each column adds to those of the mean customer."""
    design = parts["scaler"].transform(linear_design(row, parts["medians"]))
    terms = (design * parts["classifier"].coef_)[0]
    logarithms: Numbers = terms[: len(COLUMNS)].copy()
    for flag, name in zip(terms[len(COLUMNS) :], NULLABLE, strict=True):
        logarithms[NAMES.index(name)] += flag
    return logarithms


def _occlusions(parts: Parts, row: Matrix) -> Numbers:
    """Return how the log odds fall when a column is what is usual; the rhythm's move together."""
    count = len(COLUMNS)
    variants = np.repeat(row, count + 1, axis=0)
    for place in range(count):
        together = RHYTHM_PLACES if place in RHYTHM_PLACES else [place]
        variants[place, together] = parts["medians"][together]
    logits = _logits(predict(BOOSTING, parts, variants))
    logarithms: Numbers = logits[-1] - logits[:-1]
    logarithms[[place for place in RHYTHM_PLACES if place != SHOWN_RHYTHM]] = 0.0
    return logarithms


def _rates(parts: Parts, row: Matrix) -> Numbers:
    """Return the log odds of the row's recency against those of the whole shop."""
    rates = np.array([predict(BASELINE, parts, row)[0], parts["base_rate"]])
    logits = _logits(rates)
    logarithms = np.zeros(len(COLUMNS))
    logarithms[RECENCY] = logits[0] - logits[1]
    return logarithms


def _logits(probability: Numbers) -> Numbers:
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    logits: Numbers = np.log(inside / (1 - inside))
    return logits
