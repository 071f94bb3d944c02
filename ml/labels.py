"""Outcomes after a date: what happened in the days that follow a snapshot."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.errors import LabelError
from ml.times import instant, naive_utc


def ordered_within(
    snapshots: pd.DataFrame, occasions: pd.DataFrame, *, days: int, known_until: pd.Timestamp
) -> pd.Series:
    """Tell for each snapshot whether its customer ordered within the days after it.

    Takes snapshots (customer_id, as_of) and occasions (customer_id, occurred_at), both UTC.
    An occasion counts when as_of <= occurred_at < as_of + days. Returns booleans on the index of
    the snapshots. Raises LabelError when a window ends after `known_until`: that outcome is open.
    """
    if days < 1:
        raise LabelError(f"The horizon is {days} days. Use at least one day.")
    starts = naive_utc(snapshots["as_of"])
    ends = starts + pd.Timedelta(days=days)
    until = instant(known_until)
    count_open = int((ends > until).sum())
    if count_open:
        raise LabelError(
            f"{count_open} of {len(snapshots)} snapshots end their {days} days after {until}, "
            "until when purchases are known. Label only snapshots whose window is complete."
        )
    _check_same_customers(snapshots, occasions)
    customers = snapshots["customer_id"].astype("str")
    buyers = occasions["customer_id"].astype("str")
    times = naive_utc(occasions["occurred_at"])
    outcome = np.zeros(len(snapshots), dtype=bool)
    for start in starts.unique():
        is_inside = (times >= start) & (times < start + pd.Timedelta(days=days))
        rows = (starts == start).to_numpy()
        outcome[rows] = customers[rows].isin(set(buyers[is_inside])).to_numpy()
    return pd.Series(outcome, index=snapshots.index, name=f"ordered_within_{days}d")


def _check_same_customers(snapshots: pd.DataFrame, occasions: pd.DataFrame) -> None:
    """Refuse frames whose customers have nothing in common: every label would be false."""
    if snapshots.empty or occasions.empty:
        return
    known = set(occasions["customer_id"].astype("str").unique())
    if not snapshots["customer_id"].astype("str").isin(known).any():
        raise LabelError(
            "No customer of the snapshots occurs among the occasions. "
            "Use the same customer_id in both frames."
        )
