"""Measures of expectations tell a good order from a bad one, and the right level from a wrong."""

from __future__ import annotations

import numpy as np
import pytest

from ml.judging import deviance_difference, deviances, measure, normalised_gini


def test_the_perfect_order_is_one_and_its_reverse_minus_one() -> None:
    """Gini looks at the order alone."""
    amounts = np.array([0.0, 0.0, 1.0, 5.0, 20.0])

    assert normalised_gini(amounts, amounts**2) == pytest.approx(1.0)
    assert normalised_gini(amounts, -amounts) == pytest.approx(-1.0)


def test_expecting_the_same_of_everybody_is_no_order() -> None:
    """Ties share their amounts, so the order of rows cannot help."""
    amounts = np.array([9.0, 1.0, 0.0, 0.0])

    assert normalised_gini(amounts, np.ones(4)) == pytest.approx(0.0)


@pytest.mark.parametrize("amounts", [[0.0, 0.0], [3.0, 3.0], [-1.0, 0.5]])
def test_gini_is_not_defined_without_differences_or_sums(amounts: list[float]) -> None:
    """Nothing to rank, or losses in all: no number."""
    assert normalised_gini(np.array(amounts), np.array([1.0, 2.0])) is None


def test_deviance_is_least_at_the_mean() -> None:
    """Among constants the mean of the outcomes wins, and a hit costs nothing."""
    orders = np.array([0.0, 0.0, 1.0, 3.0])
    costs = {guess: deviances(orders, np.full(4, guess)).mean() for guess in (0.5, 1.0, 2.0)}

    assert min(costs, key=costs.__getitem__) == 1.0
    assert deviances(orders, orders) == pytest.approx(np.zeros(4), abs=1e-6)
    assert np.isfinite(deviances(orders, np.zeros(4))).all()


def test_the_interval_of_a_difference_knows_which_is_better() -> None:
    """The truth against the mean: below zero for sure; against itself: nothing."""
    generator = np.random.default_rng(1)
    truth = generator.gamma(0.5, 2.0, 2_000)
    orders = generator.poisson(truth).astype(float)
    mean = np.full(2_000, orders.mean())

    assert deviance_difference(orders, truth, mean, seed=0).upper < 0
    assert deviance_difference(orders, truth, truth, seed=0).mean == 0


def test_levels_are_expected_over_actual() -> None:
    """Twice as much as came is a level of two; nothing came: no level."""
    some, none = np.array([1.0, 3.0]), np.zeros(2)

    measured = measure(some, 2 * some, none, some)

    assert measured.level_orders == 2.0
    assert measured.level_margin is None
    assert measured.gini is None
    assert measured.mean_absolute_error == 2.0
