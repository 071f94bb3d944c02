"""Choose the keys by which records are brought together, so that their pairs fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# One tells the other, so that both together are no narrower than one.
PLACE = frozenset({"postal_code", "city"})


@dataclass(frozen=True)
class Key:
    """Columns in which two records agree; those with the mark `crowded` are not brought together.

    Their block, the records with the same values, is so large that agreement says little.
    """

    columns: tuple[str, ...]
    crowded: str = ""


@dataclass(frozen=True)
class Blocking:
    """Keys to compare by, the marks they need (a flag per record) and the pairs left out."""

    keys: tuple[Key, ...]
    marks: Mapping[str, Flags] = field(repr=False)
    count_left_out: int = 0


@dataclass(frozen=True)
class _Blocks:
    """Block of every record (-1: none), and records and pairs of every block."""

    number: Numbers
    count_records: Numbers
    count_pairs: Numbers


def choose_keys(records: pd.DataFrame, keys: Sequence[tuple[str, ...]], budget: int) -> Blocking:
    """Return the keys, narrowed where blocks are crowded so that few pairs are lost.

    Takes one row per record with the columns of the keys and is_linkable; only pairs with a
    linkable record count. Blocks are crowded from the size on at which smaller ones use up the
    budget of pairs. In these, one column more has to agree, for which there is the same budget
    again; what is crowded even then is left out ("block
    purging", Papadakis et al., Blocking and Filtering Techniques for Entity Resolution, 2020).
    """
    columns = sorted({column for key in keys for column in key})
    codes = {column: pd.factorize(records[column])[0].astype(np.int64) for column in columns}
    is_linkable = records["is_linkable"].to_numpy(dtype=bool)
    plain = {key: _blocks([codes[column] for column in key], is_linkable) for key in keys}
    first, _ = _marked(plain, budget)
    crowded = [key.columns for key in first.keys if key.crowded]
    narrow = {
        key: _blocks([codes[column] for column in key], is_linkable)
        for key in _narrowed(crowded, keys, columns)
    }
    second, left_out = _marked(narrow, budget)
    return Blocking((*first.keys, *second.keys), {**first.marks, **second.marks}, left_out)


def _blocks(codes: Sequence[Numbers], is_linkable: Flags) -> _Blocks:
    combined, is_complete = codes[0], codes[0] >= 0
    for more in codes[1:]:
        combined = combined * (more.max(initial=0) + 1) + more
        is_complete = is_complete & (more >= 0)
        # Numbered anew, so that many columns do not overflow.
        combined = pd.factorize(combined)[0].astype(np.int64)
    number = np.full(len(combined), -1, dtype=np.int64)
    number[is_complete] = pd.factorize(combined[is_complete])[0]
    size = int(number.max(initial=-1)) + 1
    total = np.bincount(number[is_complete], minlength=size)
    linkable = np.bincount(number[is_complete & is_linkable], minlength=size)
    pairs = linkable * (linkable - 1) // 2 + linkable * (total - linkable)
    return _Blocks(number, total, pairs)


def _marked(found: Mapping[tuple[str, ...], _Blocks], budget: int) -> tuple[Blocking, int]:
    """Mark the records in crowded blocks; also returns how many pairs these would make."""
    limit = _largest_size(list(found.values()), budget)
    keys, marks, left_out = [], {}, 0
    for columns, blocks in found.items():
        is_crowded = (blocks.count_records > limit) & (blocks.count_pairs > 0)
        if not is_crowded.any():
            keys.append(Key(columns))
            continue
        name = "crowded_" + "_".join(columns)
        marks[name] = np.append(is_crowded, False)[blocks.number]
        keys.append(Key(columns, name))
        left_out += int(blocks.count_pairs[is_crowded].sum())
    return Blocking(tuple(keys), marks), left_out


def _largest_size(found: Sequence[_Blocks], budget: int) -> int:
    """Return the largest size of blocks that, with all smaller ones, keep within the budget."""
    if not found:
        return 0
    sizes = np.concatenate([blocks.count_records for blocks in found])
    pairs = np.concatenate([blocks.count_pairs for blocks in found])
    by_size = np.bincount(sizes, weights=pairs)
    within = np.flatnonzero(np.cumsum(by_size) <= budget)
    return int(within[-1]) if len(within) else 0


def _narrowed(
    crowded: Sequence[tuple[str, ...]], keys: Sequence[tuple[str, ...]], columns: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Yield every crowded key with one column more, each set of columns once."""
    seen = {frozenset(key) for key in keys}
    for key in crowded:
        for column in columns:
            wider = frozenset({*key, column})
            if len(wider) > len(key) and wider not in seen and not wider >= PLACE:
                seen.add(wider)
                yield (*key, column)
