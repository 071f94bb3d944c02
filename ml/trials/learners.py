"""Ways to rank persons by what a contact changes: two models, crossed effects, response, a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.evaluation import Numbers, Outcomes
from ml.features import NAMES, NULLABLE, Matrix
from ml.logistic import Logistic, learn_logistic
from ml.trials.qini import qini

RULE, RESPONSE, T_LOGIT, X_RIDGE = "one_column_rule", "response_model", "t_logit", "x_ridge"
KINDS = (RULE, RESPONSE, T_LOGIT, X_RIDGE)
# Effects are small against what moves orders anyway: coefficients are held near 0.
FREEDOM = 0.01
# Few columns that say who somebody is as a customer: of some thousand contacts more learn noise.
COLUMNS = (
    *("days_since_last_order", "days_since_first_order", "days_since_last_event"),
    *("count_orders", "count_orders_365d", "count_sessions_90d"),
    *("revenue_365d", "average_order_value", "discount_share"),
    *("mean_gap_days", "overdue_ratio"),
)
PLACES = [NAMES.index(name) for name in COLUMNS]
RIDGE_SHARE = 0.03
STEPS = 50


@dataclass(frozen=True)
class Learnt:
    """What an experiment taught: orders with and without a contact, and two more rankings."""

    medians: tuple[float, ...]
    with_contact: Logistic
    without: Logistic
    crossed: tuple[float, ...]
    rule_column: int
    rule_direction: int
    rule_edges: tuple[float, ...]

    def outcomes(self, values: Matrix) -> tuple[Numbers, Numbers]:
        """Return the probability of an order without and with a contact; rows x NAMES."""
        design = draw_design(values, self.medians)
        return self.without.probability(design), self.with_contact.probability(design)

    def score(self, kind: str, values: Matrix) -> Numbers:
        """Return what one kind ranks persons by, the highest first to contact."""
        if kind == RULE:
            column = _filled(values, self.medians)[:, self.rule_column]
            place = np.searchsorted(np.asarray(self.rule_edges), column, side="right")
            ranks: Numbers = self.rule_direction * place / max(len(self.rule_edges), 1)
            return ranks
        if kind == X_RIDGE:
            design = draw_design(values, self.medians)
            scaled = (design - self.without.mean) / self.without.scale
            crossed: Numbers = scaled @ np.asarray(self.crossed[1:]) + self.crossed[0]
            return crossed
        before, after = self.outcomes(values)
        return after if kind == RESPONSE else after - before

    @property
    def rule(self) -> str:
        """Return the rule in words."""
        much = "much" if self.rule_direction > 0 else "little"
        return f"{much} {NAMES[self.rule_column]}"

    def as_plain(self) -> dict[str, Any]:
        """Return what was learnt as plain JSON data."""
        return {
            "medians": list(self.medians),
            "with_contact": self.with_contact.as_plain(),
            "without": self.without.as_plain(),
            "crossed": list(self.crossed),
            "rule_column": self.rule_column,
            "rule_direction": self.rule_direction,
            "rule_edges": list(self.rule_edges),
        }

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Learnt:
        """Return what plain data describes."""
        return cls(
            tuple(content["medians"]),
            Logistic.from_plain(content["with_contact"]),
            Logistic.from_plain(content["without"]),
            tuple(content["crossed"]),
            content["rule_column"],
            content["rule_direction"],
            tuple(content["rule_edges"]),
        )


def learn(values: Matrix, is_contacted: Outcomes, ordered: Outcomes) -> Learnt:
    """Fit every way to n rows x NAMES of a randomised experiment.

    t_logit: a logistic regression per arm. x_ridge: what either arm's model says of the other arm
    taken from what came, both differences learnt by ridge regression and weighed by the arms'
    shares (Künzel et al. 2019). response_model: the contacted arm's model alone. one_column_rule:
    the column that sorts by effect best.
    """
    medians = _medians(values)
    design = draw_design(values, medians)
    arms = (ordered[is_contacted], ordered[~is_contacted])
    fitted = (
        learn_logistic(design[rows], outcome, freedom=FREEDOM)
        for rows, outcome in zip((is_contacted, ~is_contacted), arms, strict=True)
    )
    with_contact, without = (_scaled_as(one, design) for one in fitted)
    column, direction = _best_rule(_filled(values, medians), is_contacted, ordered)
    edges = np.unique(
        np.quantile(_filled(values, medians)[:, column], np.linspace(0, 1, STEPS + 1)[1:-1])
    )
    crossed = _crossed(design, is_contacted, ordered, with_contact, without)
    return Learnt(
        tuple(medians.tolist()),
        with_contact,
        without,
        tuple(crossed.tolist()),
        column,
        direction,
        tuple(edges.tolist()),
    )


def draw_design(values: Matrix, medians: Any) -> Matrix:
    """Return sign(x) log1p|x| of COLUMNS, then flags: which are null, and which others are 0.

    Never is another thing than seldom: nobody who used no coupon is half of somebody who did.
    """
    filled = _filled(values, medians)[:, PLACES]
    is_null = np.isnan(values[:, PLACES])
    is_nullable = np.array([name in NULLABLE for name in COLUMNS])
    flags = np.where(is_nullable, is_null, filled == 0)
    return np.hstack([np.sign(filled) * np.log1p(np.abs(filled)), flags])


def _scaled_as(learnt: Logistic, design: Matrix) -> Logistic:
    """Return the same model on the mean and scale of all rows, so that terms can be compared."""
    mean, scale = design.mean(axis=0), design.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    slopes = np.asarray(learnt.coefficients) / np.asarray(learnt.scale)
    intercept = learnt.intercept + float(((mean - np.asarray(learnt.mean)) * slopes).sum())
    coefficients = slopes * scale
    return Logistic(
        tuple(mean.tolist()), tuple(scale.tolist()), tuple(coefficients.tolist()), intercept
    )


def _crossed(
    design: Matrix,
    is_contacted: Outcomes,
    ordered: Outcomes,
    with_contact: Logistic,
    without: Logistic,
) -> Numbers:
    """Return intercept and coefficients of the crossed effects on the scaled columns."""
    scaled = (design - without.mean) / without.scale
    share = is_contacted.mean()
    gained = ordered - without.probability(design)
    missed = with_contact.probability(design) - ordered
    effects = (
        (1 - share) * _ridge(scaled[is_contacted], gained[is_contacted])
        + share * _ridge(scaled[~is_contacted], missed[~is_contacted])
    )  # fmt: skip
    return np.asarray(effects)


def _ridge(scaled: Matrix, target: Numbers) -> Numbers:
    """Return intercept and coefficients that stay near 0."""
    centre, mean = scaled.mean(axis=0), target.mean()
    centred = scaled - centre
    penalty = RIDGE_SHARE * len(scaled) * np.eye(scaled.shape[1])
    slopes = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (target - mean))
    return np.concatenate([[mean - centre @ slopes], slopes])


def _best_rule(filled: Matrix, is_contacted: Outcomes, ordered: Outcomes) -> tuple[int, int]:
    """Return the column whose order, and the direction in which it, sorts by effect best."""
    share = is_contacted.mean()
    weight = np.where(is_contacted, 1 / share, -1 / (1 - share))
    effect = (ordered - ordered.mean()) * weight
    areas = np.array([qini(column, effect) for column in filled.T])
    column = int(np.argmax(np.abs(areas)))
    return column, 1 if areas[column] >= 0 else -1


def _filled(values: Matrix, medians: Any) -> Matrix:
    return np.asarray(np.where(np.isnan(values), medians, values))


def _medians(values: Matrix) -> Numbers:
    known = np.where(np.isnan(values).all(axis=0), 0.0, values)
    medians: Numbers = np.nanmedian(known, axis=0)
    return medians
