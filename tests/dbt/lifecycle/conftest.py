"""Simulated shops in warehouses of their own, built by dbt as far as a test asks."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.contracts import read_contracts
from orchestration.landing import choose_clock, discover, read_manifest
from orchestration.loading import load
from orchestration.warehouse import Warehouse
from sandbox.shop import generate

DBT_PROJECT = Path(__file__).parents[3] / "dbt_project"
DBT = Path(sys.executable).with_name("dbt")


@dataclass(frozen=True)
class Shop:
    """A simulated shop whose landed files are in a warehouse; truth lies beside it."""

    home: Path
    target: Path

    @property
    def warehouse(self) -> Path:
        """Return the database file."""
        return self.home / "warehouse.duckdb"

    def build(self, *selection: str) -> None:
        """Build the selected models and the seeds they read, without their tests."""
        command = [
            DBT, "--no-version-check", "build", "--profiles-dir", DBT_PROJECT, "--project-dir",
            DBT_PROJECT, "--target-path", self.target, "--log-path", self.target,
            "--exclude-resource-type", "test", "unit_test", "--select", *selection,
        ]  # fmt: skip
        # One path for every shop: dbt would parse the project anew for another one.
        home = self.target / "home"
        home.unlink(missing_ok=True)
        home.symlink_to(self.home)
        environment = {**os.environ, "REGULARS_HOME": str(home), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:]

    def compiled(self, model: str) -> str:
        """Return a built model's select."""
        return next(self.target.joinpath("compiled").rglob(f"{model}.sql")).read_text()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return rows of the warehouse; `truth` in the statement is the folder of the truth."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql.format(truth=self.home / "truth")).fetchall()


@pytest.fixture(scope="session")
def make_shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Shop]:
    """Return a function that simulates a shop of a size and seed and loads what it landed."""
    target = tmp_path_factory.mktemp("target")

    def make(size: str, seed: int) -> Shop:
        home = tmp_path_factory.mktemp(f"{size}-{seed}")
        generate(home / "landing", home / "truth", size=size, seed=seed)
        contracts = read_contracts(DBT_PROJECT)
        files, _ = discover(home / "landing", contracts)
        as_of = choose_clock(read_manifest(home / "landing"), files, None, None)
        with Warehouse(home / "warehouse.duckdb").connect() as connection:
            load(connection, contracts.values(), files, datetime(2026, 1, 1))
            connection.execute("create table raw.clock (as_of timestamp)")
            connection.execute("insert into raw.clock values (?)", (as_of,))
        return Shop(home, target)

    return make
