"""What can be wrong with a shop's data: each case spoils the frames of a prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from tests.ml.conftest import Shop

ORDERS = ("purchases", "lines")
Frames = dict[str, pd.DataFrame]
# Dates, keys and texts; every other column is a number or a flag that a prediction may learn from.
NOT_LEARNT = {
    "customer_id", "as_of", "is_current", "occurred_at", "assigned_at", "experiment", "variant",
    "is_control", "sku", "category",
    # Keys, kinds and names of leads, answers and visits.
    "lead_kind", "score_version", "activity_type", "attribute", "trait", "is_sale", "is_late_sale",
    "horizon_days", "half_life_days", "answer_kind", "channel", "answer_date", "session_id",
    "step_number", "last_action", "next_action",
}  # fmt: skip


def learnt_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that a prediction may learn from."""
    return [
        name
        for name in frame.columns
        if name not in NOT_LEARNT and not pd.api.types.is_datetime64_any_dtype(frame[name].dtype)
    ]


def changed(frames: Frames, change: Callable[[pd.Series], object]) -> Frames:
    """Return frames whose learnt columns were changed one by one."""
    return {
        name: frame.assign(**{column: change(frame[column]) for column in learnt_columns(frame)})
        for name, frame in frames.items()
    }


def with_outcome(frames: Frames, sale: bool, action: str, hour: int) -> Frames:
    """Return frames in which every lead, visit and answer ends in the same way."""
    columns = {"is_sale": sale, "next_action": action, "local_hour": hour, "answer_kind": "web"}
    return {
        name: frame.assign(
            **{
                column: frame[column].where(frame[column].isna(), value)
                for column, value in columns.items()
                if column in frame.columns and name != "steps"
            }
        )
        for name, frame in frames.items()
    }


def everybody_comes(frames: Frames, shop: Shop) -> Frames:
    """Every customer buys every twenty days: there is no other outcome."""
    customers = np.sort(shop.occasions["customer_id"].unique())
    days = pd.date_range(shop.clock - pd.Timedelta(days=1_000), shop.clock, freq="20D")[:-1]
    pairs = pd.MultiIndex.from_product([customers, days]).to_frame(index=False)
    pairs.columns = ["customer_id", "occurred_at"]
    values = {"net_amount": 20.0, "margin_amount": 8.0, "sku": "g0-1", "category": "group 0"}
    frames = with_outcome(frames, True, "add_to_cart", 9)
    return {
        name: pairs.assign(**{key: values[key] for key in values if key in frame.columns})
        if name in ORDERS
        else frame
        for name, frame in frames.items()
    }


def nobody_comes(frames: Frames, shop: Shop) -> Frames:
    """Nobody has bought anything for a year, every visitor leaves, no lead buys."""
    last = shop.clock - pd.Timedelta(days=400)
    frames = with_outcome(frames, False, "leaves", 0)
    return {
        name: frame[frame["occurred_at"] < last] if name in ORDERS else frame
        for name, frame in frames.items()
    }


def all_null(frames: Frames, shop: Shop) -> Frames:
    """No column that could be learnt from says anything."""
    return changed(frames, lambda column: np.nan)


def null_where_allowed(frames: Frames, shop: Shop) -> Frames:
    """The columns that may be null are null everywhere."""
    return changed(frames, lambda column: np.nan if column.isna().any() else column)


def constant(frames: Frames, shop: Shop) -> Frames:
    """Every column that could be learnt from has one value."""

    def first(column: pd.Series) -> object:
        known = column.dropna()
        return known.iloc[0] if len(known) else np.nan

    return changed(frames, first)


def new_category(frames: Frames, shop: Shop) -> Frames:
    """Everybody buys, does, is and answers through what nobody has before, today."""
    grown = dict(frames)
    moment = shop.clock - pd.Timedelta(hours=3)
    new = {
        "sku": "never seen", "category": "new", "occurred_at": moment, "answered_at": moment,
        "answer_kind": "letter", "channel": "post", "answer_date": moment.normalize(),
        "activity_type": "dance", "trait": "%pirate%", "occurred_on": moment.normalize(),
        "known_on": moment.normalize(),
    }  # fmt: skip
    for name, frame in frames.items():
        if {"sku", "answer_kind", "activity_type", "trait"} & set(frame.columns):
            told = {column: value for column, value in new.items() if column in frame.columns}
            rows = frame.drop_duplicates("customer_id").assign(**told)
            grown[name] = pd.concat([frame, rows], ignore_index=True)
        if name == "steps":
            names = ("last_action", "previous_action", "last_category", "platform", "device_type")
            is_open = frame["is_current"]
            told = {column: frame[column].mask(is_open, "never seen") for column in names}
            grown[name] = frame.assign(**told)
    return grown


def negative_margins(frames: Frames, shop: Shop) -> Frames:
    """Every purchase costs the shop money, and every fact that is an amount is a loss."""
    names = (
        *("margin_amount", "net_amount", "points", "count_activities", "sale_value"),
        *("revenue_90d", "revenue_365d", "revenue_total", "average_order_value"),
    )
    return {
        key: frame.assign(**{name: -frame[name].abs() for name in names if name in frame.columns})
        for key, frame in frames.items()
    }


def some_negative_margins(frames: Frames, shop: Shop) -> Frames:
    """Every third purchase does."""
    sign = {
        key: np.where(np.arange(len(frame)) % 3 == 0, -1.0, 1.0) for key, frame in frames.items()
    }
    return {
        key: frame.assign(margin_amount=frame["margin_amount"] * sign[key])
        if "margin_amount" in frame.columns
        else frame
        for key, frame in frames.items()
    }


def backwards(frames: Frames, shop: Shop) -> Frames:
    """Days and seconds run backwards: what was first is last, and acts are known before done."""

    def turn(name: str, column: pd.Series) -> pd.Series:
        if name == "known_on":
            return column - pd.Timedelta(days=5_000)
        return -column if name.startswith(("days_", "seconds_")) else column

    return {
        key: frame.assign(
            **{name: turn(name, frame[name]) for name in {*learnt_columns(frame), "known_on"}
               if name in frame.columns}
        )
        for key, frame in frames.items()
    }  # fmt: skip


CASES: dict[str, Callable[[Frames, Shop], Frames]] = {
    case.__name__: case
    for case in (
        everybody_comes, nobody_comes, all_null, null_where_allowed, constant,
        new_category, negative_margins, some_negative_margins, backwards,
    )
}  # fmt: skip
