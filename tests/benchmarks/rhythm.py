"""Fit and apply the models of orders and value for a million customers, beside `lifetimes`."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.btyd import dropout
from ml.btyd.dropout import BG_NBD, MBG_NBD, Dropout
from ml.btyd.forecasts import expected_orders, order_probability
from ml.btyd.histories import Histories, group
from ml.features import FEATURES, KEYS, NAMES
from ml.models import next_order, orders_and_value
from tests.benchmarks.memory import peak_gb

CUSTOMERS = 1_000_000
HORIZON_DAYS = 365
# r, alpha, a and b of Fader, Hardie & Lee 2005; alpha in weeks.
PUBLISHED = (0.243, 4.414, 0.793, 2.426)
CLOCK = pd.Timestamp("2026-11-01")
BATCH_CUSTOMERS = 20_000
REPEATS = 3
ROOT = Path(__file__).parents[2]


def simulate(customers: int, *, days: int = 1_096, seed: int = 1) -> np.ndarray:
    """Return repeats, recency and age in days of customers who order and leave as published."""
    generator = np.random.default_rng(seed)
    r, alpha, a, b = PUBLISHED
    rate = generator.gamma(r, 1 / alpha, customers) / 7
    chance = generator.beta(a, b, customers)
    age = generator.integers(1, days, customers)
    repeats, recency = np.zeros(customers, dtype=np.int64), np.zeros(customers)
    stays = np.ones(customers, dtype=bool)
    while stays.any():
        after = recency + generator.exponential(1, customers) / np.maximum(rate, 1e-12)
        stays &= after < age
        recency = np.where(stays, after, recency)
        repeats += stays
        stays &= generator.random(customers) >= chance
    return np.column_stack([repeats, recency.astype(np.int64), age])


def measure_rhythm() -> Iterator[dict[str, Any]]:
    """Yield seconds, the ratio to `lifetimes` and to one pass over the data, and peak memory.

    Each library runs in a process of its own, so that memory is its own, too; one thread.
    """
    ours, theirs = (_child(who) for who in ("ours", "lifetimes"))
    for step in ("fit", "apply"):
        yield _figure(f"bg_nbd_{step}", ours[step], theirs[step], "lifetimes, same run")
        yield _figure(f"bg_nbd_{step}_over_pass", ours[step], ours["pass"], "one pass in numpy")
    yield _figure("mbg_nbd_fit", ours["fit_modified"], ours["fit"], "bg_nbd_fit")
    memory = {"unit": "MB", "ratio": round(ours["peak"] / theirs["peak"], 2)}
    yield {
        "name": "bg_nbd_peak_memory", "value": round(ours["peak"]), "size": "1M customers",
        "ratio_to": "lifetimes, same run", **memory,
    }  # fmt: skip
    difference = max(
        abs(one / other - 1)
        for one, other in zip(ours["parameters"], theirs["parameters"], strict=True)
    )
    yield {
        "name": "bg_nbd_parameters_apart", "value": float(f"{difference:.1e}"), "unit": "share",
        "size": "1M customers", "ratio": None, "ratio_to": "lifetimes, largest of four",
    }  # fmt: skip
    yield from _scoring()


def _figure(name: str, seconds: float, reference: float, what: str) -> dict[str, Any]:
    return {
        "name": name, "value": round(seconds, 3), "unit": "s", "size": "1M customers",
        "ratio": round(seconds / reference, 3), "ratio_to": what,
    }  # fmt: skip


def _child(who: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.rhythm", who]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _best(action: Callable[[], Any], repeats: int = REPEATS) -> tuple[float, Any]:
    """Return the shortest of some runs in seconds, and what the last one returned."""
    seconds, result = [], None
    for _ in range(repeats):
        begin = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), result


def _ours() -> dict[str, Any]:
    """Measure this room; grouping counts as part of the fit."""
    columns = simulate(CUSTOMERS).T
    fit, (histories, model) = _best(lambda: _fitted(columns))
    modified, _ = _best(lambda: dropout.fit(group(*columns), MBG_NBD))
    applied, _ = _best(
        lambda: (
            expected_orders(model, histories, days=HORIZON_DAYS),
            order_probability(model, histories, days=HORIZON_DAYS),
        )
    )
    once, _ = _best(lambda: _pass(histories))
    parameters = [model.r, model.alpha, model.a, model.b]
    return {
        "fit": fit, "fit_modified": modified, "apply": applied, "pass": once,
        "parameters": parameters, "peak": peak_gb() * 1000,
    }  # fmt: skip


def _fitted(columns: np.ndarray) -> tuple[Histories, Dropout]:
    histories = group(*columns)
    return histories, dropout.fit(histories, BG_NBD)


def _pass(histories: Histories) -> float:
    """Read the grouped data once and take two logarithms of each row: the least a model must do."""
    logarithms = np.log(histories.age_days + 7.0) - np.log(histories.recency_days + 7.0)
    return float((histories.counts * histories.repeats * logarithms).sum())


def _lifetimes() -> dict[str, Any]:
    """Measure the archived library on the same histories, in weeks, without a penalty."""
    from lifetimes import BetaGeoFitter

    columns = simulate(CUSTOMERS).T
    frame = pd.DataFrame({"x": columns[0], "t": columns[1] / 7, "T": columns[2] / 7})
    # It takes weights, so it is given grouped rows as its documentation advises.
    begin = time.perf_counter()
    grouped = frame.groupby(["x", "t", "T"], as_index=False).size()
    fitter = BetaGeoFitter(penalizer_coef=0.0)
    fitter.fit(grouped["x"], grouped["t"], grouped["T"], weights=grouped["size"])
    fit = time.perf_counter() - begin
    applied, _ = _best(
        lambda: fitter.conditional_expected_number_of_purchases_up_to_time(
            HORIZON_DAYS / 7, frame["x"], frame["t"], frame["T"]
        ),
        repeats=1,
    )
    parameters = [float(fitter.params_[name]) for name in ("r", "alpha", "a", "b")]
    return {"fit": fit, "apply": applied, "parameters": parameters, "peak": peak_gb() * 1000}


def _scoring() -> Iterator[dict[str, Any]]:
    """Yield the seconds that scoring a million customers takes, as a whole batch."""
    features, purchases = _shop(BATCH_CUSTOMERS)
    frames = {"features": features, "purchases": purchases}
    trained = next_order.fit(frames, as_of=CLOCK)
    valued = orders_and_value.fit(frames, as_of=CLOCK)
    current = features[features["is_current"]]
    copies = CUSTOMERS // len(current) + 1
    many = _repeated(current, copies).iloc[:CUSTOMERS]
    bought = _repeated(purchases, copies)
    tasks = {
        "next_order": lambda: next_order.predict(
            trained.champion, {"features": many}, scored_at=CLOCK
        ),
        "orders_and_value": lambda: orders_and_value.predict(
            valued.champion, {"purchases": bought, "customers": many}, scored_at=CLOCK
        ),
    }
    for name, task in tasks.items():
        seconds, rows = _best(task, repeats=1)
        yield {
            "name": f"{name}_score", "value": round(seconds, 2), "unit": "s",
            "size": f"{len(rows):,} customers", "ratio": round(len(rows) / seconds),
            "ratio_to": "customers a second",
        }  # fmt: skip


def _shop(customers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return features of three dates and the purchases behind them, of simulated customers."""
    generator = np.random.default_rng(2)
    history = simulate(customers, seed=3)
    count = history[:, 0] + 1
    rows = np.repeat(np.arange(customers), count)
    share = generator.random(len(rows))
    is_first = np.concatenate([[True], rows[1:] != rows[:-1]])
    days_ago = history[rows, 2] - np.where(is_first, 0.0, share * history[rows, 1])
    times = CLOCK - pd.to_timedelta(np.maximum(days_ago, 0.01), unit="D")
    purchases = pd.DataFrame(
        {
            "customer_id": "c" + pd.Series(rows).astype(str),
            "occurred_at": pd.Series(times).astype("datetime64[us]"),
            "margin_amount": generator.lognormal(3, 0.5, len(rows)),
        }
    )
    dates = [CLOCK - pd.Timedelta(days=90 * step) for step in range(4)]
    frames = [_snapshot(purchases, date) for date in dates]
    return pd.concat(frames, ignore_index=True), purchases


def _snapshot(purchases: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    known = purchases[purchases["occurred_at"] < as_of]
    days = (as_of - known["occurred_at"]).dt.days
    grouped = days.groupby(known["customer_id"])
    frame = pd.DataFrame(
        {
            "days_since_last_order": grouped.min(),
            "days_since_first_order": grouped.max(),
            "days_first_to_last_order": grouped.max() - grouped.min(),
            "count_orders": grouped.size(),
        }
    )
    for feature in FEATURES:
        if feature.name not in frame:
            frame[feature.name] = False if feature.kind == "boolean" else 0
    frame = frame.reset_index().assign(as_of=as_of, is_current=as_of == CLOCK)
    return frame[[*KEYS, *NAMES]]


def _repeated(frame: pd.DataFrame, copies: int) -> pd.DataFrame:
    """Return copies of rows whose customers have names of their own."""
    names = (frame["customer_id"] + f"-{copy}" for copy in range(copies))
    return pd.concat([frame.assign(customer_id=ids) for ids in names], ignore_index=True)


if __name__ == "__main__":
    measured = {"ours": _ours, "lifetimes": _lifetimes}[sys.argv[1]]()
    sys.stdout.write(json.dumps(measured) + "\n")
