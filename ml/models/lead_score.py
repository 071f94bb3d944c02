"""lead_score: whether a prospect or a company buys soon, by a card set by hand and one learnt."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from ml import evaluation, leaks
from ml.errors import FeatureError
from ml.evaluation import Gate
from ml.leads.cards import (
    CARDS,
    HAND_CARD,
    Calibration,
    PointsCard,
    calibrate,
    learn_card,
    side_by_side,
)
from ml.leads.choice import choose_card
from ml.leads.facts import ACTIVITIES, FACTS, MOMENTS, Leads, read_leads
from ml.leads.handover import chosen_threshold, draw_handover
from ml.leads.leaks import cleared, find_in_leads, is_refused
from ml.leads.reasons import explain_lead
from ml.leads.report import card as render
from ml.leads.windows import Judged, closed_of, lead_gates, outcomes, pooled, roll
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
from ml.times import instant

NAME = "lead_score"
NAIVE_RULE = "rank leads by the points that you set by hand"
KEY = ("customer_id",)
HORIZON_DAYS = 30
# Volumes of hand-over are of all leads; the sample is drawn here, per kind.
COUNTS_PEOPLE = True
RECIPE = 1
# Snapshots of one kind that are learnt from; more are drawn by persons.
MAX_ROWS = 200_000
LEAD_KINDS = ("prospect", "account")
TRAINING = {"moments": MOMENTS, "activities": ACTIVITIES, "facts": FACTS}
SCORING = {**TRAINING, "moments": Input(MOMENTS.relation, MOMENTS.columns, "is_current")}
RESULT = {
    "customer_id": Column("str"),
    "model_name": Column("category"),
    "horizon_days": Column("int32", lowest=1),
    "as_of": Column("datetime64[us]"),
    "lead_kind": Column("category"),
    "probability": Column("float64", lowest=0, highest=1),
    "hand_set_probability": Column("float64", lowest=0, highest=1),
    "learnt_probability": Column("float64", lowest=0, highest=1),
    "handover_probability": Column("float64", lowest=0, highest=1),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Calibrate the hand-set card, learn another, judge both over time, and choose.

    Takes `moments` (leads at past snapshots and now), `activities` and `facts`. Each kind of lead
    has cards of its own; one with too few sales is left out, and with none left it is refused.
    An act or a fact that knows the future is not learnt from; a kind whose hand-set score does is
    left out.
    The learnt card is published when on the newest closed window its log loss is below the
    hand-set one's with 95 % confidence and its level is right; else the hand-set one stays. The
    days of a kind's horizon are those of its rules. Raises FeatureError for frames that break
    their contract.
    """
    moment = instant(as_of)
    leads = read_leads(frames, until=moment)
    closed = {kind: closed_of(leads, kind, until=moment) for kind in LEAD_KINDS}
    gates = {kind: lead_gates(closed[kind], kind) for kind in LEAD_KINDS}
    ready = [kind for kind in LEAD_KINDS if not evaluation.failures(gates[kind])]
    told = tuple(gate for kind in LEAD_KINDS for gate in gates[kind])
    found = {
        kind: find_in_leads(_fewer(closed[kind], seed), _fewer(_now(leads, kind), seed), seed=seed)
        for kind in ready
    }
    broken = [one.reason for kind in ready if is_refused(found[kind]) for one in found[kind]]
    ready = [kind for kind in ready if not is_refused(found[kind])]
    if not ready:
        return Refused(NAME, horizon_days, moment, (*evaluation.failures(told), *broken), told)
    kept = {kind: cleared(closed[kind], found[kind]) for kind in ready}
    trained = _train(kept, told, moment, seed, horizon_days)
    left_out = leaks.as_plain(leak for kind in ready for leak in found[kind])
    reason = " ".join([trained.report["reason"], *broken])
    return replace(trained, report={**trained.report, "reason": reason, "left_out": left_out})


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return one row per current lead of a kind that the model knows, by both cards.

    Takes `moments`, `activities` and `facts`. `handover_probability` is where a call begins to
    pay, null where it never does.
    """
    rows = [_scored(model, kind, leads) for kind, leads in _current(model, frames).items()]
    found = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(RESULT))
    columns: dict[str, Any] = {
        **{str(name): found[name] for name in found},
        "model_name": model.name,
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return what moves the odds of the first current lead, by the card that is published."""
    for kind, leads in _current(model, frames).items():
        if len(leads):
            calibration, learnt = _cards(model, kind)
            usual = float(model.parts["leads"][kind]["usual_score"])
            card = None if model.kind == HAND_CARD else learnt
            return explain_lead(leads, calibration, card, usual)
    return ()


def _fewer(leads: Leads, seed: int) -> Leads:
    """Return leads, or those of some persons drawn by chance: at most about MAX_ROWS rows."""
    return leads.drawn(min(1.0, MAX_ROWS / max(len(leads), 1)), seed=seed)


def _now(leads: Leads, kind: str) -> Leads:
    """Return today's leads of a kind."""
    frame = leads.frame
    is_meant = (frame["lead_kind"] == kind) & frame["is_current"].astype(bool)
    return leads.where(is_meant.to_numpy(dtype=bool))


def _current(model: Model, frames: Frames) -> dict[str, Leads]:
    """Return the current leads of every kind that a model knows."""
    if "leads" not in model.parts:
        raise FeatureError(f"Version {model.version} has no cards of leads. Train it again.")
    moments = frames["moments"]
    now = {**frames, "moments": moments[moments["is_current"].astype(bool)]}
    leads = read_leads(now, with_points=False)
    kinds, weights = leads.frame["lead_kind"], leads.frame["score_version"]
    if (weights != model.parts["score_version"]).any():
        raise FeatureError(
            f"Version {model.version} knows the weights {model.parts['score_version']}, and others "
            "are active now. Train it again."
        )
    return {
        kind: leads.where((kinds == kind).to_numpy(dtype=bool)) for kind in model.parts["leads"]
    }


def _cards(model: Model, kind: str) -> tuple[Calibration, PointsCard]:
    parts = model.parts["leads"][kind]
    hand = parts["calibration"]
    calibration = Calibration(tuple(hand["scores"]), tuple(hand["rates"]))
    return calibration, PointsCard.from_plain(parts["card"])


def _scored(model: Model, kind: str, leads: Leads) -> pd.DataFrame:
    """Return what both cards say of the leads of one kind."""
    calibration, learnt = _cards(model, kind)
    hand, learned = calibration.probability(leads), learnt.probability(leads)
    probability = hand if model.kind == HAND_CARD else learned
    parts = model.parts["leads"][kind]
    threshold = parts["thresholds"][model.kind]
    return pd.DataFrame(
        {
            "customer_id": leads.frame["customer_id"],
            "lead_kind": kind,
            "horizon_days": parts["horizon_days"],
            "as_of": leads.frame["as_of"],
            "probability": probability,
            "hand_set_probability": hand,
            "learnt_probability": learned,
            "handover_probability": np.nan if threshold is None else threshold,
        }
    )


def _train(
    closed: dict[str, Leads],
    gates: tuple[Gate, ...],
    moment: pd.Timestamp,
    seed: int,
    horizon_days: int,
) -> Trained:
    """Judge both cards over time, choose on the newest windows, learn again from all."""
    share = {kind: min(1.0, MAX_ROWS / len(leads)) for kind, leads in closed.items()}
    closed = {kind: leads.drawn(share[kind], seed=seed) for kind, leads in closed.items()}
    judged = {kind: roll(leads) for kind, leads in closed.items()}
    choice = choose_card(judged, seed=seed)
    curves = {
        kind: {card: draw_handover(windows, card, share=share[kind]) for card in CARDS}
        for kind, windows in judged.items()
    }
    learnt = {kind: learn_card(leads) for kind, leads in closed.items()}
    parts = {
        "score_version": str(next(iter(closed.values())).frame["score_version"].iloc[-1]),
        "leads": {
            kind: {
                "calibration": asdict(calibrate(leads)),
                "card": learnt[kind].as_plain(),
                "usual_score": float(np.median(leads.score)),
                "horizon_days": int(leads.frame["horizon_days"].iloc[-1]),
                "thresholds": {card: chosen_threshold(curves[kind][card]) for card in CARDS},
            }
            for kind, leads in closed.items()
        },
    }
    identity = content_name(
        [NAME, RECIPE, moment.isoformat(), seed, parts],
        [pooled(windows, card) for windows in judged.values() for card in CARDS],
    )

    def publish(kind: str) -> Model:
        version = f"{moment:%Y-%m-%d}-{kind}-{identity}"
        return Model(NAME, version, kind, horizon_days, moment, (), parts)

    report = {
        "model_name": NAME,
        "horizon_days": horizon_days,
        "as_of": moment.isoformat(),
        "seed": seed,
        "status": choice.status,
        "champion": choice.champion,
        "challenger": choice.challenger,
        "reason": _reason(choice.reason, gates),
        "measure": "log_loss",
        "baseline": HAND_CARD,
        "gains": choice.gains,
        **_measured([windows[-1] for windows in judged.values()], choice.champion),
        "rolling": [one.measures() for windows in judged.values() for one in windows],
        "cards": {kind: side_by_side(learnt[kind], leads) for kind, leads in closed.items()},
        "handover": curves,
        "kinds_left_out": [kind for kind in LEAD_KINDS if kind not in closed],
        "gates": [vars(gate) for gate in gates],
    }
    champion, challenger = publish(choice.champion), publish(choice.challenger)
    return Trained(champion, challenger, choice.status, {**report, "card": render(report)})


def _measured(newest: list[Judged], champion: str) -> dict[str, Any]:
    actual = outcomes(newest)
    return {
        "test_as_of": f"{max(one.snapshot_on for one in newest):%Y-%m-%d}",
        "metrics": {
            card: asdict(evaluation.measure(actual, pooled(newest, card))) for card in CARDS
        },
        "calibration": evaluation.calibration_table(actual, pooled(newest, champion)),
    }


def _reason(choice: str, gates: tuple[Gate, ...]) -> str:
    """Return why a card was chosen, and which kinds of lead have none."""
    left_out = evaluation.failures(gates)
    return choice + (f" Left out: {' '.join(left_out)}" if left_out else "")
