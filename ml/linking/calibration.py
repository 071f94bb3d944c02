"""Turn the levels that pairs of records reach into weights and honest probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.linking.comparing import DIFFERENT, GIVEN_NAME_LEVELS
from ml.linking.matching import NAMES, Compared
from ml.linking.training import Level, probability, sum_bits

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 100
# Scores in bits are counted by thousandths: millions of pairs have few different ones.
DIGITS = 3
# Fields that relatives share, and the pairs that the plain view of a cell of both stands for.
SHARED = ("last_name", "address")
PLAIN_PAIRS = 5.0
# Pairs that the stated chances of given names stand for, and rounds of learning them anew.
STATED_PAIRS, LEARNING_ROUNDS = 50.0, 6


def weigh(
    compared: Compared, count_pairs: int, is_vetoed: Flags, *, has_households: bool
) -> pd.DataFrame:
    """Return one column of bits per field, and `prior`; their sum is the score of a pair.

    The prior is the share of matches among all `count_pairs` possible pairs that the scores
    themselves add up to; vetoed pairs are none. The random pairs that u was counted in hold
    matches too: what these contribute is taken off.
    """
    rate, levels = 1.0 / count_pairs, compared.levels
    for _ in range(3):
        bits = _bits(compared.pairs, levels)
        rate = _match_rate(bits.sum(axis=1).to_numpy()[~is_vetoed], count_pairs)
        levels = tuple(_without_matches(one, rate, has_households) for one in compared.levels)
    return bits.assign(prior=np.log2(rate / (1 - rate)))


def correct_for_relatives(pairs: pd.DataFrame, bits: pd.DataFrame) -> pd.DataFrame:
    """Return the bits with first_name learned anew, and `relatives`, which makes up for kinship.

    The sum takes last name and address for independent; relatives share both. Here the share of
    matches in each cell (pairs with equal levels of the two) is learned from what the other fields
    say, and together with it how persons write their given name: relatives have any other, so the
    two cannot be mistaken for one another. Where relatives outnumber chance, a rare last name
    proves nothing. Pairs that only a key with the given name led to are no fair sample of their
    cell and keep their plain view.
    """
    rarity = pairs["rarity_last_name"].to_numpy()
    shared = bits[["prior", *SHARED]].sum(axis=1).to_numpy() - rarity
    level = pairs["level_first_name"].to_numpy()
    is_fair = pairs["is_found_by_address"].to_numpy(dtype=bool)
    cell = pairs.groupby([f"level_{field}" for field in SHARED]).ngroup().to_numpy()
    members = [rows[is_fair[rows]] for rows in _rows_by_number(cell) if is_fair[rows].any()]
    corrected, habits = bits.assign(relatives=0.0), np.zeros(int(level.max(initial=0)) + 1)
    for _ in range(LEARNING_ROUNDS):
        own = corrected.drop(columns=["prior", "relatives", *SHARED]).sum(axis=1).to_numpy()
        correction = np.zeros(len(pairs))
        for rows in members:
            correction[rows] = _cell_correction(own[rows], rarity[rows], shared[rows])
        corrected["relatives"] = correction
        chance = probability(corrected.sum(axis=1).to_numpy())
        habits += _change_of_habits(level[is_fair], chance[is_fair], habits)
        learned = np.where(level >= 0, habits[np.maximum(level, 0)], 0.0)
        corrected["first_name"] = bits["first_name"] + learned
    return corrected


def _rows_by_number(numbers: npt.NDArray[np.integer[Any]]) -> list[npt.NDArray[np.int64]]:
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)


def _cell_correction(own: Numbers, rarity: Numbers, shared: Numbers) -> Numbers:
    plain = float(shared[0])
    correction = _cell_bits(own + rarity, plain) - plain
    if correction > -1.0:
        return np.full(len(own), correction)
    return _cell_bits(own, plain) - plain - rarity


def _change_of_habits(level: Numbers, chance: Numbers, habits: Numbers) -> Numbers:
    """Return the bits by which the stated chances of agreeing given names are to change.

    How often they differ is never learned: that is where relatives would come in.
    """
    stated = np.array(list(GIVEN_NAME_LEVELS.values()))[::-1][: len(habits)]
    matches = np.array([chance[level == value].sum() for value in range(len(habits))])
    agreeing = 1 - stated[DIFFERENT]
    counted = matches / max(matches[1:].sum(), 1.0) * agreeing
    weight = matches[1:].sum() / (matches[1:].sum() + STATED_PAIRS)
    wanted = np.log2((weight * counted + (1 - weight) * stated) / stated)
    wanted[DIFFERENT] = 0.0
    return np.asarray(wanted - habits)


def choose_threshold(probabilities: Numbers, target: float, lowest: float) -> float | None:
    """Return the lowest threshold from `lowest` on whose links have a mean probability of at least
    the target, the expected precision; None when there is none.
    """
    ordered = np.sort(probabilities[probabilities >= lowest])[::-1]
    if not len(ordered):
        return None
    means = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    is_last = np.append(ordered[1:] < ordered[:-1], True)
    reached = np.flatnonzero(is_last & (means >= target))
    return float(ordered[reached[-1]]) if len(reached) else None


def _bits(pairs: pd.DataFrame, levels: Sequence[Level]) -> pd.DataFrame:
    """Return the bits of every field, rare names included."""
    bits = sum_bits(pairs, levels)
    for field in NAMES:
        bits[field] += pairs[f"rarity_{field}"]
    return bits


def _without_matches(level: Level, rate: float, has_households: bool) -> Level:
    """Take the matches among the random pairs off u.

    Where nobody shares an address hardly anything else is left, so the estimate may lean that way;
    where relatives do, what is left is they. Names keep their u: rarity is relative to it.
    """
    if level.u is None or level.field in NAMES:
        return level
    margin, least = (1.0, 0.05) if has_households else (1.25, 0.005)
    left = level.u - margin * rate * (level.m or 0.0)
    return replace(level, u=max(left, least * level.u))


def _match_rate(bits: Numbers, count_pairs: int) -> float:
    """Return the share of matches that equals the mean probability it gives."""
    values, counts = np.unique(bits.round(DIGITS), return_counts=True)
    rate = 1.0 / count_pairs
    for _ in range(ROUNDS):
        found = float((counts * probability(values + np.log2(rate / (1 - rate)))).sum())
        rate = float(min(max(found, 1.0) / count_pairs, 0.5))
    return rate


def _cell_bits(evidence: Numbers, plain: float) -> float:
    """Return log2 of the odds of a match in a cell, learned from the evidence of its pairs."""
    values, counts = np.unique(evidence.round(DIGITS), return_counts=True)
    share = start = float(probability(np.array([plain]))[0])
    for _ in range(ROUNDS):
        odds = np.log2(share / (1 - share))
        share = float((counts * probability(values + odds)).sum()) + PLAIN_PAIRS * start
        share = min(max(share / (len(evidence) + PLAIN_PAIRS), 1e-12), 1 - 1e-9)
    return float(np.log2(share / (1 - share)))
