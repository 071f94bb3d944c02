"""Simulated shops that the tests of this folder look at."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from sandbox.shop import Summary, generate


@dataclass(frozen=True)
class Shop:
    """A landed shop, its truth, and a connection with one view per landed and true table."""

    landing: Path
    truth: Path
    summary: Summary
    warehouse: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple]:
        """Return the rows of a query."""
        return self.warehouse.execute(query).fetchall()

    def value(self, query: str) -> object:
        """Return the only value of a query."""
        return self.rows(query)[0][0]


def opened(folder: Path, **options: object) -> Shop:
    """Generate a shop and open it: views `<source>__<table>` and `truth__<table>`."""
    landing, truth = folder / "landing", folder / "truth"
    summary = generate(landing, truth, **options)
    warehouse = duckdb.connect()
    warehouse.execute("set timezone = 'UTC'")
    for table in sorted(landing.glob("*/*")):
        name = f"{table.parent.name}__{table.name}"
        warehouse.execute(f"create view {name} as select * from {reader(table)}")
    for table in sorted(truth.iterdir()):
        files = f"read_parquet('{table}/*.parquet')"
        warehouse.execute(f"create view truth__{table.name} as select * from {files}")
    return Shop(landing, truth, summary, warehouse)


def reader(table: Path) -> str:
    """Return the table function that reads a landed table, whatever its format."""
    if table.parent.name == "crm":
        return f"read_csv('{table}/*/*.csv', hive_partitioning = true)"
    if table.parent.name == "helpdesk":
        return f"read_json('{table}/*/*.jsonl', hive_partitioning = true)"
    return f"read_parquet('{table}/*/*.parquet', hive_partitioning = true)"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop of 2,000 persons."""
    return opened(tmp_path_factory.mktemp("tiny"), size="tiny", seed=7)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop of 8,000 persons."""
    return opened(tmp_path_factory.mktemp("demo"), size="demo", seed=11)
