"""Shops in warehouses of their own, built by dbt as far as a test asks."""

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from orchestration.contracts import read_contracts
from orchestration.dbt_runner import read_parsed, undisturbed
from orchestration.landing import choose_clock, discover, read_manifest
from orchestration.loading import load
from orchestration.warehouse import Warehouse
from sandbox.shop import generate

DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"


@dataclass(frozen=True)
class Shop:
    """A shop whose landed files are in a warehouse; truth lies beside a simulated one."""

    home: Path
    parsed: Path

    @property
    def warehouse(self) -> Path:
        """Return the database file."""
        return self.home / "warehouse.duckdb"

    def build(self, *selection: str) -> None:
        """Build the selected models and the seeds they read, without their tests."""
        self.dbt("build", "--exclude-resource-type", "test", "unit_test", "--select", *selection)

    def dbt(self, *arguments: str) -> None:
        """Run dbt on this shop, in this process: starting one costs more than a small build."""
        command = [
            "--quiet", "--no-version-check", "--log-level-file", "none", "--no-write-json",
            *arguments,
            "--profiles-dir", str(DBT_PROJECT), "--project-dir", str(DBT_PROJECT),
            "--target-path", str(self.home / "dbt"),
        ]  # fmt: skip
        project = read_parsed(self.parsed / "partial_parse.msgpack")
        with environment(REGULARS_HOME=str(self.home)), undisturbed():
            done = dbtRunner(manifest=project).invoke(command)
        assert done.success, done.exception or failures(done.result)

    def compiled(self, model: str) -> str:
        """Return a built model's select."""
        return next(self.home.joinpath("dbt/compiled").rglob(f"{model}.sql")).read_text()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return rows of the warehouse; `truth` in the statement is the folder of the truth."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql.format(truth=self.home / "truth")).fetchall()


@pytest.fixture(scope="session")
def make_shop(tmp_path_factory: pytest.TempPathFactory, parsed: Path) -> Callable[..., Shop]:
    """Return a function that simulates a shop of a size and seed and loads what it landed.

    Parameters of the world that differ from the usual follow as `name=value`, and `until` is the
    day on which it is looked at.
    """

    def make(size: str, seed: int, *overrides: str, until: date | None = None) -> Shop:
        home = tmp_path_factory.mktemp(f"{size}-{seed}")
        simulate(home, size=size, seed=seed, overrides=overrides, until=until)
        return Shop(home, parsed)

    return make


@pytest.fixture(scope="session")
def advance() -> Callable[..., None]:
    """Return a function that lets time pass in a simulated shop of a size, seed and overrides."""

    def let_pass(shop: Shop, size: str, seed: int, until: date, *overrides: str) -> None:
        simulate(shop.home, size=size, seed=seed, overrides=overrides, until=until)

    return let_pass


def simulate(home: Path, **options: Any) -> None:
    """Land a simulated shop, or what is new of it, and load that."""
    generate(home / "landing", home / "truth", **options)
    load_landing(home)


@pytest.fixture(scope="session")
def make_landed(
    tmp_path_factory: pytest.TempPathFactory, parsed: Path
) -> Callable[[Mapping[str, Sequence[Mapping[str, object]]]], Shop]:
    """Return a function that loads rows written out in a test, by `source/table`."""

    def make(tables: Mapping[str, Sequence[Mapping[str, object]]]) -> Shop:
        home = tmp_path_factory.mktemp("landed")
        for label, rows in tables.items():
            write_rows(home / "landing" / f"{label}.csv", rows)
        load_landing(home)
        return Shop(home, parsed)

    return make


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set variables for a while."""
    former = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in former.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def failures(result: Any) -> list[str]:
    """Return what went wrong, node by node."""
    bad = {"error", "fail"}
    return [f"{one.node.name}: {one.message}" for one in result or () if str(one.status) in bad]


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as one CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def empty_shop(tmp_path: Path, parsed: Path) -> Shop:
    """Return a shop that has connected nothing yet."""
    return Shop(tmp_path, parsed)


def load_landing(home: Path) -> None:
    """Load the landing folder of a shop and set its clock."""
    contracts = read_contracts(DBT_PROJECT)
    files, _ = discover(home / "landing", contracts)
    as_of = choose_clock(read_manifest(home / "landing"), files, None, None)
    with Warehouse(home / "warehouse.duckdb").connect() as connection:
        load(connection, contracts.values(), files, datetime(2026, 1, 1))
        connection.execute("create or replace table raw.clock (as_of timestamp)")
        connection.execute("insert into raw.clock values (?)", (as_of,))
