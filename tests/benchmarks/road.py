"""Seconds of the dbt build and of the whole road, beside a plain copy of the same raw tables."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

REGULARS = Path(sys.executable).with_name("regulars")


def measure_road(size: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Run the demo at one size in `folder` and yield its figures.

    The reference is what DuckDB needs to copy every raw table once, in the same run: the least
    that any build of these rows could cost.
    """
    home = folder / size
    environment = {**os.environ, "REGULARS_HOME": str(home), "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    command = [REGULARS, "demo", "--size", size, "--seed", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    summary = json.loads((home / "summary.json").read_text())
    copied, rows = _copy_raw(home / "warehouse.duckdb")
    build = summary["steps"]["Build models"]
    reference = f"DuckDB copying the {rows:,} raw rows"
    for name, value in (("dbt_build", build), ("end_to_end", seconds)):
        yield {
            "name": name,
            "value": round(value, 2),
            "unit": "s",
            "size": size,
            "ratio": round(value / copied, 1),
            "ratio_to": reference,
        }


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
