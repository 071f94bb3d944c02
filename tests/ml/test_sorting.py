"""Rows are sorted as numpy sorts them, whatever ties."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.sorting import order_of, sorted_rows

SMALL = st.integers(0, 4)


@given(st.lists(st.tuples(SMALL, st.integers(-3, 3), st.floats(-2, 2, width=16))))
def test_the_order_is_that_of_lexsort(rows: list[tuple[int, int, float]]) -> None:
    """By group, first and second column; what ties in all three stays as it was."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    group, first = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)

    found = order_of(group, first, table[:, 2])

    assert found.tolist() == np.lexsort((table[:, 2], first, group)).tolist()


@given(st.lists(st.tuples(SMALL, SMALL, SMALL)), st.sampled_from([5, 2**40]))
def test_rows_are_sorted_by_all_columns(rows: list[tuple[int, int, int]], size: int) -> None:
    """As one number where that is large enough, else one column after the other."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T

    found = sorted_rows(tuple(columns), (5, size, size))

    assert list(zip(*(column.tolist() for column in found), strict=True)) == sorted(rows)
