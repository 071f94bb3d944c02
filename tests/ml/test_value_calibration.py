"""Expected orders are put on a curve of what came: monotone, apart by purchases, shrunk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.value.calibration import Calibration, learn_calibration

SIZES = st.integers(1, 60)


def learned_of(
    repeats: np.ndarray, expected: np.ndarray, came: np.ndarray
) -> tuple[Calibration, np.ndarray]:
    """Return the calibration of some customers and what it makes of their orders."""
    calibration = learn_calibration(repeats, expected, came, days=365)
    return calibration, expected * calibration.factor(repeats, expected)


@settings(deadline=None)
@given(data=st.data(), size=SIZES)
def test_who_was_expected_to_order_more_still_is(data: st.DataObject, size: int) -> None:
    """Among customers of equally many purchases no curve ever turns an order round."""
    repeats = data.draw(arrays.arrays(np.int64, size, elements=st.integers(0, 4)))
    expected = data.draw(arrays.arrays(np.float64, size, elements=st.floats(0, 50)))
    came = data.draw(arrays.arrays(np.float64, size, elements=st.integers(0, 400)))
    calibration = learn_calibration(repeats, expected, came, days=365)
    line = np.concatenate([[0.0], np.geomspace(1e-13, 1e3, 200)])

    for number in range(4):
        bent = line * calibration.factor(np.full(len(line), number), line)
        assert np.isfinite(bent).all()
        assert (bent >= 0).all()
        assert (np.diff(bent) >= -1e-9 * bent[1:]).all()


def test_a_bent_level_is_learnt_and_holds_for_others() -> None:
    """Where a model is off by half or double, tenths of customers it has not seen are right."""
    generator = np.random.default_rng(4)
    repeats = generator.integers(0, 5, 60_000)
    expected = generator.gamma(0.4, 3.0, 60_000)
    truth = expected * np.where(repeats == 0, 0.5, np.clip(2 - expected / 4, 0.9, 2))
    came, again = generator.poisson(truth).astype(float), generator.poisson(truth).astype(float)

    calibration, bent = learned_of(repeats, expected, came)

    assert [len(curve.expected) for curve in calibration.curves] == [20, 20, 20]
    level = came.sum() / bent.sum()
    for kind in (repeats == 0, repeats == 1, repeats > 1):
        for rows in np.array_split(np.flatnonzero(kind)[np.argsort(expected[kind])], 10)[3:]:
            actual = again[rows].sum()
            assert abs(level * bent[rows].sum() - actual) <= 0.1 * actual + 2 * np.sqrt(actual)


def test_few_orders_change_little() -> None:
    """A step is its factor with twenty orders more that came as expected (Gamma prior, mean 1)."""
    repeats = np.repeat([0, 2], [10, 1_000])
    expected = np.ones(1_010)
    came = np.repeat([3.0, 0.98], [10, 1_000])

    calibration, _ = learned_of(repeats, expected, came)

    factors = calibration.factor(np.array([0, 1, 2]), np.ones(3))
    level = came.sum() / 1_010
    assert factors[0] == pytest.approx((30 + 20) / (10 * level + 20))
    assert factors[1] == 1.0
    assert factors[2] == pytest.approx(1.0, abs=0.03)


def test_one_expectation_for_all_has_one_factor() -> None:
    """Equal customers stay equal, and everybody beyond them is moved as they are."""
    calibration, bent = learned_of(np.zeros(500), np.full(500, 0.7), np.repeat([0.0, 2.0], 250))

    assert len(calibration.curves[0].expected) == 1
    assert bent == pytest.approx(np.full(500, 0.7))
    assert calibration.factor(np.zeros(3), np.array([0.0, 0.1, 9.0])) == pytest.approx(np.ones(3))


@pytest.mark.parametrize(("expected", "came"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_where_nothing_was_expected_or_came_nothing_is_bent(expected: float, came: float) -> None:
    """Nothing to compare with: no curve, factors of one."""
    size = 300
    calibration, bent = learned_of(np.ones(size), np.full(size, expected), np.full(size, came))

    assert calibration.curves == ()
    assert (bent == expected).all()
    assert learn_calibration([], np.empty(0), np.empty(0), days=365).curves == ()


def test_of_whom_nothing_is_expected_nothing_is() -> None:
    """A customer with an expectation of zero, whoever came, stays at zero and breaks no curve."""
    expected = np.repeat([0.0, 5.0], [200, 100])
    calibration, bent = learned_of(np.full(300, 3), expected, np.repeat([1.0, 5.0], [200, 100]))

    assert (bent[:200] == 0).all()
    assert np.isfinite(bent).all()
    assert calibration.limits()[0] > 0
