"""The past windows that offers are judged and calibrated on, and the gates of a thin shop."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ml import evaluation
from ml.evaluation import Gate
from ml.offers.baskets import Baskets, baskets_at, bought_within

HISTORY_DAYS = 180
MINIMUM_OUTCOMES = 50
MINIMUM_ITEMS = 20


@dataclass(frozen=True)
class OfferWindow:
    """What was known when a window began, and what its customers bought in it."""

    baskets: Baskets
    bought: pd.DataFrame


def window_before(
    known: pd.DataFrame, moment: pd.Timestamp, *, days: int, steps: int
) -> OfferWindow:
    """Return the window of so many whole days that begins so many windows before a moment.

    Takes known lines.
    """
    today = (moment - pd.Timedelta(microseconds=1)).normalize()
    baskets = baskets_at(known, as_of=today + pd.Timedelta(days=1 - steps * days))
    return OfferWindow(baskets, bought_within(known, baskets, days=days))


def offer_gates(
    known: pd.DataFrame, moment: pd.Timestamp, window: OfferWindow, *, days: int
) -> tuple[Gate, ...]:
    """Return every readiness gate of known lines and their newest window."""
    visits = known.drop_duplicates(["customer_id", "day"]).rename(columns={"day": "occurred_at"})
    history = int((moment - known["day"].min()).days) if len(known) else 0
    least = HISTORY_DAYS + 2 * days
    items, buyers = len(window.baskets.items), _count_new_buyers(window)
    return (
        *evaluation.data_gates(visits, as_of=moment),
        Gate(
            "history_days_with_windows", history, least,
            f"{history} days since the first purchase; at least {least} are needed.",
        ),
        Gate(
            "count_items", items, MINIMUM_ITEMS,
            f"{items:,} products bought before the newest window; "
            f"at least {MINIMUM_ITEMS} are needed.",
        ),
        Gate(
            "count_new_buyers", buyers, MINIMUM_OUTCOMES,
            f"{buyers:,} customers who bought something new to them in the newest {days} days; "
            f"at least {MINIMUM_OUTCOMES} are needed.",
        ),
    )  # fmt: skip


def _count_new_buyers(window: OfferWindow) -> int:
    owned = pd.DataFrame({"customer": window.baskets.customer, "item": window.baskets.item})
    known = window.bought[window.bought["item"] >= 0]
    found = known.merge(owned.drop_duplicates(), how="left", indicator=True)
    return int(found.loc[found["_merge"] == "left_only", "customer"].nunique())
