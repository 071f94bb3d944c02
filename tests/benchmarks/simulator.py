"""Rows per second of the simulated shop, beside pyarrow writing the same rows without thinking."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sandbox.shop import generate


def measure_simulator(size: str) -> Iterator[dict[str, Any]]:
    """Generate a shop of one size and yield its rows per second.

    The reference is what pyarrow needs, in the same run, to write all landed Parquet files
    once more: simulating cannot be faster than writing.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        summary = generate(folder / "landing", folder / "truth", size=size, seed=1)
        rows, seconds = _write_again(folder / "landing", folder / "copy.parquet")
    speed, reference = summary.count_rows_added / summary.seconds, rows / seconds
    yield {
        "name": "simulator",
        "value": round(speed),
        "unit": "rows/s",
        "size": size,
        "ratio": round(speed / reference, 3),
        "ratio_to": f"pyarrow writing {rows:,} of the same rows at {reference:,.0f} rows/s",
    }


def _write_again(landing: Path, copy: Path) -> tuple[int, float]:
    rows, seconds = 0, 0.0
    for path in sorted(landing.rglob("*.parquet")):
        table = pq.ParquetFile(path).read()
        started = time.perf_counter()
        pq.write_table(table, copy)
        seconds += time.perf_counter() - started
        rows += table.num_rows
    return rows, seconds


if __name__ == "__main__":
    for figure in measure_simulator(sys.argv[1] if len(sys.argv) > 1 else "demo"):
        sys.stdout.write(json.dumps(figure) + "\n")
