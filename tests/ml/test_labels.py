"""An outcome is what happened in the days after a date, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import LabelError
from ml.labels import ordered_within

START = pd.Timestamp("2026-01-01")
UNTIL = pd.Timestamp("2026-12-31")

minutes = st.integers(0, 300 * 24 * 60)
occasion_lists = st.lists(st.tuples(st.sampled_from("abc"), minutes), max_size=30)


def occasions_of(pairs: list[tuple[str, int]]) -> pd.DataFrame:
    """Return occasions from customers and minutes since the start."""
    return pd.DataFrame(
        {
            "customer_id": pd.Series([customer for customer, _ in pairs], dtype="str"),
            "occurred_at": START + pd.to_timedelta([minute for _, minute in pairs], unit="min"),
        }
    )


def snapshots_of(days: list[int]) -> pd.DataFrame:
    """Return a snapshot of customers a, b, c and d for each day since the start."""
    rows = [(customer, START + pd.Timedelta(days=day)) for day in days for customer in "abcd"]
    return pd.DataFrame(rows, columns=["customer_id", "as_of"])


@given(pairs=occasion_lists, days=st.integers(1, 60), starts=st.sets(st.integers(0, 200)))
def test_labels_equal_a_search_by_hand(
    pairs: list[tuple[str, int]], days: int, starts: set[int]
) -> None:
    """Each label is true exactly when one purchase lies in [as_of, as_of + days)."""
    pairs = [*pairs, ("a", 299 * 24 * 60)]
    snapshots, occasions = snapshots_of(sorted(starts)), occasions_of(pairs)

    labels = ordered_within(snapshots, occasions, days=days, known_until=UNTIL)

    by_hand = [
        any(
            customer == row.customer_id
            and row.as_of
            <= START + pd.Timedelta(minutes=minute)
            < row.as_of + pd.Timedelta(days=days)
            for customer, minute in pairs
        )
        for row in snapshots.itertuples()
    ]
    assert labels.tolist() == by_hand


@given(inside=occasion_lists, outside=occasion_lists)
def test_purchases_outside_the_window_never_change_a_label(
    inside: list[tuple[str, int]], outside: list[tuple[str, int]]
) -> None:
    """Adding or removing purchases before the date or after the window changes nothing."""
    window = (100 * 24 * 60, 130 * 24 * 60)
    base = [("a", 0), *((c, m) for c, m in inside if window[0] <= m < window[1])]
    noise = [(c, m) for c, m in outside if not window[0] <= m < window[1]]

    before = ordered_within(snapshots_of([100]), occasions_of(base), days=30, known_until=UNTIL)
    after = ordered_within(
        snapshots_of([100]), occasions_of(base + noise), days=30, known_until=UNTIL
    )

    pd.testing.assert_series_equal(before, after)


def test_the_window_begins_at_the_date_and_ends_before_its_last_moment() -> None:
    """A purchase at as_of belongs to the outcome; one at as_of + days does not."""
    day = 24 * 60

    begins, ends = (
        ordered_within(
            snapshots_of([10]), occasions_of([("a", minute)]), days=5, known_until=UNTIL
        ).iloc[0]
        for minute in (10 * day, 15 * day)
    )

    assert begins
    assert not ends


def test_an_open_window_is_refused() -> None:
    """The outcome of a window that has not ended is not false but unknown."""
    snapshots = snapshots_of([0, 340])

    with pytest.raises(LabelError, match=r"^4 of 8 snapshots .*complete\.$"):
        ordered_within(snapshots, occasions_of([("a", 0)]), days=30, known_until=UNTIL)


def test_a_window_that_ends_just_now_is_complete() -> None:
    """A window may end at the very moment until which purchases are known."""
    snapshots = snapshots_of([0])

    labels = ordered_within(
        snapshots,
        occasions_of([("a", 5)]),
        days=30,
        known_until=START + pd.Timedelta(days=30),
    )

    assert labels.tolist() == [True, False, False, False]


def test_a_horizon_without_days_is_refused() -> None:
    """Zero days after a date hold no outcome."""
    with pytest.raises(LabelError, match="at least one day"):
        ordered_within(snapshots_of([0]), occasions_of([]), days=0, known_until=UNTIL)


def test_frames_with_different_customer_ids_are_refused() -> None:
    """Ids that never meet would make every label false without anybody noticing."""
    occasions = occasions_of([("a", 5)]).assign(customer_id=[17])

    with pytest.raises(LabelError, match="same customer_id"):
        ordered_within(snapshots_of([0]), occasions, days=30, known_until=UNTIL)


def test_empty_frames_have_labels() -> None:
    """No snapshots give no labels; no purchases give false."""
    nobody = ordered_within(snapshots_of([]), occasions_of([("a", 5)]), days=9, known_until=UNTIL)
    nothing = ordered_within(snapshots_of([0]), occasions_of([]), days=9, known_until=UNTIL)

    assert nobody.empty
    assert nothing.tolist() == [False] * 4
