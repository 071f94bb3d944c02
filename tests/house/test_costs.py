"""Test files start by what they cost."""

from pathlib import Path

from tests.costs import COSTS, order

TESTS = Path(__file__).parents[1]


def test_every_file_with_a_cost_is_there():
    """A file that was moved would start last, and all would wait for it."""
    assert [file for file in COSTS if not (TESTS / file).exists()] == []


def test_the_longest_file_comes_first_with_what_there_is_of_it():
    """Slow tests that were left out cost nothing; tests of a file stay together, as they are."""
    quick, slow = ("e2e/test_runs.py", False), ("e2e/test_runs.py", True)
    both, short = ("contracts/test_sandbox.py", False), ("house/test_costs.py", False)

    assert order([short, quick, both, short]) == [2, 1, 0, 3]
    assert order([short, quick, both, slow]) == [1, 3, 2, 0]
    assert order([]) == []
