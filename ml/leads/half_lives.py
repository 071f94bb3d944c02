"""How fast acts of each type lose their worth: chosen from a grid on leads of a later time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from ml.evaluation import Numbers, Outcomes, log_losses
from ml.leads.facts import Integers, Leads
from ml.logistic import learn_logistic

# The half-life that the version of the scores sets for a lead.
HAND_SET = 0
GRID_DAYS = (7, 14, 30, 60, 90, 180, 365)
# Outcomes on either side of the split below which no half-life is learnt.
LEAST_SALES = 30
# How near coefficients stay to 0: columns are many and sales few.
FREEDOM = 0.1
STEPS = 12
# 95 % confidence that the best of the grid is better at all (Bonferroni, two-sided).
Z_OF_BEST = 2.69
HalfLives = Mapping[str, int]


def faded(leads: Leads, name: str, days: int) -> Numbers:
    """Return the faded acts of one type per row; none where nobody did it."""
    if name not in leads.acts:
        return np.zeros(len(leads))
    half_life = leads.half_life if days == HAND_SET else np.full(len(leads), float(days))
    return leads.acts[name].faded(half_life, len(leads))


def act_columns(leads: Leads, half_lives: HalfLives) -> list[Numbers]:
    """Return one column per type of act, in the order of the names."""
    return [faded(leads, name, half_lives[name]) for name in sorted(half_lives)]


def choose_half_lives(
    leads: Leads, names: Iterable[str], other_columns: Sequence[Numbers]
) -> dict[str, int]:
    """Choose a half-life for each type of act; HAND_SET unless another is better later on.

    Learns on the older windows and judges on the newest third, which begin after those are closed.
    With everything else held as it was learnt with the hand-set half-lives, one line per
    half-life is fitted; the best one is taken when it lowers the log loss of the later leads by
    95 % confidence (persons counted once). Too few sales: all stay hand-set.
    """
    chosen = dict.fromkeys(sorted(names), HAND_SET)
    early, late = _split(leads)
    is_sale = leads.is_sale
    if not chosen or min(is_sale[early].sum(), is_sale[late].sum()) < LEAST_SALES:
        return chosen
    matrix = np.column_stack([*act_columns(leads, chosen), *other_columns])
    fitted = learn_logistic(matrix[early], is_sale[early], freedom=FREEDOM)
    terms = fitted.terms(matrix)
    log_odds = terms.sum(axis=1) + fitted.intercept
    persons = pd.factorize(leads.frame["customer_id"])[0].astype(np.int64)
    for place in _by_weight(terms[:, : len(chosen)]):
        name = sorted(chosen)[place]
        without = log_odds - terms[:, place]
        lines = {
            days: _line(faded(leads, name, days), without, is_sale, early)
            for days in (HAND_SET, *GRID_DAYS)
        }
        losses = {days: _loss(line[late], is_sale[late]) for days, line in lines.items()}
        best = min(losses, key=lambda days: float(losses[days].mean()))
        if _is_better(losses[HAND_SET] - losses[best], persons[late]):
            chosen[name], log_odds = best, lines[best]
    return chosen


def _split(leads: Leads) -> tuple[Outcomes, Outcomes]:
    """Return which rows are learnt from and which, of a later time, are judged on."""
    begins = leads.frame["snapshot_on"]
    starts = np.sort(begins.unique())
    if len(starts) < 2:
        nothing = np.zeros(len(leads), dtype=bool)
        return nothing, nothing
    first = starts[-max(1, len(starts) // 3)]
    late = (begins >= first).to_numpy(dtype=bool)
    early = (leads.frame["ends_on"] <= first).to_numpy(dtype=bool)
    return early, late


def _by_weight(terms: Numbers) -> list[int]:
    """Return columns by how far they move the log odds, most first."""
    return [int(place) for place in np.argsort(-terms.std(axis=0), kind="stable")]


def _line(column: Numbers, without: Numbers, is_sale: Outcomes, early: Outcomes) -> Numbers:
    """Return the log odds of all rows with one column fitted to the early ones (Newton)."""
    design = np.column_stack([np.ones(int(early.sum())), column[early]])
    weights = np.zeros(2)
    for _ in range(STEPS):
        probability = _logistic(without[early] + design @ weights)
        slope = design.T @ (is_sale[early] - probability) - 1e-3 * weights
        curve = (design * (probability * (1 - probability))[:, None]).T @ design
        step = np.linalg.solve(curve + 1e-3 * np.eye(2), slope)
        weights = weights + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-6:
            break
    line: Numbers = without + weights[0] + column * weights[1]
    return line


def _loss(log_odds: Numbers, is_sale: Outcomes) -> Numbers:
    return log_losses(is_sale, _logistic(log_odds))


def _is_better(gain: Numbers, persons: Integers) -> bool:
    """Tell whether the gain is above 0 with 95 % confidence, a person's months being one."""
    spread = np.bincount(persons, weights=gain - gain.mean())
    return float(gain.sum()) > Z_OF_BEST * float(np.sqrt((spread**2).sum()))


def _logistic(log_odds: Numbers) -> Numbers:
    probability: Numbers = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    return probability
