"""Cards retrained before each closed window and judged on it: how lead_score does over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ml import evaluation
from ml.evaluation import Gate, Numbers, Outcomes
from ml.leads.cards import HAND_CARD, LEARNT_CARD, calibrate, learn_card
from ml.leads.facts import Leads

# The learnt card of the first window, never trained again: what retraining is worth.
FROZEN_CARD = "points_card_not_retrained"
LEAST_LEARNT, LEAST_JUDGED = 50, 30
MOST_WINDOWS = 6
MEASURES = ("log_loss", "auc", "calibration_ratio")


@dataclass(frozen=True)
class Judged:
    """One window of one kind of lead, and what each card said of it beforehand."""

    leads: Leads
    probability: Mapping[str, Numbers] = field(repr=False)

    @property
    def snapshot_on(self) -> pd.Timestamp:
        """Return the window's first day."""
        return pd.Timestamp(self.leads.frame["snapshot_on"].iloc[0])

    def measures(self) -> dict[str, Any]:
        """Return the window's day, size and the measures of each card."""
        row: dict[str, Any] = {
            "lead_kind": str(self.leads.frame["lead_kind"].iloc[0]),
            "snapshot_on": f"{self.snapshot_on:%Y-%m-%d}",
            "count_leads": len(self.leads),
            "count_sales": int(self.leads.is_sale.sum()),
        }
        for card, probability in self.probability.items():
            measured = asdict(evaluation.measure(self.leads.is_sale, probability))
            row.update({f"{card}/{name}": measured[name] for name in MEASURES})
        return row


def closed_of(leads: Leads, lead_kind: str, *, until: pd.Timestamp) -> Leads:
    """Return the leads of a kind in windows whose outcome is known."""
    frame = leads.frame
    # Days are the shop's own, which may be one ahead of the clock's.
    is_closed = frame["closes_on"] <= until.normalize() + pd.Timedelta(days=1)
    is_meant = (frame["lead_kind"] == lead_kind) & ~frame["is_current"].astype(bool) & is_closed
    return leads.where(is_meant.to_numpy(dtype=bool))


def lead_gates(leads: Leads, lead_kind: str) -> tuple[Gate, ...]:
    """Return the gates of one kind: sales to learn from, and later ones to judge on."""
    days = _days(leads)
    if not days:
        reason = f"0 closed windows with {lead_kind}s; at least 2 are needed."
        return (Gate(f"{lead_kind}_windows", 0, 2, reason),)
    newest, before = _begins(leads, days[-1]), _known_by(leads, days[-1])
    gates = []
    for name, rows, least, when in (
        ("training", before, LEAST_LEARNT, "in windows that were over when the newest began"),
        ("test", newest, LEAST_JUDGED, "in the newest closed window"),
    ):
        sold = int(leads.is_sale[rows].sum())
        others = int(rows.sum()) - sold
        for what, count in (("sales to", sold), ("leads without a sale among", others)):
            reason = f"{count:,} {what} {lead_kind}s {when}; at least {least} are needed."
            gates.append(Gate(f"{lead_kind}_{name}_{what.split()[0]}", count, least, reason))
    return tuple(gates)


def roll(leads: Leads) -> list[Judged]:
    """Train before each of the newest windows and judge on it; the last one is the newest.

    Takes the closed windows of one kind that passes its gates. Nothing of a window is known to a
    card that is judged on it: it learns from those that had ended when it began.
    """
    days = [day for day in _days(leads) if _is_enough(leads, _known_by(leads, day))]
    judged, first = [], None
    for day in days[-MOST_WINDOWS:]:
        before, window = leads.where(_known_by(leads, day)), leads.where(_begins(leads, day))
        card = learn_card(before)
        first = first or card
        probability = {
            HAND_CARD: calibrate(before).probability(window),
            LEARNT_CARD: card.probability(window),
            FROZEN_CARD: first.probability(window),
        }
        judged.append(Judged(window, probability))
    return judged


def pooled(judged: Sequence[Judged], card: str) -> Numbers:
    """Return what a card said of all leads of some windows."""
    return np.concatenate([one.probability[card] for one in judged])


def outcomes(judged: Sequence[Judged]) -> Outcomes:
    """Return which leads of some windows bought."""
    return np.concatenate([one.leads.is_sale for one in judged])


def _is_enough(leads: Leads, rows: Outcomes) -> bool:
    sold = int(leads.is_sale[rows].sum())
    return min(sold, int(rows.sum()) - sold) >= LEAST_LEARNT


def _days(leads: Leads) -> list[pd.Timestamp]:
    return sorted(pd.Timestamp(day) for day in leads.frame["snapshot_on"].unique())


def _begins(leads: Leads, day: pd.Timestamp) -> Outcomes:
    return (leads.frame["snapshot_on"] == day).to_numpy(dtype=bool)


def _known_by(leads: Leads, day: pd.Timestamp) -> Outcomes:
    return (leads.frame["ends_on"] <= day).to_numpy(dtype=bool)
