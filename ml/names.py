"""Columns of names: whether they are among others, and made of few names without a copy per row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def is_among(names: pd.Series | pd.Index, chosen: pd.Series) -> npt.NDArray[np.bool_]:
    """Say of each name whether it is one of the chosen.

    pandas compares text through a Python object per name, which for a million is the dearest step
    of a scoring.
    """
    text, wanted = (_text(values) for values in (names, chosen))
    return np.asarray(pc.is_in(text, value_set=wanted), dtype=bool)


def named(
    names: Sequence[str] | npt.NDArray[Any], places: npt.ArrayLike
) -> pd.api.extensions.ExtensionArray:
    """Return the name at each place as text, null at -1."""
    known: Any = pd.array(list(names), dtype="str")
    column: pd.api.extensions.ExtensionArray = known.take(
        np.asarray(places, dtype=np.int64), allow_fill=True
    )
    return column


def _text(values: pd.Series | pd.Index) -> pa.Array:
    return pa.array(values.astype("str").array, type=pa.large_string())
