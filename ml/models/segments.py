"""segments: which customers are alike, in as many groups as prove stable, or in one."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from ml.errors import FeatureError
from ml.evaluation import Gate, Numbers, failures
from ml.features import KEYS, NAMES, current, validate
from ml.groups.clusters import (
    Scale,
    Trial,
    choose_count,
    find_centres,
    learn_scale,
    nearest,
    spread_left,
    try_counts,
)
from ml.groups.names import named
from ml.groups.report import BASELINE, GROUPS, MEASURE, card, reason_of
from ml.groups.rules import WORDS, learn_rule
from ml.names import named as in_names
from ml.prediction import (
    Column,
    Frames,
    Input,
    Model,
    Reason,
    Refused,
    Trained,
    content_name,
    strongest,
    typed,
)
from ml.promotion import EVIDENCE, NO_EVIDENCE
from ml.times import instant

NAME = "segments"
NAIVE_RULE = "treat all customers as one group"
KEY = ("customer_id",)
# Groups are of today.
HORIZON_DAYS = 1
RECIPE = 1
LEAST_CUSTOMERS, MOST_CUSTOMERS = 500, 20_000
COLUMNS = tuple(WORDS)
FEATURES = Input("insight.customer_features", (*KEYS, *NAMES), "is_current")
TRAINING = {"features": FEATURES}
SCORING = {"features": FEATURES}
RESULT = {
    "customer_id": Column("str"),
    "model_name": Column("category"),
    "horizon_days": Column("int32", lowest=1),
    "as_of": Column("datetime64[us]"),
    "group_name": Column("category"),
    "distance": Column("float64", lowest=0),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Group the current customers of `features`, in as many groups as are stable and proven.

    Ten facts on a logarithmic scale. One group for all is published where no other number of groups
    is found again in another half of the customers, or is more than slices of one cloud. Refused:
    fewer than 500 customers, or features of a later moment than `as_of`. No column is looked
    through for the future: groups foretell nothing, there is no outcome that it could give away,
    and of today's rows there is no later one to know.
    """
    moment = instant(as_of)
    try:
        values, _ = _current(frames, moment)
    except FeatureError as error:
        return Refused(NAME, horizon_days, moment, (str(error),))
    gates = (
        Gate(
            "count_customers", len(values), LEAST_CUSTOMERS,
            f"{len(values):,} customers; at least {LEAST_CUSTOMERS:,} are needed.",
        ),
    )  # fmt: skip
    if failures(gates):
        return Refused(NAME, horizon_days, moment, failures(gates), gates)
    return _train(values, moment, seed, horizon_days, gates)


def inherit(trained: Trained, earlier: Model) -> Trained:
    """Return what was learnt with the names that the groups of an earlier version have."""
    given = _named(trained.champion, earlier)
    if given.version == trained.champion.version:
        return trained
    names = dict(zip(trained.champion.parts["names"], given.parts["names"], strict=True))
    told = [
        {**proposal, "name": names[proposal["name"]]} for proposal in trained.report["proposals"]
    ]
    report = {**trained.report, "proposals": told}
    return replace(trained, champion=given, report={**report, "card": card(report)})


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return the group of every current customer, the one whose middle is nearest."""
    values, frame = _current(frames, None)
    points, centres = _points(model, values), _centres(model)
    group = nearest(points, centres)
    apart = np.sqrt(((points - centres[group]) ** 2).sum(axis=1))
    columns: dict[str, Any] = {
        "customer_id": frame["customer_id"],
        "model_name": model.name,
        "horizon_days": model.horizon_days,
        "as_of": frame["as_of"],
        "group_name": in_names(model.parts["names"], group),
        "distance": apart,
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return what puts the first customer into their group; where all are one, what is unusual."""
    values, _ = _current(frames, None)
    scale = Scale.from_plain(model.parts["scale"])
    if not len(values) or not scale.columns:
        return ()
    points, centres = _points(model, values[:1]), _centres(model)
    group = int(nearest(points, centres)[0])
    centre, name = centres[group], model.parts["names"][group]
    # How much likelier a fact is around the group's middle than around everybody's.
    logs = 0.5 * (points[0] ** 2 - (points[0] - centre) ** 2)
    target = f"odds of {name}"
    if len(centres) == 1:
        logs, target = 0.5 * points[0] ** 2, "distance from the usual customer"
    facts = values[0, [COLUMNS.index(column) for column in scale.columns]]
    return strongest(
        Reason(
            subject=WORDS[column].capitalize(),
            value=None if np.isnan(fact) else float(fact),
            usual=float(usual),
            factor=float(np.exp(np.clip(log, -20, 20))),
            target=target,
        )
        for column, fact, usual, log in zip(scale.columns, facts, scale.medians, logs, strict=True)
    )


def _train(
    values: Numbers, moment: pd.Timestamp, seed: int, days: int, gates: tuple[Gate, ...]
) -> Trained:
    """Choose the number of groups and describe each of them."""
    rows = np.random.default_rng(seed).permutation(len(values))[:MOST_CUSTOMERS]
    drawn = values[np.sort(rows)]
    scale, kept = learn_scale(drawn, COLUMNS)
    points = scale.apply(drawn[:, kept])
    trials = try_counts(points, seed=seed) if scale.columns else []
    count = choose_count(trials)
    digest = content_name([NAME, RECIPE, moment.isoformat(), seed], (values,))

    def publish(kind: str, number: int) -> Model:
        centres = find_centres(points, number, seed=seed) if scale.columns else np.zeros((1, 0))
        parts = {
            "scale": scale.as_plain(),
            "centres": centres.tolist(),
        }
        version = f"{moment:%Y-%m-%d}-{kind}-{digest}"
        return Model(NAME, version, kind, days, moment, NAMES, named(parts))

    groups, one = publish(GROUPS, max(count, 2 if trials else 1)), publish(BASELINE, 1)
    champion, challenger = (groups, one) if count > 1 else (one, groups)
    report: dict[str, Any] = {
        "model_name": NAME,
        "horizon_days": days,
        "as_of": moment.isoformat(),
        "seed": seed,
        "champion": champion.kind,
        "challenger": challenger.kind,
        "status": EVIDENCE if count > 1 else NO_EVIDENCE,
        "reason": reason_of(count, trials),
        "measure": MEASURE,
        "baseline": BASELINE,
        "metrics": {
            model.kind: {MEASURE: 1 - spread_left(points, _centres(model)) if trials else 0.0}
            for model in (one, groups)
        },
        "count_customers": len(values),
        "trials": [_told(trial) for trial in trials],
        "proposals": _proposals(champion, drawn, points, scale, kept, seed) if count > 1 else [],
        "gates": [vars(gate) for gate in gates],
    }
    return Trained(champion, challenger, report["status"], {**report, "card": card(report)})


def _proposals(
    model: Model, values: Numbers, points: Numbers, scale: Scale, kept: Any, seed: int
) -> list[dict[str, Any]]:
    """Return each group with its size and the rule that describes it."""
    group = nearest(points, _centres(model))
    facts = np.where(np.isnan(values[:, kept]), scale.medians, values[:, kept])
    found = []
    for position, name in enumerate(model.parts["names"]):
        is_member = group == position
        rule = learn_rule(facts, scale.columns, is_member, seed=seed)
        middles = np.median(facts[is_member], axis=0)
        found.append(
            {
                "name": name,
                "share": float(is_member.mean()),
                "rule": asdict(rule) if rule else None,
                "medians": {
                    column: [float(middle), float(usual)]
                    for column, middle, usual in zip(
                        scale.columns, middles, scale.medians, strict=True
                    )
                },
            }
        )
    return found


def _named(model: Model, earlier: Model) -> Model:
    """Return a model with inherited names, and a version that tells them."""
    parts = named(model.parts, earlier.parts)
    told = ("names", "next_number", "memory")
    if all(parts[name] == model.parts[name] for name in told):
        return model
    digest = content_name([parts[name] for name in told], ())
    return replace(model, version=f"{model.version}-{digest}", parts=parts)


def _current(frames: Frames, moment: pd.Timestamp | None) -> tuple[Numbers, pd.DataFrame]:
    """Return the facts of the current customers and their frame; none may be of a later moment."""
    frame = current(validate(frames["features"]))
    if moment is not None and len(frame) and instant(frame["as_of"].max()) > moment:
        raise FeatureError(
            f"The features are of {frame['as_of'].max():%Y-%m-%d}, after the clock. "
            "Build them anew."
        )
    return frame[list(COLUMNS)].to_numpy(dtype=np.float64), frame


def _points(model: Model, values: Numbers) -> Numbers:
    """Return facts on the scale of a model."""
    if tuple(model.feature_names) != NAMES:
        raise FeatureError(
            f"Version {model.version} was trained on another feature list. Train it again."
        )
    scale = Scale.from_plain(model.parts["scale"])
    return scale.apply(values[:, [COLUMNS.index(column) for column in scale.columns]])


def _centres(model: Model) -> Numbers:
    """Return the middles of a model's groups."""
    return np.asarray(model.parts["centres"], dtype=np.float64)


def _told(trial: Trial) -> dict[str, Any]:
    """Return a trial as plain data; a reference that was not looked at is None."""
    reference = trial.reference if np.isfinite(trial.reference) else None
    return {**asdict(trial), "reference": reference, "is_proven": trial.is_proven}
