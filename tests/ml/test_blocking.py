"""Which records are brought together when too many agree in too much."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.linking.blocking import choose_keys

KEYS = (("last_name", "city"), ("street", "city"), ("first_name", "last_name"), ("number",))
COLUMNS = ("first_name", "last_name", "street", "city", "number")
RECORDS = st.lists(
    st.tuples(*(st.sampled_from(("a", "b", "c", None)) for _ in COLUMNS), st.booleans()),
    min_size=2,
    max_size=60,
)


def frame(rows):
    """Return records with the columns of the keys."""
    return pd.DataFrame(rows, columns=[*COLUMNS, "is_linkable"])


def pairs_of(rows, blocking):
    """Return the pairs that every key leads to, looked at one by one."""
    found = {}
    for key in blocking.keys:
        mark = blocking.marks.get(key.crowded, np.zeros(len(rows), dtype=bool)).tolist()
        agreeing = pairs_agreeing(rows, key.columns)
        found[key] = {(a, b) for a, b in agreeing if not mark[a]}
    return found


def pairs_agreeing(rows, columns):
    """Return the pairs of which one is linkable and both have equal values."""
    places = [COLUMNS.index(name) for name in columns]
    values = [tuple(row[place] for place in places) for row in rows]
    return {
        (a, b)
        for b in range(len(rows))
        for a in range(b)
        if values[a] == values[b] and None not in values[a] and (rows[a][-1] or rows[b][-1])
    }


@settings(deadline=None)
@given(RECORDS, st.integers(0, 400))
def test_the_budget_holds_and_only_what_is_crowded_is_lost(rows, budget):
    """Ordinary keys and narrower ones keep to it each; a block is left out whole or not at all."""
    blocking = choose_keys(frame(rows), KEYS, budget)
    found = pairs_of(rows, blocking)

    ordinary = [pairs for key, pairs in found.items() if key.columns in KEYS]
    narrow = [pairs for key, pairs in found.items() if key.columns not in KEYS]
    assert len(ordinary) == len(KEYS)
    assert sum(map(len, ordinary)) <= budget
    assert sum(map(len, narrow)) <= budget
    for key, pairs in found.items():
        if key.crowded:
            assert blocking.marks[key.crowded].any()
        else:
            assert pairs == pairs_agreeing(rows, key.columns)


@settings(deadline=None)
@given(RECORDS)
def test_within_the_budget_the_keys_stay_as_they_are(rows):
    """Nothing is marked, nothing is added."""
    blocking = choose_keys(frame(rows), KEYS, 10_000)

    assert [(key.columns, key.crowded) for key in blocking.keys] == [(key, "") for key in KEYS]
    assert not blocking.marks
    assert blocking.count_left_out == 0


def test_a_crowded_block_is_narrowed_by_whatever_else_agrees():
    """A hundred Smiths of one city are compared where a street, a number or a given name agrees."""
    smiths = [
        ("f" + str(place), "smith", f"s{place // 2}", "c", str(place)) for place in range(100)
    ]
    rows = [(*smith, True) for smith in smiths]
    blocking = choose_keys(frame(rows), KEYS, 100)

    narrowed = {key.columns for key in blocking.keys if key.columns not in KEYS}
    found = set().union(*pairs_of(rows, blocking).values())
    assert ("last_name", "city", "street") in narrowed
    assert found == {(place, place + 1) for place in range(0, 100, 2)}


@pytest.mark.parametrize("budget", [0, 1])
def test_nothing_to_compare_is_no_error(budget):
    """Records without any value make no blocks."""
    rows = [(None,) * 5 + (True,)] * 3

    assert not set().union(*pairs_of(rows, choose_keys(frame(rows), KEYS, budget)).values())
