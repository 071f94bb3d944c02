"""Columns of names do what pandas does, without a Python object per name."""

import numpy as np
import pandas as pd
import pytest

from ml.names import coded, is_among, named, places_of


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_names_are_found_among_others(dtype):
    """Whatever the columns are made of; a null is not among names."""
    names = pd.Series(["anna", "ben", None, "carla", "anna"], dtype=dtype)

    found = is_among(names, pd.Series(["anna", "carla", "anna"]))

    assert found.tolist() == [True, False, False, True, True]
    assert is_among(pd.Index(["anna", "ben"]), pd.Series([], dtype="str")).tolist() == [False] * 2
    assert is_among(names.iloc[:0], pd.Series(["anna"])).tolist() == []


def test_places_become_names():
    """A place of -1 has none."""
    column = pd.Series(named(np.array(["milk", "beans"], dtype=object), [1, 0, -1, 1]))

    assert column.dtype == "category"
    assert column.isna().tolist() == [False, False, True, False]
    assert column.dropna().tolist() == ["beans", "milk", "beans"]
    assert len(named([], [])) == 0


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_names_become_numbers_in_their_order(dtype):
    """As text is sorted, whatever the alphabet; a null is -1."""
    names = pd.Series(["zoe", "Änne", None, "anna", "zoe"], dtype=dtype)
    codes, known = coded(names)

    assert known.tolist() == sorted(["zoe", "Änne", "anna"])
    assert codes.tolist() == [1, 2, -1, 0, 1]
    assert places_of(names, pd.Index(["zoe", "ben"])).tolist() == [0, -1, -1, -1, 0]
    assert [len(part) for part in coded(names.iloc[:0])] == [0, 0]
