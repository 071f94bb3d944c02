"""Records as they are compared: names in their places, equal records once."""

from __future__ import annotations

import numpy as np
import pandas as pd

# How much likelier the other order of two names has to be before they are taken for swapped.
SWAPPED_ODDS = 5.0


def unswap_names(records: pd.DataFrame) -> pd.DataFrame:
    """Return the records with first and last name exchanged where a form got them swapped.

    How often the other records have each of the two as a first and as a last name decides.
    """
    first, last = records["first_name"], records["last_name"]
    counts = {column: records[column].value_counts() for column in ("first_name", "last_name")}

    def often(column: str, values: pd.Series) -> np.ndarray:
        found = counts[column].reindex(values).fillna(0).to_numpy(dtype=float)
        own = 1.0 if values.name == column else 0.0
        return np.asarray(found - own + 0.5)

    as_written = often("first_name", first) * often("last_name", last)
    exchanged = often("last_name", first) * often("first_name", last)
    is_complete = (first.notna() & last.notna()).to_numpy()
    is_swapped = is_complete & (exchanged > SWAPPED_ODDS * as_written)
    return records.assign(
        first_name=first.where(~is_swapped, last), last_name=last.where(~is_swapped, first)
    )


def group_equal(records: pd.DataFrame, texts: list[str]) -> np.ndarray:
    """Return the number of the unit that each record is compared as.

    A linkable record is a unit of its own; the others that are written alike are one, so that a
    loyal customer's orders are not so many proofs of one spelling.
    """
    own = np.where(records["is_linkable"], np.arange(len(records)), -1)
    together = records[texts].assign(_own=own).groupby([*texts, "_own"], dropna=False, sort=False)
    return together.ngroup().to_numpy()
