"""The rhythm's columns come from a snapshot alone, know their horizon, and survive odd rows."""

from __future__ import annotations

import numpy as np
import pytest

from ml.features import NAMES, matrix, validate
from ml.rhythm import AGE, COLUMNS, COUNT, RECENCY, RHYTHM_NAMES, Rhythm, learn


@pytest.fixture(scope="module")
def snapshot(shop) -> np.ndarray:
    """The current rows of a shop whose customers order and leave."""
    return matrix(validate(shop.current))


def test_columns_are_probabilities_and_expectations(snapshot: np.ndarray) -> None:
    """Three columns follow the features; a longer horizon holds more."""
    month, year = (learn(snapshot, horizon_days=days).extend(snapshot) for days in (30, 365))

    assert month.shape == (len(snapshot), len(COLUMNS))
    assert np.array_equal(month[:, : len(NAMES)], snapshot, equal_nan=True)
    chance, orders, alive = (year[:, COLUMNS.index(name)] for name in RHYTHM_NAMES)
    assert ((chance > 0) & (chance < alive) & (alive < 1)).all()
    assert (orders >= chance - 1e-9).all()
    assert (month[:, -3:-1] < year[:, -3:-1]).all()
    assert np.array_equal(month[:, -1], alive)


def test_rows_are_judged_one_by_one(snapshot: np.ndarray) -> None:
    """A customer alone gets what they get among all others."""
    rhythm = learn(snapshot, horizon_days=90)

    together = rhythm.extend(snapshot)

    for row in (0, 7, len(snapshot) - 1):
        assert np.array_equal(rhythm.extend(snapshot[row : row + 1])[0], together[row], True)


def test_rows_that_cannot_have_happened_are_brought_into_bounds(snapshot: np.ndarray) -> None:
    """Shuffled columns, as importance asks for, and no orders at all are no error."""
    odd = snapshot.copy()
    odd[:, RECENCY] = odd[::-1, RECENCY]
    odd[0, [COUNT, AGE, RECENCY]] = 0, -5, 9

    assert np.isfinite(learn(snapshot, horizon_days=90).extend(odd)[:, -3:]).all()
    assert np.isfinite(learn(odd, horizon_days=90).extend(odd)[:, -3:]).all()


def test_a_shop_of_one_day_has_no_rhythm(snapshot: np.ndarray) -> None:
    """Nobody was watched: the columns are zero, and stay so after a trip through JSON."""
    today = snapshot.copy()
    today[:, [AGE, RECENCY]] = 0

    rhythm = learn(today, horizon_days=90)

    assert rhythm.dropout is None
    assert (rhythm.extend(today)[:, -3:] == 0).all()
    assert Rhythm.from_plain(rhythm.as_plain()) == rhythm


def test_a_rhythm_comes_back_from_plain_data(snapshot: np.ndarray) -> None:
    """What a version keeps is the rhythm to the last bit, horizon included."""
    rhythm = learn(snapshot, horizon_days=91)

    assert Rhythm.from_plain(rhythm.as_plain()) == rhythm
    assert rhythm.extend(snapshot[:0]).shape == (0, len(COLUMNS))
