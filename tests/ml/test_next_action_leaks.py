"""A column of visits that knows the next action is left out with a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.models import next_action
from ml.prediction import Trained
from tests.ml.visits import CLOCK, by_last_action, make_visits

pytestmark = pytest.mark.slow

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def visits() -> Frames:
    """Visits whose next action the last one tells as well as anything can."""
    return make_visits(by_last_action)


def fit(frames: Frames) -> Trained:
    """Return what was learnt at the clock."""
    outcome = next_action.fit(frames, as_of=CLOCK)
    assert isinstance(outcome, Trained)
    return outcome


def following(frames: Frames) -> pd.Series:
    """Return the action that follows each step; none for those of open visits."""
    keys = ["session_id", "step_number"]
    told = frames["actions"].set_index(keys)["next_action"]
    return frames["steps"].set_index(keys).index.to_series().map(told)


def planted(frames: Frames, name: str, *, honest: float = 0.0) -> Frames:
    """Let a column tell what follows, as a window function that looks ahead does.

    Of a share of the steps it says nothing.
    """
    after = following(frames).to_numpy(object)
    told = pd.notna(after) & (np.random.default_rng(1).random(len(after)) >= honest)
    if name == "count_carts":
        values = np.where(told & (after == "add_to_cart"), 1.0, 0.0)
    else:
        values = np.where(told, after, None)
    return {**frames, "steps": frames["steps"].assign(**{name: values})}


@pytest.mark.parametrize("name", ["count_carts", "last_category"])
@pytest.mark.parametrize("honest", [0.0, 0.5])
def test_a_column_that_looks_ahead_is_left_out(visits: Frames, name: str, honest: float) -> None:
    """A number or a name, always or every second time: the rest is learnt as without it."""
    trained = fit(planted(visits, name, honest=honest))

    assert [leak["feature"] for leak in trained.report["left_out"]] == [name]
    assert name in trained.report["left_out"][0]["reason"]
    assert trained.report["champion"] == "markov"


def test_what_is_left_out_changes_no_score(visits: Frames) -> None:
    """Today's visits are told the same, whatever the column says of them."""
    frames = planted(visits, "last_category")
    trained = fit(frames)
    model = trained.challenger
    other = {**frames, "steps": frames["steps"].assign(last_category="search")}
    first, second = (
        next_action.predict(model, given, scored_at=CLOCK) for given in (frames, other)
    )

    assert model.parts["left_out"] == ["last_category"]
    assert len(first) > 0
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("seed", [1, 2])
def test_honest_columns_stay(seed: int) -> None:
    """Visits so far that tell much of the next action are no leak."""
    assert fit(make_visits(seed=seed)).report["left_out"] == []
