"""Learn how often records of one person reach each level, by expectation maximisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.float64]

SAMPLED_PAIRS = 1e6
ROUNDS = 200
FIRST_SHARE = 0.1
# A level that no pair of the sample reached is rare, not impossible. Splink's own learning stops
# with an error when a level dies out.
SMALLEST_M, SMALLEST_U = 1e-3, 0.3 / SAMPLED_PAIRS


@dataclass(frozen=True)
class Level:
    """How often pairs of one person (m) and of two (u) reach a level; 0 is different."""

    field: str
    value: int
    label: str
    m: float | None
    u: float | None
    is_stated: bool = False

    @property
    def bits(self) -> float:
        """Return log2(m / u), what reaching the level is worth."""
        m, u = max(self.m or 0.0, SMALLEST_M), max(self.u or 0.0, SMALLEST_U)
        return float(np.log2(m / u))


def probability(bits: Numbers) -> Numbers:
    """Return the probability that odds of 2 ** bits stand for."""
    return np.asarray(1.0 / (1.0 + np.exp2(-np.clip(bits, -200.0, 200.0))))


def learn(levels: Sequence[Level], sessions: Mapping[str, pd.DataFrame]) -> tuple[Level, ...]:
    """Return the levels with m learned from the sessions; stated ones stay as they are.

    A session has the pairs that agree on its field: level_<field> and `pairs`, how many there are
    of each combination. It tells nothing about its own field; several are averaged.
    """
    found: dict[tuple[str, int], list[float]] = {}
    for guide, patterns in sessions.items():
        if patterns.empty:
            continue
        for level in _learn_session([one for one in levels if one.field != guide], patterns):
            found.setdefault((level.field, level.value), []).append(level.m or SMALLEST_M)
    return tuple(
        level
        if level.is_stated or (level.field, level.value) not in found
        else replace(level, m=float(np.mean(found[level.field, level.value])))
        for level in levels
    )


def _learn_session(levels: Sequence[Level], patterns: pd.DataFrame) -> list[Level]:
    """Alternate between who is who, given m, and m, given who is who."""
    counts = patterns["pairs"].to_numpy(dtype=float)
    share, learned = FIRST_SHARE, list(levels)
    for _ in range(ROUNDS):
        bits = sum_bits(patterns, learned).sum(axis=1).to_numpy(dtype=float)
        matches = counts * probability(bits + np.log2(share / (1 - share)))
        before, share = share, float(np.clip(matches.sum() / counts.sum(), 1e-6, 1 - 1e-6))
        learned = _maximised(learned, patterns, matches)
        if abs(share - before) < 1e-7:
            break
    return learned


def sum_bits(pairs: pd.DataFrame, levels: Sequence[Level]) -> pd.DataFrame:
    """Return one column per field with the bits of the level that each pair reached."""
    columns: dict[str, Numbers] = {}
    for field in dict.fromkeys(level.field for level in levels):
        worth = {level.value: level.bits for level in levels if level.field == field}
        reached = pairs[f"level_{field}"].map(worth).fillna(0.0)
        columns[field] = np.asarray(reached, dtype=np.float64)
    return pd.DataFrame(columns, index=pairs.index)


def _maximised(levels: list[Level], patterns: pd.DataFrame, matches: Numbers) -> list[Level]:
    learned = []
    for level in levels:
        reached = patterns[f"level_{level.field}"].to_numpy()
        total = matches[reached >= 0].sum()
        if level.is_stated or total <= 0:
            learned.append(level)
        else:
            share = float(matches[reached == level.value].sum() / total)
            learned.append(replace(level, m=max(share, SMALLEST_M)))
    return learned
