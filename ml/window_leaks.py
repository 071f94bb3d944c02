"""Which features know the future, in the windows of a training or the persons of an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ml.features import NAMES, matrix
from ml.known_history import history_columns
from ml.leaks import Leak, Watched, find_leaks
from ml.trials.trial import Trial
from ml.windows import Window

# The naive rule and each customer's rhythm stand on these. When they know the future, the snapshots
# are not of their date, and there is nothing left to compare a model with.
ESSENTIAL = (
    "days_since_last_order",
    "days_since_first_order",
    "days_first_to_last_order",
    "count_orders",
)


def find_in_windows(
    training: Sequence[Window],
    test: Window,
    current: pd.DataFrame,
    purchases: pd.DataFrame,
    *,
    seed: int,
) -> tuple[Leak, ...]:
    """Return the features of labelled windows that know the future.

    Takes windows, the current rows of their validated frame, and known purchases.
    """
    learnt, newest = (_watched(windows, purchases) for windows in (training, [test]))
    return find_leaks(NAMES, learnt, newest, matrix(current), seed=seed)


def find_in_trial(trial: Trial, purchases: pd.DataFrame, *, seed: int) -> tuple[Leak, ...]:
    """Return the features of an experiment that know the future: one half teaches, one judges.

    There are no rows of today among them, so only plausibility is looked at.
    """
    days_of_draw = trial.assigned_at.astype("datetime64[D]").astype("datetime64[us]")
    history = history_columns(purchases, trial.customers, days_of_draw)
    trusted = np.column_stack([history, trial.is_contacted])
    rows = Watched(trial.matrix, trusted, trial.ordered)
    is_first = np.random.default_rng(seed).permutation(len(trial)) % 2 == 0
    none = np.empty((0, len(NAMES)))
    return find_leaks(NAMES, rows.where(is_first), rows.where(~is_first), none, seed=seed)


def cleared(windows: Iterable[Window], names: Sequence[str]) -> list[Window]:
    """Return windows in which features say nothing: 0 in every row."""
    places = [NAMES.index(name) for name in names]

    def clear(window: Window) -> Window:
        values = window.matrix.copy(order="K")
        values[:, places] = 0.0
        return replace(window, matrix=values)

    return [clear(window) for window in windows] if names else list(windows)


def cleared_trial(trial: Trial, leaks: Sequence[Leak]) -> Trial:
    """Return an experiment in which the features of leaks say nothing."""
    values = trial.matrix.copy()
    values[:, [NAMES.index(leak.feature) for leak in leaks]] = 0.0
    return replace(trial, matrix=values) if leaks else trial


def refusals(leaks: Iterable[Leak]) -> tuple[str, ...]:
    """Return the reasons of leaks that leave nothing to learn from."""
    return tuple(leak.reason for leak in leaks if leak.feature in ESSENTIAL)


def _watched(windows: Sequence[Window], purchases: pd.DataFrame) -> Watched:
    customers = np.concatenate([window.customers for window in windows])
    sizes = [len(window.customers) for window in windows]
    dates = np.array([window.as_of for window in windows], dtype="datetime64[us]")
    moments = np.repeat(dates, sizes)
    return Watched(
        np.vstack([window.matrix[:, : len(NAMES)] for window in windows]),
        history_columns(purchases, customers, moments),
        np.concatenate([window.actual for window in windows]),
    )
