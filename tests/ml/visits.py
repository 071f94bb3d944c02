"""Anonymous visits whose next action follows known odds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

CLOCK = pd.Timestamp("2026-11-01")
ACTIONS = ("page_view", "product_view: home", "search", "add_to_cart", "leaves")
NAMES = ("page_view", "product_view: home", "search", "add_to_cart")
WAIT = {"page_view": 20, "product_view: home": 60, "search": 30, "add_to_cart": 200}
COLUMNS = (
    *("session_id", "step_number", "occurred_at", "as_of", "is_current"),
    *("last_action", "previous_action", "last_category", "platform", "device_type"),
    *("channel_group", "local_hour", "seconds_since_previous", "seconds_since_start"),
    *("count_page_views", "count_product_views", "count_searches", "count_carts"),
)
Odds = Callable[[dict], np.ndarray]


def by_last_action(state: dict) -> np.ndarray:
    """Odds that the last action alone tells: a search leads to products, a cart out."""
    odds = {
        "page_view": [4, 3, 2, 0.2, 2],
        "product_view: home": [1, 5, 1, 1, 2],
        "search": [1, 6, 1, 0.2, 2],
        "add_to_cart": [1, 1, 0.5, 0.5, 6],
    }
    return np.array(odds[state["last"]])


def by_visit(state: dict) -> np.ndarray:
    """Odds that the visit so far tells: campaigns and many products lead into the cart."""
    odds = by_last_action(state)
    if state["channel"] == "email":
        odds = odds * [1, 1, 1, 8, 1]
    if state["products"] >= 2:
        odds = odds * [1, 0.3, 1, 4, 1]
    return odds


def make_visits(
    odds: Odds = by_visit, *, count: int = 2_500, seed: int = 1, open_visits: int = 5
) -> dict[str, pd.DataFrame]:
    """Return the frames of next_action: steps and actions of visits of 90 days, some still open."""
    generator = np.random.default_rng(seed)
    starts = CLOCK - pd.to_timedelta(generator.uniform(0.05, 90, count), unit="D")
    steps, actions = [], []
    for number, start in enumerate(starts):
        _walk(f"v{number:05}:1", start.floor("s"), odds, generator, steps, actions)
    frame = pd.DataFrame(steps, columns=COLUMNS)
    now = frame[frame["session_id"].isin(frame["session_id"].unique()[:open_visits])]
    now = now.groupby("session_id").head(2).groupby("session_id").tail(1)
    now = now.assign(
        session_id="open-" + now["session_id"],
        occurred_at=CLOCK - pd.to_timedelta(range(len(now)), unit="min"),
        as_of=CLOCK,
        is_current=True,
    )
    told = pd.DataFrame(
        actions, columns=["session_id", "step_number", "next_action", "seconds_to_next"]
    )
    return {"steps": pd.concat([frame, now], ignore_index=True), "actions": told}


def _walk(session, start, odds, generator, steps, actions) -> None:
    channel = str(generator.choice(["direct", "email", "organic_search"]))
    state = {"last": "page_view", "channel": channel, "products": 0}
    counts = dict.fromkeys(NAMES, 0)
    previous, elapsed, waited = None, 0, 0
    for step in range(1, 40):
        counts[state["last"]] += 1
        state["products"] = counts["product_view: home"]
        occurred_at = start + pd.Timedelta(seconds=elapsed)
        category = "home" if state["last"].endswith("home") else None
        steps.append(
            (session, step, occurred_at, occurred_at, False, state["last"], previous, category,
             "web", "mobile", channel, occurred_at.hour, waited, elapsed,
             counts["page_view"], counts["product_view: home"], counts["search"],
             counts["add_to_cart"])
        )  # fmt: skip
        share = odds(state)
        action = str(generator.choice(ACTIONS, p=share / share.sum()))
        if action == "leaves":
            actions.append((session, step, action, np.nan))
            return
        waited = int(generator.exponential(WAIT[action])) % 1_700 + 1
        actions.append((session, step, action, waited))
        previous, state["last"] = state["last"], action
        elapsed += waited
