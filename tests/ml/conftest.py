"""Shops to learn on: feature frames built with pandas from purchases alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.features import FEATURES, KEYS

RETAIL = Path(__file__).parents[2] / "sandbox" / "data" / "online_retail.parquet"

BuildFeatures = Callable[[pd.DataFrame, list[pd.Timestamp]], pd.DataFrame]


def _snapshot(occasions: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the features of every customer known at a date; absent silos are zero."""
    known = occasions[occasions["occurred_at"] < as_of].sort_values(["customer_id", "occurred_at"])
    days = (as_of.normalize() - known["occurred_at"].dt.normalize()).dt.days
    known = known.assign(days=days, gap=-days.groupby(known["customer_id"]).diff())
    grouped = known.groupby("customer_id")
    frame = pd.DataFrame(
        {
            "days_since_last_order": grouped["days"].min(),
            "days_since_first_order": grouped["days"].max(),
            "count_orders": grouped.size(),
            "revenue_total": grouped["net_amount"].sum(),
            "last_gap_days": grouped["gap"].last(),
        }
    )
    for window in (30, 90, 180, 365):
        inside = known[known["occurred_at"] >= as_of - pd.Timedelta(days=window)]
        sums = inside.groupby("customer_id")["net_amount"].agg(["size", "sum"])
        sums = sums.reindex(frame.index, fill_value=0)
        frame[f"count_orders_{window}d"] = sums["size"]
        frame[f"revenue_{window}d"] = sums["sum"]
    first, last = frame["days_since_first_order"], frame["days_since_last_order"]
    frame["days_first_to_last_order"] = first - last
    frame["average_order_value"] = frame["revenue_total"] / frame["count_orders"]
    repeats = (frame["count_orders"] - 1).where(frame["count_orders"] > 1)
    frame["mean_gap_days"] = frame["days_first_to_last_order"] / repeats
    frame["overdue_ratio"] = last / frame["mean_gap_days"].where(frame["mean_gap_days"] > 0)
    frame["activity_trend_ratio"] = 1.0
    frame["days_since_last_event"] = np.nan
    frame = frame.drop(columns=["revenue_30d", "revenue_180d"])
    for feature in FEATURES:
        if feature.name not in frame:
            frame[feature.name] = False if feature.kind == "boolean" else 0
    return frame.reset_index().assign(as_of=as_of)


def _features(occasions: pd.DataFrame, as_ofs: list[pd.Timestamp]) -> pd.DataFrame:
    """Return the feature frame of several dates; the newest one is current."""
    frame = pd.concat([_snapshot(occasions, as_of) for as_of in as_ofs], ignore_index=True)
    frame["is_current"] = frame["as_of"] == max(as_ofs)
    return frame[[*KEYS, *(feature.name for feature in FEATURES)]]


@pytest.fixture(scope="session")
def build_features() -> BuildFeatures:
    """Build a feature frame from occasions (customer_id, occurred_at, net_amount) and dates."""
    return _features


def _simulate(*, customers: int, days: int, until: pd.Timestamp, seed: int) -> pd.DataFrame:
    """Return purchases of customers who differ in rate and may leave: a BG/NBD world."""
    generator = np.random.default_rng(seed)
    rate = generator.gamma(0.6, 1 / 40, customers)
    dropout = generator.beta(0.8, 2.5, customers)
    start = generator.uniform(0, days, customers)
    rows = [pd.DataFrame({"customer": np.arange(customers), "day": start})]
    day, alive = start, np.ones(customers, dtype=bool)
    while alive.any():
        alive &= generator.random(customers) > dropout
        day = day + generator.exponential(1 / rate)
        alive &= day < days
        rows.append(pd.DataFrame({"customer": np.flatnonzero(alive), "day": day[alive]}))
    frame = pd.concat(rows, ignore_index=True)
    occurred_at = until - pd.to_timedelta(days - frame["day"], unit="D").dt.floor("s")
    return pd.DataFrame(
        {
            "customer_id": "c" + frame["customer"].astype(str),
            "occurred_at": occurred_at.astype("datetime64[us]"),
            "net_amount": generator.lognormal(3, 0.5, len(frame)).round(2),
        }
    )


@pytest.fixture(scope="session")
def simulate() -> Callable[..., pd.DataFrame]:
    """Simulate purchases: customers, days of history, until, seed."""
    return _simulate


def _fill(occasions: pd.DataFrame, *, seed: int, loyalty: float = 0.8) -> pd.DataFrame:
    """Return the lines of purchases: one to three products each, of 60 in six groups.

    Each customer has a group that a line is of with a probability of `loyalty`, else it is of any;
    within a group the first products sell most.
    """
    generator = np.random.default_rng(seed)
    codes, customers = pd.factorize(occasions["customer_id"], sort=True)
    taste = generator.integers(0, 6, len(customers))
    lines = np.repeat(np.arange(len(occasions)), generator.integers(1, 4, len(occasions)))
    likes = generator.random(len(lines)) < loyalty
    group = np.where(likes, taste[codes[lines]], generator.integers(0, 6, len(lines)))
    share = 1 / np.arange(2, 12)
    place = generator.choice(10, len(lines), p=share / share.sum())
    return pd.DataFrame(
        {
            "customer_id": occasions["customer_id"].to_numpy()[lines],
            "sku": [f"g{g}-{p}" for g, p in zip(group, place, strict=True)],
            "category": np.array([f"group {g}" for g in range(6)])[group],
            "occurred_at": occasions["occurred_at"].to_numpy()[lines],
        }
    )


@pytest.fixture(scope="session")
def fill() -> Callable[..., pd.DataFrame]:
    """Fill purchases with products: occasions, seed, loyalty to the customer's own group."""
    return _fill


CLOCK = pd.Timestamp("2026-11-01")


@dataclass(frozen=True)
class Shop:
    """A simulated shop at its clock: features of five dates and every purchase."""

    features: pd.DataFrame
    occasions: pd.DataFrame
    clock: pd.Timestamp
    lines: pd.DataFrame

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Return what a prediction reads."""
        return {
            "features": self.features,
            "purchases": self.occasions,
            "lines": self.lines,
            "seasons": self.seasons,
        }

    @property
    def seasons(self) -> pd.DataFrame:
        """Return the months of a shop without seasons, as known for a year."""
        begins = (self.clock - pd.Timedelta(days=365)).normalize().replace(day=1)
        months = pd.date_range(begins, periods=24, freq="MS")
        return pd.DataFrame(
            {
                "rule_version": f"{begins:%Y-%m-%d}",
                "valid_from": begins,
                "month_start": months,
                "season_index": 1.0,
            }
        )

    @property
    def current(self) -> pd.DataFrame:
        """Return the current snapshots."""
        return self.features[self.features["is_current"]]


def _shop(occasions: pd.DataFrame, clock: pd.Timestamp) -> Shop:
    """Return a shop with snapshots at its clock and every 90 days before it."""
    dates = [clock - pd.Timedelta(days=90 * step) for step in range(5)]
    is_old_enough = [(date - occasions["occurred_at"].min()).days >= 180 for date in dates]
    kept = [date for date, keep in zip(dates, is_old_enough, strict=True) if keep]
    return Shop(_features(occasions, kept), occasions, clock, _fill(occasions, seed=5))


@pytest.fixture(scope="session")
def make_shop() -> Callable[[pd.DataFrame, pd.Timestamp], Shop]:
    """Make a shop of occasions and a clock."""
    return _shop


@pytest.fixture(scope="session")
def shop() -> Shop:
    """A shop of 2,000 customers whose rates differ: there is something to learn."""
    return _shop(_simulate(customers=2_000, days=1_000, until=CLOCK, seed=7), CLOCK)


@pytest.fixture(scope="session")
def random_shop() -> Shop:
    """A shop where everybody orders at the same rate for ever: there is nothing to learn."""
    generator = np.random.default_rng(3)
    count = generator.poisson(4, 1_500)
    customers = np.repeat(np.arange(1_500), count)
    seconds = generator.integers(0, 800 * 86_400, len(customers))
    occasions = pd.DataFrame(
        {
            "customer_id": "c" + pd.Series(customers).astype(str),
            "occurred_at": (CLOCK - pd.to_timedelta(seconds + 1, unit="s")).astype(
                "datetime64[us]"
            ),
            "net_amount": generator.lognormal(3, 0.5, len(customers)).round(2),
        }
    )
    return _shop(occasions, CLOCK)


@pytest.fixture(scope="session")
def retail_lines() -> pd.DataFrame:
    """The real order lines of Online Retail of known customers, returns left out."""
    lines = pd.read_parquet(RETAIL)
    is_sale = ~lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] > 0)
    lines = lines[is_sale & (lines["UnitPrice"] > 0) & lines["CustomerID"].notna()]
    return lines.assign(
        customer_id=lines["CustomerID"].astype(str),
        sku=lines["StockCode"].astype(str),
        category=None,
        occurred_at=lines["InvoiceDate"],
        net_amount=lines["Quantity"] * lines["UnitPrice"],
        day=lines["InvoiceDate"].dt.normalize(),
    )


@pytest.fixture(scope="session")
def retail_shop(retail_lines: pd.DataFrame) -> Shop:
    """The real orders of Online Retail: one purchase per customer and day, returns left out."""
    occasions = retail_lines.groupby(["customer_id", "day"], as_index=False).agg(
        occurred_at=("occurred_at", "min"), net_amount=("net_amount", "sum")
    )
    return _shop(occasions, pd.Timestamp("2011-12-10"))


@pytest.fixture(scope="session")
def cdnow_folder() -> Path:
    """The folder of the public CDNOW files, which may not be copied; `lifetimes` has them."""
    found = importlib.util.find_spec("lifetimes")  # importing it would load much else
    if found is None or not found.submodule_search_locations:
        pytest.skip("the package lifetimes is not installed: make setup")
    return Path(found.submodule_search_locations[0]) / "datasets"


@pytest.fixture(scope="session")
def cdnow(cdnow_folder: Path) -> pd.DataFrame:
    """All purchases of CDNOW, January 1997 to June 1998: customer_id, occurred_at, amounts."""
    names = ["customer_id", "occurred_at", "count_pieces", "net_amount"]
    rows = pd.read_csv(
        cdnow_folder / "CDNOW_master.txt", sep=r"\s+", skiprows=1, names=names,
        dtype={"customer_id": "str"}, parse_dates=["occurred_at"],
    )  # fmt: skip
    return rows.assign(margin_amount=rows["net_amount"])
