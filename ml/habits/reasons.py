"""Why a person's best hour, weekday or channel is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ml.habits.answers import Answers
from ml.habits.habit import CHANNEL, HOUR, Habit, choose, count_of, spanned
from ml.prediction import Reason


def explain_habits(habits: Sequence[Habit], answers: Answers) -> tuple[Reason, ...]:
    """Return one reason per habit of the first customer: percent of answers, and what is usual.

    Where the shop's choice is used, its reason is the share of all customers' answers against a
    value drawn at random.
    """
    if not len(answers.customers):
        return ()
    return tuple(
        _own(habit, answers) if habit.is_personal else _shop(habit)
        for habit in habits
        if len(habit.values) > 1
    )


def name_of(habit: Habit, position: int) -> str:
    """Return a value in words."""
    value = habit.values[position]
    return f"{value:02d}:00 (and the hours beside it)" if habit.name == HOUR else str(value)


def _own(habit: Habit, answers: Answers) -> Reason:
    """Return what a person's own answers say of their best value."""
    first = answers.chosen(answers.customer == 0)
    chosen = choose(habit, first)
    best = int(chosen.best[0])
    counts, _ = count_of(habit, first)
    total = counts[0].sum()
    share = float(spanned(counts[0], habit.span)[best] / total) if total else None
    usual = float(spanned(habit.target, habit.span)[best])
    factor = float(chosen.odds[0]) / usual
    return _reason(habit, best, f"% of {total:,.0f} answers", share, usual, factor)


def _shop(habit: Habit) -> Reason:
    """Return what everybody's answers say of the shop's best value."""
    share = float(spanned(habit.target, habit.span)[habit.best])
    usual = (2 * habit.span + 1) / len(habit.values)
    what = "% of all customers' answers"
    return _reason(habit, habit.best, what, share, usual, share / usual)


def _reason(habit: Habit, best: int, what: str, share: Any, usual: float, factor: float) -> Reason:
    """Return a reason in percent."""
    place = {HOUR: "at", CHANNEL: "by"}.get(habit.name, "on")
    return Reason(
        subject=f"{what} {place} {name_of(habit, best)}",
        value=None if share is None else 100 * share,
        usual=100 * usual,
        factor=factor,
        target=f"odds of this {habit.name}",
    )
