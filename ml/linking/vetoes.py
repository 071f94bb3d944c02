"""Decide on scored pairs: vetoes, doubtful initials, links, and what a person should look at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ml.linking.comparing import DIFFERENT, INITIAL, MISSING

Flags = npt.NDArray[np.bool_]
GIVEN_NAMES_DIFFER = "given_names_differ"
DATES_DIFFER = "dates_of_birth_differ"
SEVERAL_FIT = "several_persons_fit"
BELOW_THRESHOLD = "below_threshold"


def find_vetoes(pairs: pd.DataFrame, *, has_households: bool) -> pd.Series:
    """Return why a pair must never be a link, or an empty text.

    Relatives share all but their given names, father and son all but their dates of birth: neither
    may differ, unless a personal number agrees. Where nobody shares an address nothing vetoes.
    """
    reason = pd.Series("", index=pairs.index)
    if not has_households:
        return reason
    if "level_date_of_birth" in pairs:
        reason = reason.mask(pairs["level_date_of_birth"] == DIFFERENT, DATES_DIFFER)
    reason = reason.mask(pairs["level_first_name"] == DIFFERENT, GIVEN_NAMES_DIFFER)
    if "level_personal_number" in pairs:
        reason = reason.mask(pairs["level_personal_number"] > DIFFERENT, "")
    return reason


def find_doubtful(pairs: pd.DataFrame, given_names: pd.Series, is_likely: Flags) -> Flags:
    """Tell which likely pairs rest on an initial that several persons at the address fit.

    `given_names` by record number. Persons are counted as what likely pairs with a full given
    name connect; records with one given name are one person here.
    """
    rests_on_initial = pairs["level_first_name"].isin([INITIAL, MISSING]).to_numpy()
    weak, strong = pairs[is_likely & rests_on_initial], pairs[is_likely & ~rests_on_initial]
    person = _components(strong, len(given_names))
    sides = pd.concat(
        [
            pd.DataFrame({"record": weak[one], "other": weak[other], "pair": weak.index})
            for one, other in (("a", "b"), ("b", "a"))
        ]
    )
    own, others = (given_names.reindex(sides[side]).to_numpy() for side in ("record", "other"))
    is_short = pd.Series(own).str.len().fillna(0).to_numpy() <= 1
    is_full = pd.Series(others).str.len().fillna(0).to_numpy() > 1
    sides = sides.assign(person=person[sides["other"]], name=others)[is_short & is_full]
    counts = sides.groupby("record")[["person", "name"]].nunique().min(axis=1)
    crowded = counts.index[counts > 1]
    return np.asarray(pairs.index.isin(sides.loc[sides["record"].isin(crowded), "pair"]))


def _components(pairs: pd.DataFrame, count: int) -> npt.NDArray[np.int64]:
    """Return the number of the connected component of each record."""
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_array((ones, (pairs["a"], pairs["b"])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
