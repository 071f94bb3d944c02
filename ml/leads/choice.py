"""When a learnt card takes the place of the one set by hand: never silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml import evaluation
from ml.evaluation import Interval
from ml.leads.cards import HAND_CARD, LEARNT_CARD
from ml.leads.windows import Judged, outcomes, pooled
from ml.promotion import EVIDENCE, NO_EVIDENCE, Choice, saved

HAND_SET = "the card set by hand"


def choose_card(judged: Mapping[str, Sequence[Judged]], *, seed: int) -> Choice:
    """Choose between the cards on the newest closed window of each kind of lead.

    Takes the windows that each kind was judged on, oldest first.

    The learnt one is chosen when over all of them its log loss is lower with 95 % confidence
    (paired bootstrap), and nothing speaks against it: mean probability / actual rate within 0.8
    and 1.25 in each kind, in none a log loss that is higher with 95 % confidence, and over the
    windows before no higher one either.
    """
    newest = [windows[-1] for windows in judged.values()]
    before = [one for windows in judged.values() for one in windows[:-1]]
    overall = _difference(newest, seed)
    told = (
        f"log loss of the learnt card against the hand-set one {overall.mean:+.4f} "
        f"(95 % interval {overall.lower:+.4f} to {overall.upper:+.4f})"
    )
    against = _objections(newest, seed)
    if overall.upper >= 0:
        against = ["that is not proven to be lower", *against]
    if before and _difference(before, seed).mean >= 0:
        against.append("in the windows before it was not lower")
    gains = [{**saved(LEARNT_CARD, overall), "against": HAND_SET}]
    if not against:
        reason = f"On the newest closed window: {told}, with the right level."
        return Choice(EVIDENCE, LEARNT_CARD, HAND_CARD, reason, gains)
    reason = f"The hand-set card stays: {told}; {'; '.join(against)}."
    return Choice(NO_EVIDENCE, HAND_CARD, LEARNT_CARD, reason, gains)


def _objections(newest: Sequence[Judged], seed: int) -> list[str]:
    """Return what speaks against the learnt card in each kind of lead."""
    found = []
    for one in newest:
        kind = str(one.leads.frame["lead_kind"].iloc[0])
        metrics = evaluation.measure(one.leads.is_sale, one.probability[LEARNT_CARD])
        if not evaluation.is_calibrated(metrics):
            found.append(
                f"its mean probability is {metrics.calibration_ratio or 0:.2f} times the rate of "
                f"{kind}s, outside 0.8 to 1.25"
            )
        if len(newest) > 1 and _difference([one], seed).lower > 0:
            found.append(f"it is worse for {kind}s")
    return found


def _difference(judged: Sequence[Judged], seed: int) -> Interval:
    learnt, hand = (pooled(judged, card) for card in (LEARNT_CARD, HAND_CARD))
    return evaluation.log_loss_difference(outcomes(judged), learnt, hand, seed=seed)
