"""Customers in groups that lie apart, or in none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.features import FEATURES, KEYS

CLOCK = pd.Timestamp("2026-11-01")
# Typical facts of three groups: new and browsing, long gone, loyal in the store.
FRESH = {"days_since_last_order": 20, "days_since_first_order": 25, "count_orders": 1,
         "average_order_value": 30, "count_categories": 1, "count_sessions_90d": 12,
         "count_human_opens_90d": 3, "count_store_orders_365d": 0, "discount_share": 0.4,
         "return_share": 0.02}  # fmt: skip
GONE = {**FRESH, "days_since_last_order": 700, "days_since_first_order": 900,
        "average_order_value": 90, "count_sessions_90d": 0, "count_human_opens_90d": 0,
        "discount_share": 0.02}  # fmt: skip
LOYAL = {**GONE, "days_since_last_order": 30, "count_orders": 20, "count_categories": 6,
         "count_store_orders_365d": 9, "count_sessions_90d": 4, "return_share": 0.2}  # fmt: skip
KINDS = (FRESH, GONE, LOYAL)


def features_of(rows: pd.DataFrame, clock: pd.Timestamp = CLOCK) -> pd.DataFrame:
    """Return a feature frame of these facts; what is not named is zero."""
    number = pd.Series(np.arange(len(rows))).astype(str).str.zfill(6)
    keys = pd.DataFrame({"customer_id": "c" + number, "as_of": clock, "is_current": True})
    facts = {}
    for feature in FEATURES:
        given = rows[feature.name] if feature.name in rows else pd.Series(0.0, rows.index)
        facts[feature.name] = given.to_numpy()
        if feature.kind == "boolean":
            facts[feature.name] = np.zeros(len(rows), dtype=bool)
        if feature.kind == "integer":
            facts[feature.name] = np.round(given.to_numpy()).astype("int64")
    return pd.concat([keys, pd.DataFrame(facts)], axis=1)[
        [*KEYS, *(feature.name for feature in FEATURES)]
    ]


def groups_of(
    sizes: tuple[int, ...], *, seed: int, spread: float = 0.35
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features of customers around the typical facts, and the true group of each."""
    generator = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    middles = pd.DataFrame(list(KINDS)).iloc[truth].reset_index(drop=True)
    # Small counts are as they are: rounded, their noise would be groups of its own.
    noise = generator.normal(0, spread, middles.shape) * (middles > 3)
    logs = np.log1p(middles.astype(float)) + noise
    facts = np.expm1(logs).clip(lower=0)
    for share in ("discount_share", "return_share"):
        facts[share] = (middles[share] * np.exp(generator.normal(0, spread, len(truth)))).clip(0, 1)
    return features_of(facts), truth


def cloud_of(count: int, *, seed: int, related: bool, kind: str = "normal") -> pd.DataFrame:
    """Return customers without groups: independent facts, or facts that go together."""
    generator = np.random.default_rng(seed)
    draw = {"normal": generator.normal, "uniform": generator.uniform}[kind]
    points = draw(size=(count, len(FRESH)))
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    if related:
        points = points @ generator.normal(size=(len(FRESH), len(FRESH))) / np.sqrt(len(FRESH))
    facts = pd.DataFrame(np.expm1(5 + 0.6 * points), columns=list(FRESH))
    for share in ("discount_share", "return_share"):
        # Far from 1, a share is nearly its own logarithm.
        facts[share] = (0.1 + 0.015 * np.log1p(facts[share])).clip(0, 1)
    return features_of(facts)
