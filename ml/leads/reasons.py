"""Why a lead is likely to buy, or not: what each fact adds to the odds."""

from __future__ import annotations

import numpy as np

from ml.leads.cards import Calibration, PointsCard
from ml.leads.facts import Leads
from ml.prediction import Reason, strongest

TARGET = "odds of a sale"


def explain_lead(
    leads: Leads, calibration: Calibration, card: PointsCard | None, usual_score: float
) -> tuple[Reason, ...]:
    """Return the reasons of the first lead by a learnt card, or by the hand-set score.

    Acts are told as they are worth today, each halving with its half-life.
    """
    if card is None:
        return _by_score(leads, calibration, usual_score)
    row = card.matrix(leads)[:1]
    terms = card.logistic.terms(row)[0]
    is_act = np.arange(len(terms)) < len(card.half_lives)
    own, usual = (
        np.where(is_act, np.expm1(side), side) for side in (row[0], np.asarray(card.logistic.mean))
    )
    factors = np.exp(np.clip(terms, -10, 10))
    acts = [f"{name} (faded)" for name in sorted(card.half_lives)]
    subjects = [*acts, *card.subjects[len(acts) :]]
    found = zip(subjects, own, usual, factors, strict=True)
    return strongest(
        Reason(subject, float(value), float(normal), float(factor), TARGET)
        for subject, value, normal, factor in found
    )


def _by_score(leads: Leads, calibration: Calibration, usual: float) -> tuple[Reason, ...]:
    rates = np.asarray(calibration.rates)
    own = float(leads.score[0])
    odds = np.interp([own, usual], calibration.scores, np.log(rates / (1 - rates)))
    reason = Reason("Hand-set score", own, usual, float(np.exp(odds[0] - odds[1])), TARGET)
    return strongest([reason])
