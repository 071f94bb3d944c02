"""Two ways to tell what a visitor does next, and what silence says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.evaluation import Numbers
from ml.sessions.facts import Design, learn_design

MARKOV, LOGISTIC = "markov", "logistic"
# From the simplest on: what usually follows the last action is the one to beat.
KINDS = (MARKOV, LOGISTIC)
LEAVES, OTHERS = "leaves", "something else"
# Times an action has to be seen to be told by its name.
LEAST_TIMES = 30
PRIOR_STEPS = 20.0
SMALLEST = 1e-9
GRID = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Markov:
    """What follows each action: shares drawn towards what follows any."""

    usual: tuple[float, ...]
    after: Mapping[str, tuple[float, ...]]

    def probability(self, steps: pd.DataFrame) -> Numbers:
        """Return one row per step and one column per action."""
        rows = [self.after.get(str(action), self.usual) for action in steps["last_action"]]
        return np.asarray(rows, dtype=np.float64).reshape(len(steps), len(self.usual))


@dataclass(frozen=True)
class Softmax:
    """Multinomial logistic regression on the design of a visit's steps."""

    design: Design
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    intercepts: tuple[float, ...]

    def standard(self, steps: pd.DataFrame) -> Numbers:
        """Return the columns of each step against the mean step."""
        rows: Numbers = (self.design.matrix(steps) - self.mean) / self.scale
        return rows

    def probability(self, steps: pd.DataFrame) -> Numbers:
        """Return one row per step and one column per action."""
        scores = self.standard(steps) @ np.asarray(self.weights).T + np.asarray(self.intercepts)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return _shares(odds)


@dataclass(frozen=True)
class Silence:
    """Seconds after which each action had come, at every twentieth; leaving never comes."""

    seconds: Mapping[str, tuple[float, ...]]

    def given(self, probability: Numbers, actions: tuple[str, ...], silent: Numbers) -> Numbers:
        """Return probabilities of actions of visitors who did nothing for so many seconds.

        By Bayes: an action that would mostly have come by now is less likely than it was.
        """
        still = np.ones_like(probability)
        for place, action in enumerate(actions):
            if action in self.seconds:
                still[:, place] = 1 - np.interp(silent, self.seconds[action], GRID)
        return _shares(probability * np.maximum(still, SMALLEST))


def names_of(followed: pd.DataFrame) -> tuple[str, ...]:
    """Return the actions seen often enough, and one name for all others where there are some."""
    counts = followed["next_action"].value_counts()
    names = sorted(counts.index[counts >= LEAST_TIMES].astype(str))
    return (*names, *([OTHERS] if (counts < LEAST_TIMES).any() else []))


def place_of(followed: pd.DataFrame, actions: tuple[str, ...]) -> Any:
    """Return the place of each step's next action; -1 where a new one has no name to go by."""
    places = {action: place for place, action in enumerate(actions)}
    others = places.get(OTHERS, -1)
    return np.array([places.get(str(one), others) for one in followed["next_action"]], dtype=int)


def learn_markov(followed: pd.DataFrame, actions: tuple[str, ...]) -> Markov:
    """Count what followed what."""
    place = place_of(followed, actions)
    counts = np.bincount(place, minlength=len(actions)) + 1.0
    usual = counts / counts.sum()
    after = {}
    for action, rows in followed.groupby("last_action").indices.items():
        seen = np.bincount(place[rows], minlength=len(actions)) + PRIOR_STEPS * usual
        after[str(action)] = tuple((seen / seen.sum()).tolist())
    return Markov(tuple(usual.tolist()), after)


def learn_softmax(followed: pd.DataFrame, actions: tuple[str, ...]) -> Softmax:
    """Fit all actions at once; every action has to have been seen."""
    from sklearn.linear_model import LogisticRegression

    design = learn_design(followed)
    matrix, place = design.matrix(followed), place_of(followed, actions)
    mean, deviation = matrix.mean(axis=0), matrix.std(axis=0)
    scale = np.where(deviation > 1e-9, deviation, 1.0)
    fitted = LogisticRegression(C=0.1, max_iter=500)
    fitted.fit((matrix - mean) / scale, place)
    weights, intercepts = fitted.coef_, fitted.intercept_
    if len(actions) == 2:
        weights, intercepts = (np.concatenate([-one, one]) / 2 for one in (weights, intercepts))
    return Softmax(
        design,
        tuple(mean.tolist()),
        tuple(scale.tolist()),
        tuple(tuple(row) for row in weights.tolist()),
        tuple(intercepts.tolist()),
    )


def learn_silence(followed: pd.DataFrame, actions: tuple[str, ...]) -> Silence:
    """Measure how long each action takes to come."""
    place, seconds = place_of(followed, actions), followed["seconds_to_next"].to_numpy(np.float64)
    found = {}
    for number, action in enumerate(actions):
        waits = seconds[(place == number) & ~np.isnan(seconds)]
        if action != LEAVES and len(waits):
            found[action] = tuple(np.quantile(waits, GRID).tolist())
    return Silence(found)


def _shares(odds: Numbers) -> Numbers:
    shares: Numbers = odds / odds.sum(axis=1, keepdims=True)
    return shares
