"""Steps of anonymous visits as numbers: where somebody is, what they did so far, how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.errors import FeatureError
from ml.evaluation import Numbers
from ml.prediction import Input
from ml.times import naive_utc

KEYS = ("session_id", "step_number", "occurred_at", "as_of", "is_current")
NAMED = (
    *("last_action", "previous_action", "last_category"),
    *("platform", "device_type", "channel_group"),
)
COUNTED = (
    *("step_number", "seconds_since_previous", "seconds_since_start"),
    *("count_page_views", "count_product_views", "count_searches", "count_carts"),
)
HOUR = "local_hour"
FEATURES = Input(
    "insight.session_features",
    (*KEYS, *NAMED, HOUR, *(name for name in COUNTED if name not in KEYS)),
)
ACTIONS = Input(
    "intermediate.int_session_actions_followed",
    ("session_id", "step_number", "next_action", "seconds_to_next"),
)
# Steps below which a value is not told apart from those never seen.
LEAST_STEPS = 20


def read_steps(features: pd.DataFrame, *, until: pd.Timestamp | None = None) -> pd.DataFrame:
    """Return steps with text, floats and naive UTC times, in the order of visits and steps.

    Raises FeatureError for a null in a key, a step that is there twice, and moments after `until`.
    """
    for name in (*KEYS, "last_action"):
        count = int(features[name].isna().sum())
        if count:
            raise FeatureError(
                f"{name} is null in {count} of {len(features)} steps of visits. Mend "
                f"{FEATURES.relation}."
            )
    frame = pd.DataFrame(
        {
            "session_id": features["session_id"].astype("str"),
            "occurred_at": naive_utc(features["occurred_at"]),
            "as_of": naive_utc(features["as_of"]),
            "is_current": features["is_current"].astype(bool),
            **{name: features[name].astype("object") for name in NAMED},
            **{name: features[name].astype("float64") for name in (HOUR, *COUNTED)},
        }
    )
    if until is not None and (frame["as_of"] > until).any():
        raise FeatureError(f"Steps of visits lie after {until}. Pass the clock of the frames.")
    if frame.duplicated(["session_id", "step_number"]).any():
        raise FeatureError(f"A step of a visit is there twice. Mend {FEATURES.relation}.")
    return frame.sort_values(["session_id", "step_number"], ignore_index=True)


def follow(steps: pd.DataFrame, actions: pd.DataFrame, *, until: pd.Timestamp) -> pd.DataFrame:
    """Return the steps whose next action is known by a moment, with `next_action` and seconds."""
    told = pd.DataFrame(
        {
            "session_id": actions["session_id"].astype("str"),
            "step_number": actions["step_number"].astype("float64"),
            "next_action": actions["next_action"].astype("object"),
            "seconds_to_next": actions["seconds_to_next"].astype("float64"),
        }
    ).dropna(subset=["next_action"])
    followed = steps[~steps["is_current"]].merge(told, on=["session_id", "step_number"])
    waits = pd.to_timedelta(followed["seconds_to_next"].fillna(0), unit="s")
    return followed[followed["occurred_at"] + waits <= until].reset_index(drop=True)


def seconds_silent(steps: pd.DataFrame) -> Numbers:
    """Return how long each visitor has done nothing since the step; a clock behind it is 0."""
    seconds = (steps["as_of"] - steps["occurred_at"]).dt.total_seconds()
    return np.maximum(seconds.to_numpy(np.float64), 0)


@dataclass(frozen=True)
class Design:
    """Which values of the named columns have a column of their own."""

    values: Mapping[str, tuple[str, ...]]

    @property
    def groups(self) -> list[tuple[str, str | None]]:
        """Return the named column and value, or the number, that each column of a matrix is."""
        named = [(name, value) for name in NAMED for value in self.values[name]]
        return [*named, *((name, None) for name in (*COUNTED, HOUR, HOUR))]

    def matrix(self, steps: pd.DataFrame) -> Numbers:
        """Return one row per step; what was never seen, and nulls, are 0 in every column."""
        columns: list[Any] = [
            (steps[name] == value).to_numpy(np.float64)
            for name in NAMED
            for value in self.values[name]
        ]
        counts = (steps[name].fillna(0).clip(lower=0) for name in COUNTED)
        columns += [np.log1p(count.to_numpy(np.float64)) for count in counts]
        angle = steps[HOUR].fillna(0).to_numpy(np.float64) * np.pi / 12
        return np.column_stack([*columns, np.sin(angle), np.cos(angle)])

    def as_plain(self) -> dict[str, list[str]]:
        """Return the values as plain data."""
        return {name: list(values) for name, values in self.values.items()}


def learn_design(steps: pd.DataFrame) -> Design:
    """Return the values that enough steps have, in one order."""
    counts = {name: steps[name].dropna().astype(str).value_counts() for name in NAMED}
    return Design(
        {
            name: tuple(sorted(count.index[count >= LEAST_STEPS].astype(str)))
            for name, count in counts.items()
        }
    )
