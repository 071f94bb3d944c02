"""Logistic regression as plain numbers: what a column adds to the odds, ready to be stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.evaluation import Numbers, Outcomes
from ml.features import Matrix

# Fewer of one outcome teach a rate and nothing else.
LEAST_OUTCOMES = 10
COLUMNS = ("mean", "scale", "coefficients")


@dataclass(frozen=True)
class Logistic:
    """Log odds = intercept + sum of coefficient x (value - mean) / scale."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def probability(self, matrix: Matrix) -> Numbers:
        """Return the probability of each row."""
        log_odds = np.zeros(len(matrix))
        facts = zip(matrix.T, self.mean, self.scale, self.coefficients, strict=True)
        for column, mean, scale, coefficient in facts:
            log_odds += (column - mean) / scale * coefficient
        log_odds += self.intercept
        probability: Numbers = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
        return probability

    def terms(self, matrix: Matrix) -> Matrix:
        """Return what each column of each row adds to the log odds, against the mean row."""
        terms: Matrix = (matrix - self.mean) / self.scale * self.coefficients
        return terms

    def as_plain(self) -> dict[str, Any]:
        """Return what was learnt as plain data."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Logistic:
        """Return what plain data describes."""
        mean, scale, coefficients = (tuple(content[name]) for name in COLUMNS)
        return cls(mean, scale, coefficients, content["intercept"])


def learn_logistic(matrix: Matrix, actual: Outcomes, *, freedom: float = 1.0) -> Logistic:
    """Fit n rows; with fewer than ten of an outcome nothing but the rate, drawn to one half.

    The less `freedom`, the nearer coefficients stay to 0 (C of scikit-learn).
    """
    from sklearn.linear_model import LogisticRegression

    positives = int(actual.sum())
    if min(positives, len(actual) - positives) < LEAST_OUTCOMES:
        nothing = (0.0,) * matrix.shape[1]
        odds = (positives + 1) / (len(actual) - positives + 1)
        return Logistic(nothing, (1.0,) * matrix.shape[1], nothing, float(np.log(odds)))
    mean, deviation = matrix.mean(axis=0), matrix.std(axis=0)
    scale = np.where(deviation > 1e-9, deviation, 1.0)
    fitted = LogisticRegression(C=freedom, solver="newton-cholesky", max_iter=200)
    fitted.fit((matrix - mean) / scale, actual)
    return Logistic(
        tuple(mean.tolist()),
        tuple(scale.tolist()),
        tuple(fitted.coef_[0].tolist()),
        float(fitted.intercept_[0]),
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
