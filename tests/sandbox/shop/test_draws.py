"""Tests of the random numbers that depend on seed, name and key alone."""

import numpy as np
import pytest

from sandbox.shop.draws import Draws, combined

KEYS = np.arange(200_000, dtype=np.uint64)
DRAWS = Draws(1)


def test_numbers_do_not_depend_on_their_neighbours():
    """Any subset of keys, in any order, gives the same numbers."""
    some = KEYS[::-7]

    assert (DRAWS.uniform("a", some) == DRAWS.uniform("a", KEYS)[::-7]).all()


def test_names_and_seeds_give_independent_numbers():
    """Numbers of different names, seeds or neighbouring keys are uncorrelated."""
    numbers = DRAWS.uniform("a", KEYS)
    others = [DRAWS.uniform("b", KEYS), Draws(2).uniform("a", KEYS), np.roll(numbers, 1)]

    assert all(abs(np.corrcoef(numbers, other)[0, 1]) < 0.01 for other in others)


def test_uniform_numbers_are_even():
    """Every hundredth of the interval gets its share."""
    counts = np.bincount((DRAWS.uniform("a", KEYS) * 100).astype(int), minlength=100)

    assert abs(counts / 2_000 - 1).max() < 0.12


@pytest.mark.parametrize("mean", [0.3, 2.5, 40.0])
def test_poisson_has_its_mean_and_variance(mean):
    """Counts have the mean and the variance of their distribution."""
    counts = DRAWS.poisson("count", KEYS, mean)

    assert counts.mean() == pytest.approx(mean, rel=0.02)
    assert counts.var() == pytest.approx(mean, rel=0.03)


def test_exponential_and_normal_have_their_moments():
    """Waiting times have their mean, normal numbers mean 0 and deviation 1."""
    waiting, normal = DRAWS.exponential("wait", KEYS, 4.0), DRAWS.normal("normal", KEYS)

    assert waiting.mean() == pytest.approx(4.0, rel=0.02)
    assert normal.mean() == pytest.approx(0.0, abs=0.01)
    assert normal.std() == pytest.approx(1.0, rel=0.01)


def test_choice_follows_the_weights():
    """Positions come in proportion to their weights, a weight of zero never."""
    counts = np.bincount(DRAWS.choice("pick", KEYS, (1, 0, 3)), minlength=3)

    assert counts[1] == 0
    assert counts[2] / counts[0] == pytest.approx(3.0, rel=0.05)


def test_even_numbers_fill_small_samples():
    """Consecutive positions keep shares, alone and in combination, far better than chance."""
    positions = np.arange(1_000, 1_500)
    one, other = (DRAWS.even("trait", positions, dimension) for dimension in (0, 2))

    assert (one < 0.4).mean() == pytest.approx(0.4, abs=0.01)
    assert ((one < 0.4) & (other < 0.7)).mean() == pytest.approx(0.28, abs=0.03)


def test_combined_keys_do_not_collide():
    """Derived keys are all different."""
    derived = np.concatenate([combined(KEYS, number) for number in range(5)])

    assert len(np.unique(derived)) == len(derived)
