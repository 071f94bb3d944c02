"""Seconds and memory of scoring a million customers with every prediction, beside reading them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from ml.models import PREDICTIONS
from ml.prediction import Prediction, entity
from orchestration import scoring
from orchestration.warehouse import Connection, Warehouse
from tests.benchmarks.memory import peak_gb

CUSTOMERS = 1_000_000
ROOT = Path(__file__).parents[2]


def measure_scoring(size: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Score copies of the customers of a built shop and yield seconds and peak memory.

    Each prediction runs in a process of its own. The reference is reading its inputs once as
    Arrow batches, in the same process. What refused to train at this size is left out.
    """
    home = folder / size
    copied = home / "many.duckdb"
    customers = _multiply(home / "warehouse.duckdb", copied)
    told = f"{customers:,} customers"
    total = 0.0
    for prediction in PREDICTIONS:
        seen = _child(prediction, home)
        if not seen["rows"]:
            continue
        total += seen["seconds"]
        yield {
            "name": f"{prediction.NAME}_score", "value": round(seen["seconds"], 2), "unit": "s",
            "size": told, "ratio": round(seen["seconds"] / seen["read"], 2),
            "ratio_to": f"reading its {seen['read_rows']:,} input rows", "rows": seen["rows"],
            "peak_gb": round(seen["peak"], 2),
        }  # fmt: skip
    yield {
        "name": "all_predictions_score", "value": round(total, 2), "unit": "s", "size": told,
        "ratio": round(total / 60, 2), "ratio_to": "60 s",
    }  # fmt: skip
    copied.unlink()


def _multiply(source: Path, target: Path) -> int:
    """Copy what scoring reads, each customer often enough for a million, under other names."""
    target.unlink(missing_ok=True)
    inputs = [
        (entity(prediction), read.relation)
        for prediction in PREDICTIONS
        for read in prediction.SCORING.values()
    ]
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"attach '{source}' as source (read_only)")
        counted = "select count(distinct customer_id) from source.insight.customer_features"
        customers = connection.execute(counted).fetchall()[0][0]
        copies = -(-CUSTOMERS // customers)
        for key, relation in dict.fromkeys(inputs):
            schema, _, name = relation.partition(".")
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(
                f"create table if not exists {schema}.{name} as select rows.* replace "
                f"(md5(concat(rows.{key}, '-', copy)) as {key}) "
                f"from source.{relation} as rows, range({copies}) as copies (copy)"
            )
        connection.execute("create schema ml")
        for name in ("trainings", "pins"):
            found = connection.execute(
                "select 1 from duckdb_tables() where database_name = 'source' "
                "and schema_name = 'ml' and table_name = ?",
                [name],
            ).fetchall()
            if found:
                connection.execute(f"create table ml.{name} as from source.ml.{name}")
    return int(customers * copies)


def _child(prediction: Prediction, home: Path) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.scoring"]
    done = subprocess.run(
        [*command, prediction.NAME, str(home)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _score(name: str, home: Path) -> dict[str, Any]:
    """Score as the asset does: read, spool, replace the table."""
    prediction = next(one for one in PREDICTIONS if name == one.NAME)
    warehouse = Warehouse(home / "many.duckdb")
    with warehouse.connect() as connection:
        begin = time.perf_counter()
        read_rows = _read(connection, prediction)
        read = time.perf_counter() - begin
        begin = time.perf_counter()
        results = scoring.score(connection, prediction, home / "models")
        with scoring.spooled(results, prediction, home) as scored:
            scoring.replace_result(connection, prediction, scored.rows)
        seconds = time.perf_counter() - begin
        count, _ = scoring.count_rows(connection, prediction)
        connection.execute(f"drop table ml.{prediction.NAME}")
    return {
        "read": read, "read_rows": read_rows, "seconds": seconds, "rows": count, "peak": peak_gb()
    }  # fmt: skip


def _read(connection: Connection, prediction: Prediction) -> int:
    return sum(
        batch.num_rows
        for read in prediction.SCORING.values()
        for batch in connection.stream(
            f"select {', '.join(read.columns)} from {read.relation} where {read.condition}", 100_000
        )
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_score(sys.argv[1], Path(sys.argv[2]))) + "\n")
