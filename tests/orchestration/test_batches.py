"""Batches are worked on side by side, in order, and only a few of them are in memory."""

import threading
import time

import pandas as pd
import pytest

from orchestration.batches import worked_on

# Longer than any step takes: who waits for this long, waits in vain.
LONG = 20


def _batches(count, made=None):
    for number in range(count):
        if made is not None:
            made.append(number)
        yield {"many": pd.DataFrame({"size": [number]})}


def _number(frames):
    return int(frames["many"]["size"].iloc[0])


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_results_come_in_the_order_of_batches(count):
    """Each batch has one result, though the first ones take longest."""

    def work(frames):
        time.sleep(0.02 * (count - _number(frames)))
        return _number(frames)

    assert list(worked_on(_batches(count), work, at_once=2)) == list(range(count))


def test_two_batches_are_worked_on_at_once():
    """Each of the two waits for the other one, which comes."""
    both = threading.Barrier(2)

    def work(frames):
        both.wait(LONG)
        return _number(frames)

    assert list(worked_on(_batches(6), work, at_once=2)) == list(range(6))


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_no_more_is_read_than_is_worked_on_and_one(at_once):
    """Whoever takes results slowly does not fill the memory with batches."""
    made = []
    results = worked_on(_batches(20, made), _number, at_once=at_once)

    for taken, _ in enumerate(results, start=1):
        time.sleep(0.01)
        assert len(made) <= taken + at_once


def test_what_goes_wrong_is_told_and_ends_it():
    """The error of a batch is the error of the whole, and no thread goes on."""
    before = threading.active_count()

    def work(frames):
        if _number(frames) == 3:
            raise ValueError("The fourth batch is broken.")
        return _number(frames)

    results = worked_on(_batches(50), work, at_once=2)

    with pytest.raises(ValueError, match="The fourth batch is broken"):
        list(results)
    assert threading.active_count() == before
