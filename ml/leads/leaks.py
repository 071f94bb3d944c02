"""Facts and acts of leads that know the future: looked for before either card is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ml.evaluation import Numbers, Outcomes
from ml.leads.facts import ACTS, Leads, Trait
from ml.leaks import Leak, Watched, find_leaks

# The hand-set score: where it knows the future, so does the naive rule.
SCORE = "score"


def find_in_leads(closed: Leads, current: Leads, *, seed: int) -> tuple[Leak, ...]:
    """Return what knows the future of the closed windows of a kind of lead.

    Takes the windows that the cards are judged on and today's leads of the same kind. A score, an
    act or a fact is one column, the acts faded by the half-lives set by hand.
    """
    facts = _facts(closed)
    newest = closed.frame["snapshot_on"].max()
    test = (closed.frame["snapshot_on"] == newest).to_numpy(dtype=bool)
    before = (closed.frame["ends_on"] <= newest).to_numpy(dtype=bool)
    learnt, judged = (_watched(closed.where(rows), facts) for rows in (before, test))
    names = [SCORE, *(name_of(fact) for fact in facts)]
    return find_leaks(names, learnt, judged, _matrix(current, facts), seed=seed)


def cleared(leads: Leads, leaks: Sequence[Leak]) -> Leads:
    """Return leads of whom nobody has the facts, and did the acts, that know the future."""
    names = {leak.feature for leak in leaks}
    acts = {
        name: one for name, one in leads.acts.items() if name_of((ACTS, name)) not in names
    }  # fmt: skip
    traits = {fact: one for fact, one in leads.traits.items() if name_of(fact) not in names}
    return replace(leads, acts=acts, traits=traits)


def name_of(fact: Trait) -> str:
    """Return how a fact or a type of act is called in a reason."""
    return f"{fact[0]} {fact[1]}"


def is_refused(leaks: Sequence[Leak]) -> bool:
    """Tell whether the hand-set score itself knows the future: then there is no naive rule."""
    return any(leak.feature == SCORE for leak in leaks)


def _facts(leads: Leads) -> list[Trait]:
    return [*((ACTS, name) for name in sorted(leads.acts)), *sorted(leads.traits)]


def _watched(leads: Leads, facts: Sequence[Trait]) -> Watched:
    nothing: Numbers = np.zeros((len(leads), 0))
    return Watched(_matrix(leads, facts), nothing, leads.is_sale)


def _matrix(leads: Leads, facts: Sequence[Trait]) -> Numbers:
    """Return rows x (score, facts), 0 where a lead has none."""
    columns = [leads.score, *(_column(leads, fact) for fact in facts)]
    return np.column_stack(columns)


def _column(leads: Leads, fact: Trait) -> Numbers:
    nothing: Outcomes = np.zeros(len(leads), dtype=bool)
    if fact[0] != ACTS:
        return leads.traits.get(fact, nothing).astype(np.float64)
    if fact[1] not in leads.acts:
        return nothing.astype(np.float64)
    return leads.acts[fact[1]].faded(leads.half_life, len(leads))
