"""A dbt project of two models: claims as a test states them, and the persons made of them."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from dbt.cli.main import dbtRunner

MACROS = Path(__file__).parents[3] / "dbt_project" / "macros"
PROJECT = """
name: evidence
version: "1.0"
profile: evidence
macro-paths: [{macros}]
flags: {{send_anonymous_usage_stats: false, use_colors: false}}
"""
PROFILES = """
evidence:
  target: duckdb
  outputs:
    duckdb: {{type: duckdb, path: {path}, threads: 1}}
"""
PERSONS = """
-- depends_on: {{ ref('nodes') }}
{{ config(materialized='persons', nodes='nodes') }}
select * from main.stated
"""
NODES = "select distinct node_id from main.present"
TABLES = """
create or replace table stated (
    node_id bigint, kind varchar, level integer, claim_key varchar, claim_value varchar,
    max_values integer, changed_at timestamp
);
create or replace table present (node_id bigint);
"""
Claim = tuple[int, str, int, str, str, int]


class Graph:
    """Claims about records, decided by dbt in a warehouse of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "graph.duckdb"
        self.run_number = 0
        models = folder / "models"
        models.mkdir()
        folder.joinpath("dbt_project.yml").write_text(PROJECT.format(macros=MACROS))
        folder.joinpath("profiles.yml").write_text(PROFILES.format(path=self.path))
        models.joinpath("persons.sql").write_text(PERSONS)
        models.joinpath("nodes.sql").write_text(NODES)
        self.claims: set[Claim] = set()

    def state(self, nodes: Iterable[int], claims: Iterable[Claim]) -> None:
        """Say what is claimed now; rows of records whose claims did not change stay as they are."""
        self.run_number += 1
        now = datetime(2026, 1, 1) + timedelta(days=self.run_number)
        wanted = set(claims)
        changed = {claim[0] for claim in wanted ^ self.claims}
        less = {claim[0] for claim in self.claims - wanted}
        rows = [(*claim, now) for claim in wanted if claim[0] in changed]
        rows += [(node, "nothing", 0, "", "", 0, now) for node in less]
        with duckdb.connect(str(self.path)) as connection:
            if self.run_number == 1:
                connection.execute(TABLES)
            connection.execute("truncate present")
            connection.execute("create or replace temp table changed (node_id bigint)")
            insert(connection, "present", [(node,) for node in nodes])
            insert(connection, "changed", [(node,) for node in changed])
            connection.execute("delete from stated where node_id in (from changed)")
            insert(connection, "stated", rows)
        self.claims = wanted

    def load(self, nodes: pa.Table, claims: pa.Table) -> None:
        """Take over many claims at once; `claims` has all columns but the last, the time."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(TABLES)
            connection.register("nodes_landed", nodes)
            connection.register("claims_landed", claims)
            connection.execute("insert into present select node_id from nodes_landed")
            connection.execute(
                "insert into stated select *, timestamp '2026-01-01' from claims_landed"
            )

    def decide(self, *arguments: str) -> dict[int, int]:
        """Run dbt; returns the person of every record."""
        done = dbtRunner().invoke(
            ["--quiet", "--log-level-file", "none", "run", "--project-dir", str(self.folder),
             "--profiles-dir", str(self.folder), *arguments]
        )  # fmt: skip
        assert done.success, done.exception or [result.message for result in done.result]
        with duckdb.connect(str(self.path)) as connection:
            query = "select node_id, component_id from persons"
            return dict(connection.execute(query).fetchall())


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple]) -> None:
    """Insert rows as they are."""
    names = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
    columns = list(zip(*rows, strict=True))
    if columns:
        landed = pa.table(dict(zip(names, columns, strict=True)))
        connection.register("landed", landed)
        connection.execute(f"insert into {table} select * from landed")
        connection.unregister("landed")


@pytest.fixture(scope="session")
def make_graph(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Graph]:
    """Return a function that makes a graph without any claims."""
    return lambda: Graph(tmp_path_factory.mktemp("graph"))
