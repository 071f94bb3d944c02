"""Seconds and memory to find who is one person, beside SciPy, Splink and igraph."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.graphs import draw_graph

SIZES = (1_000_000, 10_000_000)
WAYS = {
    "components": "ours",
    "dbt_alone": "alone",
    "components_scipy": "scipy",
    "components_igraph": "igraph",
    "components_splink": "splink",
    "persons": "persons",
    "persons_10k_new_identifiers": "news",
    "persons_10k_revoked_identifiers": "revoked",
}
LIMIT_SECONDS = 1_200


def measure_identity(sizes: tuple[int, ...] = SIZES) -> Iterator[dict[str, Any]]:
    """Yield processor seconds, wall seconds and peak memory of every way on the same graphs.

    The reference is SciPy's `connected_components`, with the edges fetched as Arrow and the labels
    written back: what the same work costs outside of the warehouse.
    """
    with tempfile.TemporaryDirectory() as temporary:
        packages = _install(Path(temporary) / "packages", "igraph")
        for size in sizes:
            graph = Path(temporary) / "graph.duckdb"
            graph.unlink(missing_ok=True)
            draw_graph(graph, size)
            reference: dict[str, float] = {}
            for name in ("components_scipy", *WAYS):
                if name == "components_scipy" and reference:
                    continue
                found = _measure(WAYS[name], graph, packages)
                reference = reference or found
                yield from _figures(name, size, found, reference)


def _figures(
    name: str, size: int, found: dict[str, float], reference: dict[str, float]
) -> Iterator[dict[str, Any]]:
    if "failure" in found:
        yield {"name": name, "value": None, "unit": "s", "size": f"{size:,} records", **found}
        return
    for figure, unit in (("cpu", "CPU s"), ("seconds", "s"), ("peak_gb", "GB")):
        yield {
            "name": f"{name}_{figure}",
            "value": round(found[figure], 2),
            "unit": unit,
            "size": f"{size:,} records",
            "ratio": round(found[figure] / reference[figure], 2),
            "ratio_to": f"SciPy's connected_components, Arrow there and back: {figure}",
        }


def _measure(way: str, graph: Path, packages: Path) -> dict[str, Any]:
    """Run one way on a copy of the graph, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=graph.parent) as folder:
        copy = Path(shutil.copy(graph, Path(folder) / "graph.duckdb"))
        command = [sys.executable, "-m", "tests.benchmarks.connected", way, str(copy)]
        path = os.pathsep.join(filter(None, (str(packages), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS
            )
        except subprocess.TimeoutExpired:
            return {"failure": f"not finished within {LIMIT_SECONDS} s"}
    if done.returncode:
        return {"failure": done.stderr.strip().splitlines()[-1][:200]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _install(folder: Path, package: str) -> Path:
    """Put a package that only this comparison needs into a folder of its own."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), package]
    subprocess.run(pip, check=False, capture_output=True)
    return folder
