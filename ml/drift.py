"""How far today's features have moved from those a model learnt on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.evaluation import Numbers
from ml.features import NAMES

COUNT_BINS = 10
OWN_BIN_SHARE = 0.05
FIXED_LIMIT = 0.1


@dataclass(frozen=True)
class Drift:
    """Population stability index of one feature and the limit above which it says something."""

    feature: str
    stability_index: float
    limit: float

    @property
    def is_drifted(self) -> bool:
        """Tell whether the index exceeds what chance explains."""
        return self.stability_index > self.limit


def measure_drift(
    reference: pd.DataFrame, current: pd.DataFrame, names: Sequence[str] = NAMES
) -> tuple[Drift, ...]:
    """Compare the named columns of two frames; return one Drift per column, largest first.

    The limit is max(0.1, 95 % quantile of (1/n + 1/m) chi-squared(bins - 1)): without drift the
    index follows that law, so small samples do not raise false alarms. Values with more than 5 %
    of the rows have a bin of their own. An empty frame gives no drift.
    """
    if reference.empty or current.empty:
        return ()
    found = [_feature_drift(name, reference[name], current[name]) for name in names]
    return tuple(sorted(found, key=lambda drift: (-drift.stability_index, drift.feature)))


def told_drift(
    reference: pd.DataFrame, current: pd.DataFrame, names: Sequence[str] = NAMES
) -> list[dict[str, Any]]:
    """Return the drift of all named columns as plain JSON data, for a report."""
    return [asdict(drift) for drift in measure_drift(reference, current, names)]


def _feature_drift(name: str, reference: pd.Series, current: pd.Series) -> Drift:
    """Return the drift of one feature."""
    from scipy.special import chdtri

    before, after = reference.to_numpy(dtype=float), current.to_numpy(dtype=float)
    own, edges = _bins(before)
    shares = [_shares(values, own, edges) for values in (before, after)]
    index = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
    scale = 1 / len(before) + 1 / len(after)
    chance = float(chdtri(max(1, len(shares[0]) - 1), 0.05)) * scale
    return Drift(name, index, max(FIXED_LIMIT, chance))


def _bins(
    values: Numbers,
) -> tuple[Numbers, Numbers]:
    """Return the values that have their own bin, and the edges of bins for the others."""
    known = values[~np.isnan(values)]
    distinct, counts = np.unique(known, return_counts=True)
    own = distinct[counts > OWN_BIN_SHARE * len(values)]
    others = known[~np.isin(known, own)]
    if len(others) == 0:
        return own, np.array([], dtype=float)
    return own, np.unique(np.quantile(others, np.linspace(0, 1, COUNT_BINS + 1)[1:-1]))


def _shares(
    values: Numbers,
    own: Numbers,
    edges: Numbers,
) -> Numbers:
    """Return the smoothed share of rows per bin: null, own values, then ranges of the others."""
    is_null = np.isnan(values)
    position = np.searchsorted(own, values) if len(own) else np.zeros(len(values), dtype=int)
    is_own = ~is_null & np.isin(values, own)
    others = values[~is_null & ~is_own]
    counts = np.concatenate(
        [
            [is_null.sum()],
            np.bincount(position[is_own], minlength=len(own)),
            np.bincount(np.searchsorted(edges, others, side="right"), minlength=len(edges) + 1),
        ]
    )
    smoothed: Numbers = (counts + 0.5) / (len(values) + 0.5 * len(counts))
    return smoothed
