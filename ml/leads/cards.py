"""The two points cards of lead_score: the one set by hand, calibrated, and the one learnt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ml.evaluation import Numbers
from ml.leads.facts import ACTS, Leads, Trait
from ml.leads.half_lives import FREEDOM, act_columns, choose_half_lives
from ml.logistic import Logistic, learn_logistic

HAND_CARD, LEARNT_CARD = "hand_set", "points_card"
CARDS = (HAND_CARD, LEARNT_CARD)
# Twenty points double the odds, the usual scale of points cards.
POINTS = 20 / np.log(2)
# Leads below which a type of act or a trait is not learnt.
LEAST_LEADS = 30
BAND = 5
# Leads at the usual rate that every band of scores begins with.
PRIOR_LEADS = 2.0


@dataclass(frozen=True)
class Calibration:
    """The sale rate at each of a few scores, rising; between them straight lines of log odds."""

    scores: tuple[float, ...]
    rates: tuple[float, ...]

    def probability(self, leads: Leads) -> Numbers:
        """Return the probability of a sale by the hand-set score."""
        rates = np.asarray(self.rates)
        log_odds = np.interp(leads.score, self.scores, np.log(rates / (1 - rates)))
        probability: Numbers = 1 / (1 + np.exp(-log_odds))
        return probability


def calibrate(leads: Leads) -> Calibration:
    """Return what each score was worth: sale rates of bands of five points, never falling."""
    from sklearn.isotonic import isotonic_regression

    _, band = np.unique(np.floor(leads.score / BAND), return_inverse=True)
    count = np.bincount(band).astype(np.float64)
    sold = np.bincount(band, weights=leads.is_sale)
    usual = (leads.is_sale.sum() + 1) / (len(leads) + 2)
    weight = count + PRIOR_LEADS
    rates = isotonic_regression((sold + PRIOR_LEADS * usual) / weight, sample_weight=weight)
    centres = np.bincount(band, weights=leads.score) / count
    return Calibration(tuple(centres.tolist()), tuple(np.clip(rates, 1e-6, 1 - 1e-6).tolist()))


@dataclass(frozen=True)
class PointsCard:
    """A learnt card: a half-life per type of act, the traits it knows, and what they weigh."""

    half_lives: dict[str, int]
    traits: tuple[Trait, ...]
    logistic: Logistic = field(repr=False)

    def probability(self, leads: Leads) -> Numbers:
        """Return the probability of a sale of each row; what the card does not know adds 0."""
        return self.logistic.probability(self.matrix(leads))

    def matrix(self, leads: Leads) -> Numbers:
        """Return the columns of the card: faded acts, then traits."""
        acts = act_columns(leads, self.half_lives)
        return _stack([*acts, *trait_columns(leads, self.traits)], len(leads))

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        acts = (f"acts: {name}" for name in sorted(self.half_lives))
        return (*acts, *(f"{attribute} is {trait}" for attribute, trait in self.traits))

    @property
    def points(self) -> tuple[float, ...]:
        """Return what one act of today, or a trait, adds in points."""
        slopes = np.asarray(self.logistic.coefficients) / np.asarray(self.logistic.scale)
        unit = np.where(np.arange(len(slopes)) < len(self.half_lives), np.log(2), 1.0)
        return tuple((POINTS * slopes * unit).tolist())

    def as_plain(self) -> dict[str, Any]:
        """Return what was learnt as plain data."""
        traits = [list(trait) for trait in self.traits]
        plain = {"half_lives": dict(self.half_lives), "traits": traits}
        return {**plain, "logistic": self.logistic.as_plain()}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> PointsCard:
        """Return the card that plain data describes."""
        traits = tuple((str(a), str(t)) for a, t in content["traits"])
        return cls(dict(content["half_lives"]), traits, Logistic.from_plain(content["logistic"]))


def learn_card(leads: Leads) -> PointsCard:
    """Learn a card from leads of closed windows: half-lives on later ones, weights on all."""
    names = [name for name in leads.acts if leads.bearers((ACTS, name)) >= LEAST_LEADS]
    traits = tuple(one for one in sorted(leads.traits) if leads.bearers(one) >= LEAST_LEADS)
    half_lives = choose_half_lives(leads, names, trait_columns(leads, traits))
    columns = [*act_columns(leads, half_lives), *trait_columns(leads, traits)]
    if not columns:
        odds = (leads.is_sale.sum() + 1) / ((~leads.is_sale).sum() + 1)
        return PointsCard({}, (), Logistic((), (), (), float(np.log(odds))))
    logistic = learn_logistic(_stack(columns, len(leads)), leads.is_sale, freedom=FREEDOM)
    return PointsCard(half_lives, traits, logistic)


def trait_columns(leads: Leads, traits: tuple[Trait, ...]) -> list[Numbers]:
    """Return one column of 0 and 1 per trait; a trait that nobody has is 0."""
    nobody = np.zeros(len(leads), dtype=bool)
    return [leads.traits.get(trait, nobody).astype(np.float64) for trait in traits]


def side_by_side(card: PointsCard, leads: Leads) -> list[dict[str, Any]]:
    """Return one row per fact: points learnt, points set by hand, half-life, leads that bear it.

    For an act they are those of one act of today.
    """
    days = [card.half_lives[name] or "hand-set" for name in sorted(card.half_lives)]
    facts: list[Trait] = [*((ACTS, name) for name in sorted(card.half_lives)), *card.traits]
    return [
        {
            "fact": subject,
            "learnt_points": round(points, 1),
            "hand_set_points": leads.hand_points.get(fact),
            "half_life_days": half_life,
            "count_leads": leads.bearers(fact),
        }
        for subject, points, fact, half_life in zip(
            card.subjects, card.points, facts, [*days, *[None] * len(card.traits)], strict=True
        )
    ]


def _stack(columns: list[Numbers], rows: int) -> Numbers:
    return np.column_stack(columns) if columns else np.zeros((rows, 0))
