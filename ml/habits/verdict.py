"""What a habit is worth, judged by later answers of the same persons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.evaluation import Interval, Numbers, paired_interval
from ml.habits.answers import Answers, Codes
from ml.habits.habit import TRAITS, Habit, choose, count_of, observed, ratios

# 95 % for all three habits together (Bonferroni): one of them must not be found by luck.
LEVEL, REPEATS = 1 - 0.05 / len(TRAITS), 1_000


@dataclass(frozen=True)
class Verdict:
    """What a habit is worth for answers that came later, per person who had answered before."""

    hit_rate: float
    shop_hit_rate: float
    log_loss: float
    shop_log_loss: float
    hits: Interval
    loss: Interval
    count_persons: int

    @property
    def is_proven(self) -> bool:
        """Tell whether the personal choice meets more answers, and its odds are nearer."""
        return self.hits.lower > 0 and self.loss.upper < 0


def judge_habit(habit: Habit, before: Answers, within: Answers, *, seed: int) -> Verdict:
    """Judge choices made from earlier answers by later ones of the same persons.

    Hits are answers at the chosen value or within its span; the loss is that of the odds given the
    kind of answer. Both are means per person, compared with the shop's by a paired bootstrap,
    jointly for all habits.
    """
    chosen = choose(habit, before)
    ratio = ratios(*count_of(habit, before), habit.strength)
    bins, kind = observed(habit.name, habit.values, habit.kinds, within)
    counted = np.bincount(before.customer, minlength=len(before.customers)) > 0
    rows = np.flatnonzero((bins >= 0) & (kind >= 0) & counted[within.customer])
    person, at = within.customer[rows], bins[rows]
    usual = habit.base[kind[rows]]
    own = usual * ratio[person]
    own = own / own.sum(axis=1, keepdims=True)
    line = np.arange(len(rows))
    columns = (
        _is_hit(at, chosen.best[person], habit),
        _is_hit(at, np.full(len(rows), habit.best), habit),
        -np.log(own[line, at]),
        -np.log(usual[line, at]),
    )
    distinct, code = np.unique(person, return_inverse=True)
    size = np.maximum(np.bincount(code), 1)
    means = [np.bincount(code, weights=column) / size for column in columns]
    told = [float(mean.mean()) if len(mean) else 0.0 for mean in means]
    return Verdict(
        hit_rate=told[0],
        shop_hit_rate=told[1],
        log_loss=told[2],
        shop_log_loss=told[3],
        hits=paired_interval(means[0] - means[1], seed=seed, repeats=REPEATS, level=LEVEL),
        loss=paired_interval(means[2] - means[3], seed=seed, repeats=REPEATS, level=LEVEL),
        count_persons=len(distinct),
    )


def _is_hit(at: Codes, chosen: Codes, habit: Habit) -> Numbers:
    """Return 1 for answers within the span of what was chosen, else 0."""
    apart = np.abs(at - chosen)
    near = np.minimum(apart, len(habit.values) - apart) <= habit.span
    return np.asarray(near, dtype=np.float64)
