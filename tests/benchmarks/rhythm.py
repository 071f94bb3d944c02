"""Fit and apply BG/NBD to a million customers, beside `lifetimes` and `pymc-marketing`."""

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.btyd import dropout
from ml.btyd.dropout import BG_NBD, MBG_NBD, Dropout
from ml.btyd.forecasts import forecast
from ml.btyd.histories import Histories, group
from tests.benchmarks.memory import peak_gb

CUSTOMERS = 1_000_000
HORIZON_DAYS = 365
# r, alpha, a and b of Fader, Hardie & Lee 2005; alpha in weeks.
PUBLISHED = (0.243, 4.414, 0.793, 2.426)
REPEATS = 3
ROOT = Path(__file__).parents[2]
PYMC = Path(__file__).with_name("rhythm_pymc.py")
PACKAGE = "pymc-marketing==0.19.2"


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


def measure_rhythm(with_reference: bool = False) -> Iterator[dict[str, Any]]:
    """Yield seconds, the ratio to `lifetimes` and to one pass over the data, and peak memory.

    Each library runs in a process of its own, so that memory is its own, too; one thread.
    `with_reference` installs pymc-marketing into an environment of its own and measures it, too.
    """
    ours, theirs = (_child(who) for who in ("ours", "lifetimes"))
    for step in ("fit", "apply"):
        yield _figure(f"bg_nbd_{step}", ours[step], theirs[step], "lifetimes, same run")
        yield _figure(
            f"bg_nbd_{step}_grouped",
            ours[f"{step}_grouped"],
            ours["pass"],
            "one pass over the grouped data in numpy, its log-likelihood once",
        )
    yield _figure(
        "bg_nbd_fit_and_apply_grouped",
        ours["fit_grouped"] + ours["apply_grouped"],
        ours["pass"],
        "one pass over the grouped data in numpy; the goal is 3",
    )
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
    if with_reference:
        with tempfile.TemporaryDirectory() as folder:
            yield from _beside_pymc(ours, Path(folder))


def _beside_pymc(ours: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield our seconds and memory beside those of pymc-marketing on the same histories."""
    histories = folder / "histories.npy"
    np.save(histories, simulate(CUSTOMERS))
    venv.create(folder / "pymc", with_pip=True)
    python = str(folder / "pymc" / "bin" / "python")
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *quiet, PACKAGE], check=True)
    command = [python, "-W", "ignore", str(PYMC), str(histories), str(HORIZON_DAYS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout.splitlines()[-1])
    for step in ("fit", "apply"):
        yield _figure(f"bg_nbd_{step}", ours[step], theirs[step], f"{PACKAGE}, same run")
    yield {
        "name": "bg_nbd_peak_memory", "value": round(ours["peak"]), "unit": "MB",
        "size": "1M customers", "ratio": round(ours["peak"] / theirs["peak"], 2),
        "ratio_to": f"{PACKAGE}, same run",
    }  # fmt: skip


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
    """Measure this room; grouping counts as part of the fit, except where it is named grouped.

    Every run gets a copy without what an earlier one has remembered.
    """
    columns = simulate(CUSTOMERS).T
    fit, (histories, model) = _best(lambda: _fitted(columns))
    modified, _ = _best(lambda: dropout.fit(group(*columns), MBG_NBD))
    fit_grouped, _ = _best(lambda: dropout.fit(replace(histories), BG_NBD))
    applied, _ = _best(lambda: _applied(model, replace(histories)))
    alone = np.arange(len(histories.counts))
    applied_grouped, _ = _best(lambda: _applied(model, replace(histories, customers=alone)))
    once, _ = _best(lambda: _pass(histories))
    parameters = [model.r, model.alpha, model.a, model.b]
    return {
        "fit": fit, "fit_modified": modified, "apply": applied, "pass": once,
        "fit_grouped": fit_grouped, "apply_grouped": applied_grouped,
        "parameters": parameters, "peak": peak_gb() * 1000,
    }  # fmt: skip


def _applied(model: Dropout, histories: Histories) -> tuple[np.ndarray, ...]:
    return forecast(model, histories, days=HORIZON_DAYS)


def _fitted(columns: np.ndarray) -> tuple[Histories, Dropout]:
    histories = group(*columns)
    return histories, dropout.fit(histories, BG_NBD)


def _pass(histories: Histories) -> float:
    """Return the log-likelihood of the grouped data as the paper's equation 6 has it, in numpy.

    One pass: each row is read once, and nothing else is computed, no gradient either. A fit cannot
    do with less than some of them.
    """
    from scipy.special import gammaln

    r, alpha, a, b = PUBLISHED
    x = histories.repeats.astype(np.float64)
    at_recency, at_age = (
        alpha + days / 7.0 for days in (histories.recency_days, histories.age_days)
    )
    ordered = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    alive = -(r + x) * np.log(at_age)
    left = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(at_recency)
    either = np.logaddexp(alive, np.where(x > 0, left, -np.inf))
    return float((histories.counts * (ordered + stayed + either)).sum())


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


if __name__ == "__main__":
    measured = {"ours": _ours, "lifetimes": _lifetimes}[sys.argv[1]]()
    sys.stdout.write(json.dumps(measured) + "\n")
