"""What contacting whom pays would bring, against contacting everybody and nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.evaluation import Interval, Numbers, paired_interval
from ml.trials.crossfit import CrossFit
from ml.trials.qini import effect_scores
from ml.trials.trial import Trial


@dataclass(frozen=True)
class PolicyValue:
    """Margin less cost per person: of the policy, of contacting all, and the differences."""

    share_contacted: float
    value: Interval
    value_of_all: Interval
    against_all: Interval


def expected_gain(uplift: Numbers, margin: Numbers, cost: float) -> Numbers:
    """Return what a contact is expected to bring: orders it adds times their margin, less cost."""
    gain: Numbers = uplift * margin - cost
    return gain


def value_policy(trial: Trial, fitted: CrossFit, kind: str, *, seed: int) -> PolicyValue:
    """Measure the policy "contact where the expected gain is above 0" on the trial's own margins.

    Whom it contacts is told by the other folds; what that brings is the difference of the arms,
    weighed by how likely each was drawn, against contacting nobody.
    """
    chosen = expected_gain(fitted.uplift(kind), trial.usual_margin, trial.cost) > 0
    brings = effect_scores(
        trial.is_contacted,
        trial.margin,
        fitted.without * trial.usual_margin,
        fitted.with_contact * trial.usual_margin,
    )
    net = brings - trial.cost
    return PolicyValue(
        share_contacted=float(chosen.mean()),
        value=paired_interval(np.where(chosen, net, 0.0), seed=seed),
        value_of_all=paired_interval(net, seed=seed),
        against_all=paired_interval(np.where(chosen, 0.0, -net), seed=seed),
    )
