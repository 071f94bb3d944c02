"""What is particular about when and how a person answers, shrunken towards what is usual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml.evaluation import Numbers
from ml.habits.answers import Answers, Codes

HOUR, WEEKDAY, CHANNEL = "hour", "weekday", "channel"
TRAITS = (HOUR, WEEKDAY, CHANNEL)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Mails are opened after they were sent: their weekday is the shop's, and so is part of their hour.
MAIL = "mail"
SPANS = {HOUR: 1, WEEKDAY: 0, CHANNEL: 0}
LEAST_VISITS = 500
STRENGTHS = (0.05, 10_000.0)
CHUNK, TIE = 100_000, 1e-6


@dataclass(frozen=True)
class Habit:
    """What a shop's customers are used to in one respect, and how far single ones differ.

    `base` has one row of shares per kind of answer, `target` those among which the best is chosen;
    `strength` is the number of answers that what is usual weighs as much as. The best is the value
    whose share together with its `span` neighbours on either side is the largest.
    """

    name: str
    values: tuple[Any, ...]
    kinds: tuple[str, ...]
    base: Numbers
    target: Numbers
    strength: float
    span: int
    is_personal: bool

    @property
    def best(self) -> int:
        """The shop's best value, as a position."""
        return int(_appeal(self.target, self.span).argmax())

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            **{name: list(getattr(self, name)) for name in ("values", "kinds")},
            **{name: getattr(self, name).tolist() for name in ("base", "target")},
            **{name: getattr(self, name) for name in ("name", "strength", "span", "is_personal")},
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Habit:
        """Return what `as_plain` described."""
        return cls(
            name=plain["name"],
            values=tuple(plain["values"]),
            kinds=tuple(plain["kinds"]),
            base=np.asarray(plain["base"], dtype=np.float64),
            target=np.asarray(plain["target"], dtype=np.float64),
            strength=float(plain["strength"]),
            span=int(plain["span"]),
            is_personal=bool(plain["is_personal"]),
        )


@dataclass(frozen=True)
class Chosen:
    """The best value per person and the shop's, as positions, with their odds for the person."""

    best: Codes
    odds: Numbers
    shop_odds: Numbers
    counts: Codes


def spanned(shares: Numbers, span: int) -> Numbers:
    """Return the share of each value and its neighbours; the last is next to the first."""
    moved = (np.roll(shares, step, axis=-1) for step in range(-span, span + 1))
    return np.asarray(sum(moved))


def learn_habit(name: str, answers: Answers) -> Habit:
    """Learn a habit's usual shares and how far persons differ from them.

    Persons' shares are Dirichlet around what is usual for the kinds of answers they gave; the
    strength has the highest likelihood of the counts (the Polya distribution: Minka 2000,
    "Estimating a Dirichlet distribution", 2012 edition, eq. 53).
    """
    values = values_of(name, answers)
    kinds = answers.kinds if name != CHANNEL else ("any",)
    if name == WEEKDAY:
        kinds = tuple(kind for kind in kinds if kind != MAIL) or kinds
    bins, kind = observed(name, values, kinds, answers)
    is_used = (bins >= 0) & (kind >= 0)
    table = np.zeros((len(kinds), len(values)))
    np.add.at(table, (kind[is_used], bins[is_used]), 1)
    own = [position for position, one in enumerate(kinds) if one != MAIL]
    chosen = table[own] if table[own].sum() >= LEAST_VISITS else table
    draft = Habit(
        name=name,
        values=values,
        kinds=kinds,
        base=_shares(table),
        target=_shares(chosen.sum(axis=0)),
        strength=STRENGTHS[1],
        span=SPANS[name],
        is_personal=True,
    )
    return _with_strength(draft, answers)


def values_of(name: str, answers: Answers) -> tuple[Any, ...]:
    """Return the values that a habit chooses among."""
    if name == CHANNEL:
        return answers.channels or ("none",)
    return tuple(range(24)) if name == HOUR else DAYS


def observed(
    name: str, values: Sequence[Any], kinds: Sequence[str], answers: Answers
) -> tuple[Codes, Codes]:
    """Return the positions of the value and the kind of each answer, -1 for what is not known."""
    if name == CHANNEL:
        return _positions(answers.channel, answers.channels, values), np.zeros(
            len(answers), dtype=np.int64
        )
    bins = answers.hour if name == HOUR else answers.weekday
    return bins, _positions(answers.kind, answers.kinds, kinds)


def count_of(habit: Habit, answers: Answers) -> tuple[Numbers, Numbers]:
    """Return answers per person and value, and how many would be usual for their kinds."""
    bins, kind = observed(habit.name, habit.values, habit.kinds, answers)
    used = np.flatnonzero((bins >= 0) & (kind >= 0))
    shape = (len(answers.customers), len(habit.values))
    counts = np.bincount(
        answers.customer[used] * shape[1] + bins[used], minlength=shape[0] * shape[1]
    )
    by_kind = np.bincount(
        answers.customer[used] * len(habit.kinds) + kind[used],
        minlength=shape[0] * len(habit.kinds),
    )
    usual = by_kind.reshape(shape[0], len(habit.kinds)) @ habit.base
    return counts.reshape(shape).astype(np.float64), usual


def ratios(counts: Numbers, usual: Numbers, strength: float) -> Numbers:
    """Return how many times as often as usual each person is expected to answer at each value.

    (n + strength x m) / ((N + strength) x m), the mean of the Dirichlet's posterior over what is
    usual, with m the usual share for the kinds of the person's N answers; 1 without an answer.
    """
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(usual, total, out=np.ones_like(usual), where=total > 0)
    return np.asarray((counts + strength * share) / ((total + strength) * share))


def choose(habit: Habit, answers: Answers) -> Chosen:
    """Choose for each of the customers, in chunks; the shop's where nothing is better."""
    counts, usual = count_of(habit, answers)
    # Who gave no answer gets what the shop does: the one more row, of no answers.
    number = counts.sum(axis=1).astype(np.int64)
    told = np.flatnonzero(number > 0) if habit.is_personal else np.zeros(0, dtype=np.int64)
    nobody = np.zeros((1, counts.shape[1]))
    parts = [
        _choose(habit, nobody, nobody),
        *(
            _choose(habit, counts[told[start : start + CHUNK]], usual[told[start : start + CHUNK]])
            for start in range(0, len(told), CHUNK)
        ),
    ]
    place = np.zeros(len(counts), dtype=np.int64)
    place[told] = np.arange(1, len(told) + 1)
    best, odds, shop = (np.concatenate(column)[place] for column in zip(*parts, strict=True))
    return Chosen(best, odds, shop, number)


def _choose(habit: Habit, counts: Numbers, usual: Numbers) -> tuple[Codes, Numbers, Numbers]:
    """Return best value, its odds and those of the shop's best for some persons."""
    shop = habit.best
    shares = habit.target * ratios(counts, usual, habit.strength)
    shares = shares / shares.sum(axis=1, keepdims=True)
    if not habit.is_personal:
        shares = np.broadcast_to(habit.target, shares.shape)
    odds, appeal = spanned(shares, habit.span), _appeal(shares, habit.span)
    line, best = np.arange(len(odds)), appeal.argmax(axis=1)
    best = np.where(appeal[line, best] > appeal[:, shop] + 1e-9, best, shop)
    # Sums of shares may end a hair above 1.
    limited = np.clip(odds, 0.0, 1.0)
    return best, limited[line, best], limited[:, shop]


def _with_strength(habit: Habit, answers: Answers) -> Habit:
    """Return the habit with the strength that makes the counts likeliest."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    counts, usual = count_of(habit, answers)
    total = counts.sum(axis=1)
    tells = total >= 2
    counts, total = counts[tells], total[tells]
    share = usual[tells] / total[:, None]
    cells = counts > 0
    seen, mean = counts[cells], share[cells]

    def unlikelihood(log_strength: float) -> float:
        strength = np.exp(log_strength)
        persons = (gammaln(strength) - gammaln(strength + total)).sum()
        return -float(persons + (gammaln(strength * mean + seen) - gammaln(strength * mean)).sum())

    if not len(total):
        return habit
    limits = (float(np.log(STRENGTHS[0])), float(np.log(STRENGTHS[1])))
    found = minimize_scalar(unlikelihood, bounds=limits, method="bounded")
    return replace(habit, strength=float(np.exp(found.x)))


def _appeal(shares: Numbers, span: int) -> Numbers:
    """Return what the best value is chosen by: its odds, and where they tie its own share."""
    return np.asarray(spanned(shares, span) + TIE * shares)


def _shares(table: Numbers) -> Numbers:
    """Return the shares in each row, with half an answer more everywhere (Jeffreys)."""
    filled = table + 0.5
    return np.asarray(filled / filled.sum(axis=-1, keepdims=True))


def _positions(codes: Codes, names: Sequence[str], known: Sequence[Any]) -> Codes:
    """Return where the names of codes are among the known ones, -1 where they are not."""
    places = {name: position for position, name in enumerate(known)}
    # One more place, for the code -1.
    moved = np.array([*(places.get(name, -1) for name in names), -1], dtype=np.int64)
    return moved[codes]
