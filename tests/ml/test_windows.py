"""Windows hold what was known and what followed, and training ends before testing begins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ml.errors import LabelError
from ml.features import validate
from ml.windows import Window, complete_windows, known_occasions, sample, split_newest

CLOCK = pd.Timestamp("2026-11-01")


def window_of(start: int, days: int, rows: int = 4) -> Window:
    """Return a window that begins a number of days before the clock."""
    begins = CLOCK - pd.Timedelta(days=start)
    values = np.arange(rows, dtype=float).reshape(-1, 1) + start
    customers = np.array([f"c{row}" for row in range(rows)], dtype=object)
    return Window(begins, begins + pd.Timedelta(days=days), customers, values, values[:, 0] > 1)


def test_windows_that_overlap_the_test_window_are_left_out() -> None:
    """With a horizon longer than the step, the windows in between are not trained on."""
    windows = [window_of(start, days=180) for start in (360, 270, 180)]

    training, test = split_newest(windows)

    assert [window.as_of for window in training] == [CLOCK - pd.Timedelta(days=360)]
    assert test is windows[-1]
    assert split_newest([]) == ([], None)


@pytest.mark.parametrize(("days", "count"), [(30, 4), (90, 4), (91, 3), (400, 0)])
def test_only_complete_windows_are_labelled(
    days: int,
    count: int,
    build_features: Callable[..., pd.DataFrame],
    simulate: Callable[..., pd.DataFrame],
) -> None:
    """A window counts once its whole horizon is known."""
    occasions = simulate(customers=60, days=700, until=CLOCK, seed=3)
    dates = [CLOCK - pd.Timedelta(days=90 * step) for step in range(5)]
    frame = validate(build_features(occasions, dates))

    windows = complete_windows(frame, occasions, days=days, known_until=CLOCK)

    assert [window.as_of for window in windows] == sorted(dates[1:])[:count]
    assert all(window.ends_at <= CLOCK for window in windows)
    assert all(len(window.actual) == len(window.customers) for window in windows)


def test_a_sample_keeps_rows_together_and_is_repeatable() -> None:
    """Drawn rows keep their own outcome and customer, and the same seed draws the same rows."""
    windows = [window_of(300, 30, rows=50), window_of(200, 30, rows=50)]

    values, actual, customers = sample(windows, seed=4, at_most=30)
    again = sample(windows, seed=4, at_most=30)

    offsets = values[:, 0] - np.where(values[:, 0] >= 300, 300, 200)
    assert len(values) == 30
    assert [f"c{int(offset)}" for offset in offsets] == customers.tolist()
    assert actual.tolist() == (values[:, 0] > 1).tolist()
    assert (values == again[0]).all()


def test_purchases_at_or_after_the_clock_are_unknown() -> None:
    """A purchase at the clock itself is not known yet."""
    times = [CLOCK - pd.Timedelta(seconds=1), CLOCK, CLOCK + pd.Timedelta(days=1)]
    occasions = pd.DataFrame({"customer_id": ["a", "b", "c"], "occurred_at": times})

    assert known_occasions(occasions, known_until=CLOCK)["customer_id"].tolist() == ["a"]


@pytest.mark.parametrize(
    ("occasions", "message"),
    [
        (pd.DataFrame({"customer_id": ["a"]}), "miss the column occurred_at"),
        (
            pd.DataFrame({"customer_id": ["a", None], "occurred_at": [CLOCK, CLOCK]}),
            "customer_id is null in 1 occasions",
        ),
    ],
)
def test_occasions_without_owner_or_time_are_refused(occasions: pd.DataFrame, message: str) -> None:
    """A purchase of nobody, or of no time, cannot be an outcome."""
    with pytest.raises(LabelError, match=message):
        known_occasions(occasions, known_until=CLOCK)
