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


def named(names: Sequence[str] | npt.NDArray[Any], places: npt.ArrayLike) -> pd.Categorical:
    """Return the name at each place, null at -1; names are all different, and stored once."""
    known = pd.Index(list(names), dtype="str")
    return pd.Categorical.from_codes(np.asarray(places, dtype=np.int32), categories=known)


def coded(values: pd.Series | pd.Index) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Return the place of each name among the distinct ones, -1 for null, and those in order."""
    encoded = _text(values).dictionary_encode()
    order = np.asarray(pc.sort_indices(encoded.dictionary), dtype=np.int64)
    # One more place, for null.
    place = np.full(len(order) + 1, -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    places = place[np.asarray(encoded.indices.fill_null(len(order)), dtype=np.int64)]
    return places, encoded.dictionary.take(pa.array(order)).to_numpy(zero_copy_only=False)


def places_of(names: pd.Series, known: pd.Index) -> npt.NDArray[np.int64]:
    """Return where each name stands among known ones, which are all different; -1 for nowhere."""
    found = pc.index_in(_text(names), value_set=_text(known)).fill_null(-1)
    return np.asarray(found, dtype=np.int64)


def _text(values: pd.Series | pd.Index) -> pa.Array:
    text = pa.array(values.astype("str").array, type=pa.large_string())
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
