"""Moments in time: everything in this room is UTC without a zone, in microseconds."""

from __future__ import annotations

import pandas as pd

from ml.errors import FeatureError


def naive_utc(values: pd.Series) -> pd.Series:
    """Return a column of timestamps as UTC without a zone; raise FeatureError for other types."""
    try:
        converted = pd.to_datetime(values, utc=True)
    except (ValueError, TypeError):
        message = f"Column {values.name} holds something other than timestamps. Cast it to UTC."
        raise FeatureError(message) from None
    return converted.dt.tz_localize(None).astype("datetime64[us]")


def instant(moment: pd.Timestamp | str) -> pd.Timestamp:
    """Return one moment as UTC without a zone."""
    stamp = pd.Timestamp(moment)
    return stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)
