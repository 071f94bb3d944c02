"""Why an action is told to be the next one of a visit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.evaluation import Numbers
from ml.prediction import Reason, strongest
from ml.sessions.facts import HOUR, NAMED, seconds_silent
from ml.sessions.next_steps import Markov, Silence, Softmax


def explain_step(
    learnt: Markov | Softmax, silence: Silence, actions: tuple[str, ...], step: pd.DataFrame
) -> tuple[Reason, ...]:
    """Return what moves the odds of the likeliest next action of one step, strongest first."""
    chances = learnt.probability(step)[0]
    silent = seconds_silent(step)
    after = silence.given(chances[None, :], actions, silent)[0]
    best = int(np.argmax(after))
    target = f"odds of {actions[best]}"
    factor = _odds(float(after[best])) / _odds(float(chances[best]))
    waited = Reason("Seconds without an action", float(silent[0]), None, factor, target)
    return strongest([waited, *_facts(learnt, chances, best, step, target)])


def _facts(
    learnt: Markov | Softmax, chances: Numbers, best: int, step: pd.DataFrame, target: str
) -> list[Reason]:
    """Return what each fact of a step does to the odds of one action."""
    if isinstance(learnt, Markov):
        usual = learnt.usual[best]
        factor = _odds(float(chances[best])) / _odds(usual)
        subject = f"Last action is {step['last_action'].iloc[0]}"
        return [Reason(subject, 1.0, None, factor, target)]
    weights = np.asarray(learnt.weights)
    # Against what the same fact does for the other actions, each by its chance.
    others = np.delete(chances, best) / max(1 - chances[best], 1e-9)
    slopes = weights[best] - others @ np.delete(weights, best, axis=0)
    terms = learnt.standard(step)[0] * slopes
    reasons = []
    for group in (
        *NAMED,
        *dict.fromkeys(name for name, value in learnt.design.groups if not value),
    ):
        places = [at for at, (name, _) in enumerate(learnt.design.groups) if name == group]
        factor = float(np.exp(np.clip(terms[places].sum(), -10, 10)))
        reasons.append(_reason(learnt, step, group, places, factor, target))
    return reasons


def _reason(
    learnt: Softmax, step: pd.DataFrame, group: str, places: list[int], factor: float, target: str
) -> Reason:
    value, name = step[group].iloc[0], group.replace("_", " ").capitalize()
    if group in NAMED:
        shares = [learnt.mean[at] for at in places if learnt.design.groups[at][1] == value]
        known = value if pd.notna(value) else "none"
        return Reason(f"{name} is {known}", 1.0, shares[0] if shares else 0.0, factor, target)
    usual = None if group == HOUR else float(np.expm1(learnt.mean[places[0]]))
    return Reason(name, None if pd.isna(value) else float(value), usual, factor, target)


def _odds(chance: float) -> float:
    inside = min(max(chance, 1e-9), 1 - 1e-9)
    return inside / (1 - inside)
