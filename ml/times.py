"""Moments in time: everything in this room is UTC without a zone, in microseconds."""

from __future__ import annotations

import pandas as pd

from ml.errors import FeatureError

TIME_KINDS = ("datetime64", "datetime", "date", "empty")


def naive_utc(values: pd.Series) -> pd.Series:
    """Return a column of timestamps as UTC without a zone; raise FeatureError for other types.

    Text and numbers are refused, not guessed at: 20260101 is not a number of nanoseconds.
    """
    is_time = pd.api.types.is_datetime64_any_dtype(values.dtype)
    if not is_time and pd.api.types.infer_dtype(values, skipna=True) not in TIME_KINDS:
        message = f"Column {values.name} is {values.dtype}, not a timestamp. Cast it to UTC."
        raise FeatureError(message)
    return pd.to_datetime(values, utc=True).dt.tz_localize(None).astype("datetime64[us]")


def instant(moment: pd.Timestamp | str) -> pd.Timestamp:
    """Return one moment as UTC without a zone."""
    stamp = pd.Timestamp(moment)
    return stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)
