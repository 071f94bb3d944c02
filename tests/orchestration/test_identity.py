"""The asset that links postal records, on warehouses that hold just its input."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.warehouse import Warehouse
from tests.ml.households import make_households, shop_pools

ROOT = Path(__file__).parents[2]
RUN = """
import json, sys, time
from pathlib import Path
import dagster as dg
from orchestration.defs.identity import every_pair_is_decided_once, identity_links
from orchestration.warehouse import Warehouse

started = time.monotonic()
result = dg.materialize(
    [identity_links, every_pair_is_decided_once],
    resources={"warehouse": Warehouse(Path(sys.argv[1]))},
    run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
)
(made,) = result.asset_materializations_for_node("ml__identity_links")
(check,) = result.get_asset_check_evaluations()
metadata = {name: value.value for name, value in made.metadata.items()}
json.dump({
    "metadata": metadata, "is_checked": check.passed, "has_splink": "splink" in sys.modules,
    "seconds": time.monotonic() - started,
}, sys.stdout, default=str)
"""


def run(path: Path) -> dict:
    """Make the asset in a process of its own and return what it said."""
    environment = {**os.environ, "REGULARS_HOME": str(path.parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN, path],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def fill(path: Path, records: pa.Table) -> Warehouse:
    """Write the relation that the asset reads."""
    warehouse = Warehouse(path)
    with warehouse.connect() as connection:
        connection.execute("create schema if not exists intermediate")
        connection.raw.register("records", records)
        connection.execute(
            "create or replace table intermediate.int_postal_records_chosen as from records"
        )
    return warehouse


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """A warehouse whose records were linked, and what the asset said."""
    path = tmp_path_factory.mktemp("linked") / "warehouse.duckdb"
    records = make_households(700, shop_pools(), seed=3).records
    return fill(path, records), run(path)


def test_links_are_written_with_their_counts(linked):
    """The table holds what the metadata says, and its check passes."""
    warehouse, said = linked

    with warehouse.connect(read_only=True) as connection:
        counts = connection.execute("select decision, count(*) from ml.identity_links group by 1")
    assert said["is_checked"]
    assert said["metadata"]["status"] == "linked"
    assert dict(counts) == {name: said["metadata"][name] for name, _ in counts}
    assert said["metadata"]["threshold"] >= 0.8


def test_a_shop_without_such_records_has_no_links_and_no_wait(linked, tmp_path):
    """What stood there before is gone; Splink is not even loaded."""
    path = tmp_path / "warehouse.duckdb"
    shutil.copy(linked[0].path, path)
    warehouse = fill(path, make_households(20, shop_pools(), seed=3).records)

    said = run(warehouse.path)

    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from ml.identity_links") == [(0,)]
    assert "100 are needed" in said["metadata"]["refusal"]
    assert not said["has_splink"]
