"""next_action: what an anonymous visitor does next, as three actions with their probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array

from ml import evaluation, leaks, promotion
from ml.errors import FeatureError
from ml.prediction import (
    Column,
    Frames,
    Input,
    Model,
    Reason,
    Refused,
    Trained,
    content_name,
    typed,
)
from ml.sessions.facts import ACTIONS, FEATURES, Design, follow, read_steps, seconds_silent
from ml.sessions.judging import (
    TOLD,
    by_action,
    gates,
    loss_difference,
    measure,
    plain,
    split,
)
from ml.sessions.leaks import cleared, find_in_steps
from ml.sessions.next_steps import (
    KINDS,
    LOGISTIC,
    MARKOV,
    Markov,
    Silence,
    Softmax,
    learn_markov,
    learn_silence,
    learn_softmax,
    names_of,
    place_of,
)
from ml.sessions.reasons import explain_step
from ml.sessions.report import card
from ml.times import instant

NAME = "next_action"
NAIVE_RULE = "expect what usually follows the last action"
KEY = ("session_id", "action_rank")
# It looks at the rest of a visit: no day of it.
HORIZON_DAYS = 0
RECIPE = 1
MAX_VISITS = 20_000
TRAINING = {"steps": FEATURES, "actions": ACTIONS}
SCORING = {"steps": Input(FEATURES.relation, FEATURES.columns, "is_current")}
RESULT = {
    "session_id": Column("str"),
    "action_rank": Column("int32", lowest=1, highest=TOLD),
    "model_name": Column("category"),
    "as_of": Column("datetime64[us]"),
    "next_action": Column("category"),
    "probability": Column("float64", lowest=0, highest=1),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Learn from past visits what follows what, judge on later ones, refit, and choose.

    Takes `steps` (features of anonymous visits at each step) and `actions` (what came next).
    What usually follows the last action is published unless a logistic regression on the visit so
    far has a lower log loss with 95 % confidence (visits drawn) and the right level. A column that
    knows the next action is left out of fit and scores, told in the report's `left_out`. Returns
    Refused with reasons when the data is too thin; raises FeatureError for frames that break their
    contract.
    """
    moment = instant(as_of)
    steps = read_steps(frames["steps"], until=moment)
    followed = follow(steps, frames["actions"], until=moment)
    training, test = split(followed)
    told = gates(followed, training, test)
    failures = evaluation.failures(told)
    if failures:
        return Refused(NAME, horizon_days, moment, failures, told)
    found = find_in_steps(_sampled(training, seed), test, seed=seed)
    left_out = [leak.feature for leak in found]
    followed, training, test = (cleared(rows, left_out) for rows in (followed, training, test))
    judged, choice = _judge(_sampled(training, seed), test, seed)
    newest = _sampled(followed, seed)
    identity = _identity(newest, moment, seed)
    champion, challenger = (
        _publish(kind, newest, moment, horizon_days, identity, left_out)
        for kind in (choice.champion, choice.challenger)
    )
    report = {
        "model_name": NAME,
        "horizon_days": horizon_days,
        "as_of": moment.isoformat(),
        "seed": seed,
        **vars(choice),
        "measure": "log_loss",
        "baseline": MARKOV,
        **judged,
        "windows": {name: _facts(rows) for name, rows in (("training", training), ("test", test))},
        "left_out": leaks.as_plain(found),
        "gates": [vars(gate) for gate in told],
    }
    return Trained(champion, challenger, choice.status, {**report, "card": card(report)})


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return three rows per open visit: the likeliest next actions, given its silence since.

    Takes `steps`; those that are not current are left out.
    """
    steps = _current(model, frames)
    actions = tuple(model.parts["actions"])
    chances = _learnt(model).probability(steps)
    probability = _silence(model).given(chances, actions, seconds_silent(steps))
    count = min(TOLD, len(actions))
    told = np.argsort(-probability, axis=1, kind="stable")[:, :count]
    columns: dict[str, Any] = {
        "session_id": np.repeat(steps["session_id"].to_numpy(), count),
        "action_rank": np.tile(np.arange(1, count + 1), len(steps)),
        "model_name": model.name,
        "as_of": np.repeat(steps["as_of"].to_numpy(), count),
        "next_action": np.asarray(actions, dtype=object)[told].ravel(),
        "probability": np.take_along_axis(probability, told, axis=1).ravel(),
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return what makes the likeliest next action of the first open visit more or less likely."""
    steps = _current(model, frames)
    if steps.empty:
        return ()
    actions = tuple(model.parts["actions"])
    return explain_step(_learnt(model), _silence(model), actions, steps.iloc[:1])


def _current(model: Model, frames: Frames) -> pd.DataFrame:
    if "actions" not in model.parts:
        raise FeatureError(f"Version {model.version} knows no actions. Train it again.")
    steps = cleared(read_steps(frames["steps"]), model.parts.get("left_out", ()))
    return steps[steps["is_current"]].reset_index(drop=True)


def _silence(model: Model) -> Silence:
    return Silence({name: tuple(at) for name, at in model.parts["silence"].items()})


def _learnt(model: Model) -> Markov | Softmax:
    content = model.parts["learnt"]
    if model.kind == MARKOV:
        after = {action: tuple(shares) for action, shares in content["after"].items()}
        return Markov(tuple(content["usual"]), after)
    design = Design({name: tuple(values) for name, values in content["design"].items()})
    mean, scale, intercepts = (tuple(content[name]) for name in ("mean", "scale", "intercepts"))
    weights = tuple(tuple(row) for row in content["weights"])
    return Softmax(design, mean, scale, weights, intercepts)


def _learn(kind: str, followed: pd.DataFrame, actions: tuple[str, ...]) -> Markov | Softmax:
    learn = learn_softmax if kind == LOGISTIC else learn_markov
    return learn(followed, actions)


def _judge(
    training: pd.DataFrame, test: pd.DataFrame, seed: int
) -> tuple[dict[str, Any], promotion.Choice]:
    """Fit every kind on the earlier visits, measure on the later ones, and choose."""
    actions = names_of(training)
    place = place_of(test, actions)
    probability = {kind: _learn(kind, training, actions).probability(test) for kind in KINDS}
    metrics = {kind: measure(place, values) for kind, values in probability.items()}

    def compare(candidate: str, reference: str) -> evaluation.Interval:
        one, other = probability[candidate], probability[reference]
        return loss_difference(test, place, one, other, seed=seed)

    choice = promotion.choose_in_order(KINDS, metrics, compare)
    return {
        "metrics": {kind: plain(one) for kind, one in metrics.items()},
        "actions": by_action(test, actions, probability[choice.champion]),
    }, choice


def _publish(
    kind: str,
    followed: pd.DataFrame,
    moment: pd.Timestamp,
    horizon_days: int,
    identity: str,
    left_out: list[str],
) -> Model:
    """Fit one kind on all visits that are over, as plain data."""
    actions = names_of(followed)
    learnt = _learn(kind, followed, actions)
    content = dict(vars(learnt))
    if isinstance(learnt, Softmax):
        content["design"] = learnt.design.as_plain()
    parts = {
        "actions": list(actions),
        "learnt": content,
        "silence": dict(learn_silence(followed, actions).seconds),
        "left_out": left_out,
    }
    version = f"{moment:%Y-%m-%d}-{kind}-{identity}"
    return Model(NAME, version, kind, horizon_days, moment, (), parts)


def _sampled(followed: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return whole visits, at most so many, drawn by chance."""
    visits = followed["session_id"].unique()
    if len(visits) <= MAX_VISITS:
        return followed
    kept = np.random.default_rng(seed).choice(np.sort(visits), MAX_VISITS, replace=False)
    return followed[followed["session_id"].isin(set(kept))].reset_index(drop=True)


def _identity(followed: pd.DataFrame, moment: pd.Timestamp, seed: int) -> str:
    """Return the name of everything a fit depends on."""
    columns = [name for name in followed if name not in ("occurred_at", "as_of", "is_current")]
    texts = [followed[name].astype("object").astype(str).to_numpy(object) for name in columns]
    arrays = [hash_array(text, categorize=True) for text in texts]
    return content_name([NAME, RECIPE, moment.isoformat(), seed], arrays)


def _facts(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the dates and counts of some visits."""
    return {
        "from": f"{rows['occurred_at'].min():%Y-%m-%d}",
        "to": f"{rows['occurred_at'].max():%Y-%m-%d}",
        "visits": int(rows["session_id"].nunique()),
        "steps": len(rows),
    }
