"""How right and how dear the customers of a whole shop are, on what the road left in a folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tests.benchmarks.memory import peak_gb
from tests.dbt.foundation.test_identity_truth import B_CUBED, MIXED_UP, PAIRS

DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"
SCAN = "select max(hash(record)) from intermediate.int_source_records_keyed as record"
# The goals a shop of 60,000 persons has to reach with any seed.
GOALS = {"pair_precision": 0.99, "pair_recall": 0.95, "b_cubed_f": 0.97}


def measure_persons(size: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield agreement with the simulator's truth, then the cost of finding all persons anew.

    Records that are known by their postal address alone count too. The reference of the cost is
    what DuckDB needs to read once the records that it is all about.
    """
    home = folder / size
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        truth = home / "truth"
        precision, recall = _all_records(connection, PAIRS, truth)[0]
        exact, whole = _all_records(connection, B_CUBED, truth)[0]
        mixed = sum(count for _, count in _all_records(connection, MIXED_UP, truth))
        started = time.perf_counter()
        connection.execute(SCAN)
        scanned = time.perf_counter() - started
    found = {
        "pair_precision": precision,
        "pair_recall": recall,
        "b_cubed_f": 2 * exact * whole / (exact + whole),
    }
    for name, value in found.items():
        yield {
            "name": f"persons_{name}",
            "value": round(value, 4),
            "unit": "share",
            "size": size,
            "ratio": round(value / GOALS[name], 4),
            "ratio_to": f"the goal: {GOALS[name]}",
        }
    yield {"name": "persons_mixed_up", "value": mixed, "unit": "hard negatives", "size": size}
    built = _build(home)
    reference = "DuckDB reading all records once"
    for name, value, unit in (("seconds", built["seconds"], "s"), ("cpu", built["cpu"], "CPU s")):
        yield {
            "name": f"identity_build_{name}",
            "value": round(value, 1),
            "unit": unit,
            "size": size,
            "ratio": round(value / scanned, 1),
            "ratio_to": reference,
        }
    yield {"name": "identity_build_peak_gb", "value": built["peak_gb"], "unit": "GB", "size": size}


def _all_records(connection: duckdb.DuckDBPyConnection, query: str, truth: Path) -> list[Any]:
    everybody = query.replace("and not link.is_postal_only", "")
    return connection.execute(everybody.format(truth=truth)).fetchall()


def _build(home: Path) -> dict[str, float]:
    """Run all models of identity from the ground up, in a process of its own."""
    environment = {**os.environ, "REGULARS_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.benchmarks.persons"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Build what is known of persons on the state in REGULARS_HOME and print what it took."""
    from dbt.cli.main import dbtRunner

    command = [
        "--quiet", "--no-version-check", "--log-level-file", "none", "run", "--full-refresh",
        "--select", "path:models/intermediate/identity", "customer_identities", "customer_merges",
        "excluded_identifiers", "--project-dir", str(DBT_PROJECT),
        "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(Path(os.environ["REGULARS_HOME"]) / "dbt"),
    ]  # fmt: skip
    began, busy = time.perf_counter(), time.process_time()
    done = dbtRunner().invoke(command)
    if not done.success:
        raise RuntimeError(done.exception or [result.message for result in done.result])
    figures = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - busy,
        "peak_gb": round(peak_gb(), 2),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
