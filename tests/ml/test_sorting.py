"""Rows are sorted as numpy sorts them, whatever ties."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.sorting import order_of

SMALL = st.integers(0, 4)


@given(st.lists(st.tuples(SMALL, st.integers(-3, 3), st.floats(-2, 2, width=16))))
def test_the_order_is_that_of_lexsort(rows: list[tuple[int, int, float]]) -> None:
    """By group, first and second column; what ties in all three stays as it was."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    group, first = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)

    found = order_of(group, first, table[:, 2])

    assert found.tolist() == np.lexsort((table[:, 2], first, group)).tolist()
