"""Keep the names of groups when they are found again, so that g2 stays g2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml.evaluation import Numbers
from ml.groups.clusters import Scale

PREFIX, ALL = "g", "all"


def named(parts: Mapping[str, Any], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a version's parts with the names of its groups, those of an earlier one where found.

    Centres are paired so that the sum of their squared distances is the least (Hungarian method,
    Kuhn 1955), on the earlier scale and over the columns both have. A pair is the same group where
    it is less than half as far apart as the earlier centre is from the next one; the others get
    numbers that were never used. A version of one group for all remembers the groups before it.
    """
    count = len(parts["centres"])
    free = int(earlier["next_number"]) if earlier else 1
    memory = _memory(earlier)
    if count == 1:
        return {**parts, "names": [ALL], "next_number": free, "memory": memory}
    pairs = _pairs(parts, memory) if memory else {}
    names = []
    for position in range(count):
        if position in pairs:
            names.append(str(memory["names"][pairs[position]]))
        else:
            names.append(f"{PREFIX}{free}")
            free += 1
    return {**parts, "names": names, "next_number": free, "memory": {}}


def _memory(earlier: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return scale, centres and names of the last groups there were; nothing if there were none."""
    if not earlier:
        return {}
    if len(earlier["centres"]) == 1:
        return dict(earlier["memory"])
    return {name: earlier[name] for name in ("scale", "centres", "names")}


def _pairs(parts: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[int, int]:
    """Return which earlier centre each new one continues."""
    from scipy.optimize import linear_sum_assignment

    scale, former = Scale.from_plain(parts["scale"]), Scale.from_plain(earlier["scale"])
    common = [name for name in scale.columns if name in former.columns]
    if not common:
        return {}
    centres = np.asarray(parts["centres"], dtype=np.float64)
    mine, theirs = _places(scale.columns, common), _places(former.columns, common)
    logs = centres[:, mine] * scale.deviations[mine] + scale.means[mine]
    moved = (logs - former.means[theirs]) / former.deviations[theirs]
    known = np.asarray(earlier["centres"], dtype=np.float64)[:, theirs]
    apart = _distances(moved, known)
    between = _distances(known, known)
    np.fill_diagonal(between, np.inf)
    new, old = linear_sum_assignment(apart**2)
    near = between.min(axis=1) / 2
    return {
        int(one): int(other)
        for one, other in zip(new, old, strict=True)
        if apart[one, other] < near[other]
    }


def _places(columns: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return the positions of columns."""
    return [list(columns).index(name) for name in wanted]


def _distances(first: Numbers, second: Numbers) -> Numbers:
    """Return the distance of each point from each of the second ones."""
    return np.asarray(np.sqrt(((first[:, None, :] - second[None, :, :]) ** 2).sum(axis=2)))
