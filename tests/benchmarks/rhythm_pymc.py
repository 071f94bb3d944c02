"""Fit and apply BG/NBD with pymc-marketing; run by an environment of its own, not by ours.

Takes the file of histories (repeats, recency and age in days, a row per customer) and the days to
look ahead; prints a line of JSON. Flat priors and the maximum: the same estimate as by likelihood.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from pymc_extras.prior import Prior
from pymc_marketing.clv import BetaGeoModel

NAMES = ("r", "alpha", "a", "b")


def main(histories: str, days: str) -> None:
    """Fit once to compile, then measure; nothing of the compilation is in the figures."""
    repeats, recency, age = np.load(histories).T
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(len(repeats)),
            "frequency": repeats,
            "recency": recency / 7,
            "T": age / 7,
        }
    )
    priors = {name: Prior("HalfFlat") for name in NAMES}
    model = BetaGeoModel(frame.iloc[:1_000], model_config=priors)
    model.fit(method="map", progressbar=False)
    model = BetaGeoModel(frame, model_config=priors)
    begin = time.perf_counter()
    model.fit(method="map", progressbar=False)
    fit = time.perf_counter() - begin
    begin = time.perf_counter()
    model.expected_purchases(frame, future_t=int(days) / 7)
    apply = time.perf_counter() - begin
    parameters = [float(model.fit_result[name].to_numpy().ravel()[0]) for name in NAMES]
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1e3
    told = {"fit": fit, "apply": apply, "parameters": parameters, "peak": peak}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
