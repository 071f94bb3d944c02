"""Judge rankings on people they did not see: every row is scored by models of the other folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml import evaluation
from ml.evaluation import Interval, Numbers
from ml.logistic import learn_logistic
from ml.recipes import linear_design
from ml.trials.learners import FREEDOM, KINDS, learn
from ml.trials.qini import best_line, effect_scores
from ml.trials.trial import Trial

FOLDS = 5


@dataclass(frozen=True)
class CrossFit:
    """Per row: its fold, scores by kind, odds without and with a contact, effect on orders."""

    fold: npt.NDArray[np.int64]
    scores: Mapping[str, Numbers]
    without: Numbers
    with_contact: Numbers
    effect: Numbers

    def uplift(self, kind: str) -> Numbers:
        """Return the effect that each row is expected to have, by a line from the other folds."""
        score, expected = self.scores[kind], np.empty(len(self.effect))
        for fold in range(FOLDS):
            held = self.fold == fold
            intercept, slope = best_line(score[~held], self.effect[~held])
            expected[held] = intercept + slope * score[held]
        return expected


def cross_fit(trial: Trial, *, seed: int) -> CrossFit:
    """Score every row of a trial out of fold."""
    fold = deal(trial, seed=seed)
    scores = {kind: np.empty(len(trial)) for kind in KINDS}
    without, with_contact = np.empty(len(trial)), np.empty(len(trial))
    for number in range(FOLDS):
        held = fold == number
        learnt = learn(trial.matrix[~held], trial.is_contacted[~held], trial.ordered[~held])
        for kind in KINDS:
            scores[kind][held] = learnt.score(kind, trial.matrix[held])
        without[held], with_contact[held] = learnt.outcomes(trial.matrix[held])
    effect = effect_scores(trial.is_contacted, trial.ordered.astype(float), without, with_contact)
    return CrossFit(fold, scores, without, with_contact, effect)


def deal(trial: Trial, *, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each row, arms and outcomes dealt out evenly."""
    group = trial.is_contacted * 2 + trial.ordered
    order = np.lexsort([np.random.default_rng(seed).random(len(trial)), group])
    fold = np.empty(len(trial), dtype=np.int64)
    fold[order] = np.arange(len(trial)) % FOLDS
    return fold


def predict_arms(trial: Trial, *, seed: int) -> Interval:
    """Return how much better the arm can be told from the features than by its share alone.

    The difference of log losses out of fold: below zero who was contacted was not left to chance.
    """
    fold, told = deal(trial, seed=seed), np.empty(len(trial))
    medians = np.where(np.isnan(trial.matrix).all(axis=0), 0.0, trial.matrix)
    design = linear_design(trial.matrix, np.nanmedian(medians, axis=0))
    for number in range(FOLDS):
        held = fold == number
        model = learn_logistic(design[~held], trial.is_contacted[~held], freedom=FREEDOM)
        told[held] = model.probability(design[held])
    chance = np.full(len(trial), trial.share)
    return evaluation.log_loss_difference(trial.is_contacted, told, chance, seed=seed)
