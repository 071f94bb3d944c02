"""How each kind of model is fitted to labelled windows and turned into probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml import seasons
from ml.evaluation import Metrics, Numbers, Outcomes, measure
from ml.features import NAMES, NULLABLE, Matrix
from ml.prediction import Parts
from ml.seasons import Level, Seasons
from ml.windows import Customers, Window, sample, split_newest, stack

BASELINE = "recency_baseline"
LOGISTIC = "logistic"
BOOSTING = "gradient_boosting"
LEARNED = (LOGISTIC, BOOSTING)

RECENCY = NAMES.index("days_since_last_order")
COUNT_RECENCY_BINS = 10
PRIOR_STRENGTH = 20
MAX_ROWS = 200_000
ISOTONIC_FROM_POSITIVES = 1_000
COUNT_FOLDS = 3
MINIMUM_OUTCOMES = 50


def fit(kind: str, windows: Sequence[Window], *, seed: int) -> Parts:
    """Fit one kind of model to windows in time order; return its parts, ready to be stored.

    recency_baseline: order rate per tenth of days_since_last_order, pulled to the overall rate.
    logistic: on log1p features plus one flag per nullable feature; not calibrated any further.
    gradient_boosting: trees on the older windows, calibrated on the newest; with no window that
    ends before the newest begins, calibrated on out-of-fold scores grouped by customer.
    """
    fitters: dict[str, Callable[[Sequence[Window], int], Parts]] = {
        BASELINE: _fit_baseline,
        LOGISTIC: _fit_logistic,
        BOOSTING: _fit_boosting,
    }
    return fitters[kind](windows, seed)


def level_windows(kind: str, windows: Sequence[Window]) -> Sequence[Window]:
    """Return the windows whose order rate the probabilities of a kind come to."""
    calibrated = _older_and_newest(windows) if kind == BOOSTING else None
    return [calibrated[1]] if calibrated else windows


def levels(kind: str, windows: Sequence[Window], months: Seasons) -> list[Level]:
    """Return the seasons that a kind's probabilities are learnt from, with their shares."""
    return seasons.levels(level_windows(kind, windows), months)


def predict(kind: str, parts: Parts, matrix: Matrix) -> Numbers:
    """Return the probability of each row of a matrix with the columns of windows."""
    if len(matrix) == 0:
        return np.empty(0, dtype=np.float64)
    if kind == BASELINE:
        bins = np.searchsorted(parts["edges"], matrix[:, RECENCY], side="right")
        rates: Numbers = np.asarray(parts["rates"], dtype=np.float64)[bins]
        return rates
    if kind == LOGISTIC:
        design = linear_design(matrix, parts["medians"])
        return _positive(parts["scaler"].transform(design), parts["classifier"])
    return calibrate(parts["calibrator"], _tree_scores(parts, matrix))


def measure_base_rate(training: Sequence[Window], test: Window) -> Metrics:
    """Measure the most naive guess: everybody has the order rate of the training windows."""
    _, learnt, _ = stack(training)
    return measure(test.actual, np.full(len(test.actual), learnt.mean()))


def linear_design(matrix: Matrix, medians: Numbers) -> Matrix:
    """Return sign(x) log1p|x| of every feature, medians for nulls, then a flag per nullable one."""
    is_null = np.isnan(matrix)
    filled = np.where(is_null, medians, matrix)
    columns = [NAMES.index(name) for name in NULLABLE]
    return np.hstack([np.sign(filled) * np.log1p(np.abs(filled)), is_null[:, columns]])


def fit_calibrator(scores: Numbers, actual: Outcomes) -> Any:
    """Return a calibrator of scores: sigmoid below 1,000 positives, isotonic from there on."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    if int(actual.sum()) >= ISOTONIC_FROM_POSITIVES:
        bounds = {"y_min": 1e-3, "y_max": 1 - 1e-3}
        return IsotonicRegression(**bounds, out_of_bounds="clip").fit(scores, actual)
    return LogisticRegression(C=1e3).fit(_logit(scores), actual)


def calibrate(calibrator: Any, scores: Numbers) -> Numbers:
    """Return the calibrated probability of each score."""
    if hasattr(calibrator, "predict_proba"):
        return _positive(_logit(scores), calibrator)
    probability: Numbers = calibrator.predict(scores)
    return probability


def _fit_baseline(windows: Sequence[Window], seed: int) -> Parts:
    """Return the edges and rates of a table of order rate by recency."""
    matrix, actual, _ = stack(windows)
    recency = matrix[:, RECENCY]
    steps = np.linspace(0, 1, COUNT_RECENCY_BINS + 1)[1:-1]
    edges = np.unique(np.quantile(recency, steps))
    bins = np.searchsorted(edges, recency, side="right")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    positives = np.bincount(bins, weights=actual, minlength=len(edges) + 1)
    base = float(actual.mean())
    rates = (positives + PRIOR_STRENGTH * base) / (counts + PRIOR_STRENGTH)
    return {"edges": edges, "rates": rates, "base_rate": base, "usual": _usual(matrix)}


def _fit_logistic(windows: Sequence[Window], seed: int) -> Parts:
    """Return medians, scaler and logistic regression."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    matrix, actual, _ = sample(windows, seed=seed, at_most=MAX_ROWS)
    medians = _medians(matrix)
    design = linear_design(matrix, medians)
    scaler = StandardScaler().fit(design)
    # Newton takes a dozen steps where the usual solver takes a hundred.
    classifier = LogisticRegression(C=1.0, max_iter=1_000, solver="newton-cholesky")
    classifier.fit(scaler.transform(design), actual)
    usual = _usual(matrix)
    return {"medians": medians, "usual": usual, "scaler": scaler, "classifier": classifier}


def _fit_boosting(windows: Sequence[Window], seed: int) -> Parts:
    """Return boosted trees and their calibrator."""
    split = _older_and_newest(windows)
    if split:
        older, newest = split
        matrix, actual, _ = sample(older, seed=seed, at_most=MAX_ROWS)
        trees = _fit_trees(matrix, actual, seed)
        scores = _tree_scores(trees, newest.matrix)
        return {**trees, "calibrator": fit_calibrator(scores, newest.actual)}
    matrix, actual, customers = sample(windows, seed=seed, at_most=MAX_ROWS)
    calibrator = fit_calibrator(_out_of_fold(matrix, actual, customers, seed), actual)
    return {**_fit_trees(matrix, actual, seed), "calibrator": calibrator}


def _older_and_newest(windows: Sequence[Window]) -> tuple[list[Window], Window] | None:
    """Return the windows to grow trees on and the one to calibrate them on, if both can be had."""
    older, newest = split_newest(windows)
    if newest is not None and _have_both_outcomes(older) and _have_both_outcomes([newest]):
        return older, newest
    return None


def _out_of_fold(matrix: Matrix, actual: Outcomes, customers: Customers, seed: int) -> Numbers:
    """Return the score each row gets from trees that never saw its customer."""
    folds = _folds(actual, customers, seed)
    scores = np.empty(len(actual))
    for fold in range(COUNT_FOLDS):
        is_held = folds == fold
        trees = _fit_trees(matrix[~is_held], actual[~is_held], seed)
        scores[is_held] = _tree_scores(trees, matrix[is_held])
    return scores


def _folds(actual: Outcomes, customers: Customers, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each row: whole customers, buyers dealt out evenly."""
    codes, distinct = pd.factorize(customers)
    is_buyer = np.bincount(codes, weights=actual, minlength=len(distinct)) > 0
    order = np.lexsort([np.random.default_rng(seed).random(len(distinct)), is_buyer])
    folds = np.empty(len(distinct), dtype=np.int64)
    folds[order] = np.arange(len(distinct)) % COUNT_FOLDS
    return folds[codes]


def _have_both_outcomes(windows: Sequence[Window]) -> bool:
    """Tell whether windows hold enough of both outcomes to learn or calibrate from."""
    positives = sum(int(window.actual.sum()) for window in windows)
    negatives = sum(len(window.actual) for window in windows) - positives
    return min(positives, negatives) >= MINIMUM_OUTCOMES


def _fit_trees(matrix: Matrix, actual: Outcomes, seed: int) -> Parts:
    """Return the columns that vary and boosted trees on them.

    scikit-learn 1.9.1 fails on a column that is null everywhere, as an absent silo's is.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    columns = np.flatnonzero([_varies(matrix[:, column]) for column in range(matrix.shape[1])])
    classifier = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=100,
        max_leaf_nodes=8,
        min_samples_leaf=100,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    columns = columns if len(columns) else np.array([RECENCY])
    classifier.fit(matrix[:, columns], actual)
    return {"columns": columns, "classifier": classifier, "usual": _usual(matrix)}


def _tree_scores(trees: Parts, matrix: Matrix) -> Numbers:
    """Return the uncalibrated scores of boosted trees."""
    return _positive(matrix[:, trees["columns"]], trees["classifier"])


def _varies(values: Numbers) -> bool:
    """Tell whether a column holds a value and is not the same everywhere."""
    is_null = np.isnan(values)
    known = values[~is_null]
    return len(known) > 0 and bool(is_null.any() or (known != known[0]).any())


def _positive(matrix: Matrix, classifier: Any) -> Numbers:
    """Return a classifier's probability of the outcome true."""
    probability: Numbers = classifier.predict_proba(matrix)[:, 1]
    return probability


def _logit(scores: Numbers) -> Matrix:
    """Return scores as one column of log odds."""
    inside = np.clip(scores, 1e-6, 1 - 1e-6)
    column: Matrix = np.log(inside / (1 - inside)).reshape(-1, 1)
    return column


def _medians(matrix: Matrix) -> Numbers:
    """Return the median of each column, 0 for a column without values."""
    filled = np.where(np.isnan(matrix).all(axis=0), 0.0, matrix)
    medians: Numbers = np.nanmedian(filled, axis=0)
    return medians


def _usual(matrix: Matrix) -> Numbers:
    """Return the median of each column, null where most rows are."""
    is_mostly_null = np.isnan(matrix).mean(axis=0) > 0.5
    usual: Numbers = np.where(is_mostly_null, np.nan, _medians(matrix))
    return usual
