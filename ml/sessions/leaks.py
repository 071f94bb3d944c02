"""Columns of visits' steps that know the next action: looked for before anything is learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ml.evaluation import Numbers, Outcomes
from ml.leaks import Leak, Watched, find_leaks
from ml.sessions.facts import COUNTED, HOUR, NAMED
from ml.sessions.next_steps import names_of

# What the naive rule stands on: what it says is no secret.
TRUSTED = "last_action"
SUSPECTS = (*(name for name in NAMED if name != TRUSTED), *COUNTED, HOUR)
# Actions looked at, those that come most often first.
MOST_ACTIONS = 6
PRIOR_STEPS = 20.0


def find_in_steps(training: pd.DataFrame, test: pd.DataFrame, *, seed: int) -> tuple[Leak, ...]:
    """Return the columns that tell an action before it comes, in the order of SUSPECTS.

    Takes followed steps to learn from and later ones. A named column is looked at as the rate at
    which the action followed each of its values. When today's visits are open says little, they are
    few and of one hour, so only plausibility is looked at.
    """
    found: dict[str, Leak] = {}
    counts = training["next_action"].value_counts()
    often = [name for name in counts.index if name in names_of(training)][:MOST_ACTIONS]
    nobody = np.empty((0, len(SUSPECTS)))
    for action in often:
        learnt, judged = (_watched(steps, training, action) for steps in (training, test))
        for leak in find_leaks(SUSPECTS, learnt, judged, nobody, seed=seed):
            found.setdefault(leak.feature, leak)
    return tuple(found[name] for name in SUSPECTS if name in found)


def cleared(steps: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return steps in which columns say nothing: no value, and 0 for a number."""
    nothing = {name: None if name in NAMED else 0.0 for name in names}
    return steps.assign(**nothing) if nothing else steps


def _watched(steps: pd.DataFrame, training: pd.DataFrame, action: str) -> Watched:
    followed = training["next_action"] == action
    columns = [
        _rates(steps[name], training[name], followed)
        if name in NAMED
        else steps[name].to_numpy(np.float64)
        for name in SUSPECTS
    ]
    values = sorted(training[TRUSTED].astype(str).unique())
    trusted = [(steps[TRUSTED] == value).to_numpy(np.float64) for value in values]
    actual: Outcomes = (steps["next_action"] == action).to_numpy(dtype=bool)
    return Watched(np.column_stack(columns), np.column_stack(trusted), actual)


def _rates(values: pd.Series, known: pd.Series, followed: pd.Series) -> Numbers:
    """Return how often the action followed each value, drawn to how often it follows any."""
    usual = float(followed.mean())
    by_value = followed.groupby(known.fillna("")).agg(["sum", "size"])
    rates = (by_value["sum"] + PRIOR_STEPS * usual) / (by_value["size"] + PRIOR_STEPS)
    return values.fillna("").map(rates).fillna(usual).to_numpy(np.float64)
