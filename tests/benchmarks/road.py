"""Seconds of the dbt build and of the whole road, first and next day, beside copying its input."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

REGULARS = Path(sys.executable).with_name("regulars")


NEXT_DAY = date(2026, 11, 1)


def measure_road(size: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Run the demo at one size in `folder`, let one day pass, and yield the figures of both.

    The reference is what DuckDB needs to copy every raw table once, in the same run: the least
    that any build of these rows could cost.
    """
    home = folder / size
    build, seconds = _run(home, size)
    copied, rows = _copy_raw(home / "warehouse.duckdb")
    next_build, next_seconds = _run(home, size, "--until", NEXT_DAY.isoformat())
    for name, value in (
        ("dbt_build", build),
        ("end_to_end", seconds),
        ("dbt_build_next_day", next_build),
        ("end_to_end_next_day", next_seconds),
    ):
        yield {
            "name": name,
            "value": round(value, 2),
            "unit": "s",
            "size": size,
            "ratio": round(value / copied, 1),
            "ratio_to": f"DuckDB copying the {rows:,} raw rows",
        }


def _run(home: Path, size: str, *more: str) -> tuple[float, float]:
    """Return the seconds of dbt, and of everything."""
    environment = {**os.environ, "REGULARS_HOME": str(home), "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    command = [REGULARS, "demo", "--size", size, "--seed", "1", *more]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    summary = json.loads((home / "summary.json").read_text())
    return summary["steps"]["Build models"], seconds


def _copy_raw(warehouse: Path) -> tuple[float, int]:
    copy = warehouse.with_name("copy.duckdb")
    copy.unlink(missing_ok=True)
    with duckdb.connect(str(copy)) as connection:
        connection.execute(f"attach '{warehouse}' as source (read_only)")
        names = connection.execute(
            "select table_name from duckdb_tables() "
            "where database_name = 'source' and schema_name = 'raw'"
        ).fetchall()
        started = time.perf_counter()
        rows = 0
        for (name,) in names:
            connection.execute(f'create table "{name}" as from source.raw."{name}"')
            rows += connection.execute(f'select count(*) from "{name}"').fetchall()[0][0]
        seconds = time.perf_counter() - started
    copy.unlink()
    return seconds, rows
