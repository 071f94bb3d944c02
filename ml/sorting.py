"""Sorting of rows by several columns, in a fifth of the time that `numpy.lexsort` takes.

numpy sorts one column of numbers with vector instructions, several only one after the other. So
columns become one number where they can.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]

MOST_KEYS = 2.0**62


def order_of(group: Places, first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Places:
    """Return the order of rows by group (whole numbers from 0 on), first and second column.

    The rows are put in the order of the first column; the group with the place there is one number.
    What ties in both is put right at the end.
    """
    count = len(group)
    by_first = np.argsort(first)
    bits = max(count - 1, 1).bit_length()
    keys = np.sort((group[by_first].astype(np.int64) << bits) | np.arange(count))
    order: Places = by_first[keys & ((1 << bits) - 1)]
    ties = np.zeros(count + 1, dtype=bool)
    own, value = group[order], first[order]
    ties[1:-1] = (own[1:] == own[:-1]) & (value[1:] == value[:-1])
    # A row is in a tie where it is equal to the one before it, or the next one is to it.
    tied = np.flatnonzero(ties[:-1] | ties[1:])
    mine = order[tied]
    order[tied] = mine[np.lexsort((mine, second[mine], first[mine], group[mine]))]
    return order


def sorted_rows(columns: Sequence[Places], sizes: Sequence[int]) -> tuple[Places, ...]:
    """Return rows of whole numbers, each column from 0 to below its size, sorted by all of them."""
    if float(np.prod(np.asarray(sizes, dtype=np.float64))) >= MOST_KEYS:
        order = np.lexsort(tuple(reversed(columns)))
        return tuple(column[order] for column in columns)
    keys = np.zeros(len(columns[0]), dtype=np.int64)
    for column, size in zip(columns, sizes, strict=True):
        keys = keys * size + column
    keys.sort()
    found: list[Places] = []
    for size in reversed(sizes[1:]):
        keys, column = np.divmod(keys, size)
        found.append(column)
    return (keys, *reversed(found))
