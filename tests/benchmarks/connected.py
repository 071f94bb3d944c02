"""Label the components of one graph in one way, in a process of its own, so that it can be timed.

    python -m tests.benchmarks.connected WAY GRAPH

prints one JSON line: wall and processor seconds (imports and dbt's start left out), peak memory
of the process in GB, and the number of components.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.dbt_runner import load_dbt, read_parsed, undisturbed
from tests.benchmarks.memory import peak_gb

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"
PROJECT = """
name: components
version: "1.0"
profile: components
macro-paths: [{macros}, macros]
flags: {{send_anonymous_usage_stats: false, use_colors: false}}
"""
PROFILES = """
components:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: {path}
      threads: 1
      keep_open: false
      settings: {{threads: 2, preserve_insertion_order: false, memory_limit: 12GB}}
"""
MATERIALIZATION = """
{% materialization labelled, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set working = [] -%}
    {% set labels = components_connected(sql, 'all', working) %}
    {% call statement('main') %}
        {{ create_table_as(False, target_relation,
            'select nodes.node_id, coalesce(labels.root, nodes.node_id) as component_id '
            ~ 'from main.nodes as nodes left join ' ~ labels ~ ' as labels '
            ~ 'on labels.node = nodes.node_id') }}
    {% endcall %}
    {% for relation in working %}{% do adapter.drop_relation(relation) %}{% endfor %}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
"""
CLAIMS = """
create table stated as
select node_id, 'value' as kind, 1 as level, cast(value as varchar) as claim_key,
    '' as claim_value, 0 as max_values, timestamp '2026-01-01' as changed_at
from bearers where value in (select value from bearers group by value having count(*) > 1)
"""
NEWS = """
insert into nodes select {last} + range from range(1, 5001);
insert into stated
select {last} + row_number() over (), 'value', 1, claim_key, '', 0, timestamp '2026-01-02'
from (select distinct claim_key from stated using sample reservoir(5000 rows) repeatable (1));
insert into stated
select cast(1 + hash(claim_key) % {last} as bigint),
    'value', 1, claim_key, '', 0, timestamp '2026-01-02'
from (select distinct claim_key from stated using sample reservoir(5000 rows) repeatable (2));
"""
REVOKED = """
create table less as from stated using sample reservoir(10000 rows) repeatable (3);
delete from stated using less
where stated.node_id = less.node_id and stated.claim_key = less.claim_key;
insert into stated
select node_id, 'nothing', 0, '', '', 0, timestamp '2026-01-02' from less
"""
Connection = duckdb.DuckDBPyConnection


class Dbt:
    """A dbt project of one model over one graph."""

    def __init__(self, graph: Path, model: str) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=graph.parent))
        for name, text in {
            "dbt_project.yml": PROJECT.format(macros=MACROS),
            "profiles.yml": PROFILES.format(path=graph),
            "macros/labelled.sql": MATERIALIZATION,
            "models/labels.sql": model,
            "models/all_nodes.sql": "{{ config(materialized='view') }} select * from main.nodes",
        }.items():
            self.folder.joinpath(name).parent.mkdir(exist_ok=True)
            self.folder.joinpath(name).write_text(text)
        load_dbt()().invoke(["--quiet", "parse", *self._places])
        self.invoke("run", "--select", "all_nodes")

    @property
    def _places(self) -> list[str]:
        return ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]

    def invoke(self, *arguments: str) -> None:
        """Run dbt the way the platform does, and raise what went wrong."""
        parsed = read_parsed(self.folder / "target" / "partial_parse.msgpack")
        with undisturbed():
            done = load_dbt()(manifest=parsed).invoke(
                [
                    "--quiet",
                    "--log-level-file",
                    "none",
                    "--no-write-json",
                    *arguments,
                    *self._places,
                ]
            )
        if not done.success:
            raise RuntimeError(done.exception or [result.message for result in done.result])


def ours(graph: Path) -> Callable[[], None]:
    """The project's macros, run by dbt."""
    dbt = Dbt(graph, _LABELLED)
    return lambda: dbt.invoke("run", "--select", "labels")


_LABELLED = (
    "{{ config(materialized='labelled') }} (select node_b as high, node_a as low from main.edges)"
)


def alone(graph: Path) -> Callable[[], None]:
    """A run of dbt that only makes a view: what is dbt's own in the figures of our ways."""
    dbt = Dbt(graph, _LABELLED)
    with duckdb.connect(str(graph)) as connection:
        connection.execute("create table labels as select 0 as component_id")
    return lambda: dbt.invoke("run", "--select", "all_nodes")


def persons(graph: Path) -> Callable[[], None]:
    """The project's materialization, from values to persons."""
    with duckdb.connect(str(graph)) as connection:
        connection.execute(CLAIMS)
    dbt = Dbt(graph, _PERSONS)
    return lambda: dbt.invoke("run", "--select", "labels")


def news(graph: Path) -> Callable[[], None]:
    """The same on what is known already, plus 10,000 new identifiers."""
    return _changed(graph, NEWS)


def revoked(graph: Path) -> Callable[[], None]:
    """The same on what is known already, less 10,000 identifiers."""
    return _changed(graph, REVOKED)


def _changed(graph: Path, statements: str) -> Callable[[], None]:
    persons(graph)()
    with duckdb.connect(str(graph)) as connection:
        last = connection.execute("select max(node_id) from nodes").fetchall()[0][0]
        for statement in statements.format(last=last).split(";"):
            connection.execute(statement)
    dbt = Dbt(graph, _PERSONS)
    return lambda: dbt.invoke("run", "--select", "labels")


_PERSONS = (
    "-- depends_on: {{ ref('all_nodes') }}\n"
    "{{ config(materialized='persons', nodes='all_nodes') }} select * from main.stated"
)


def scipy(graph: Path) -> Callable[[], None]:
    """SciPy on edges fetched as Arrow, labels written back."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    def label(connection: Connection, edges: pa.Table, count: int) -> None:
        a, b = (edges[name].to_numpy() - 1 for name in ("node_a", "node_b"))
        matrix = coo_matrix((np.ones(len(a), dtype=bool), (a, b)), shape=(count, count)).tocsr()
        number, labels = connected_components(matrix, directed=False)
        _write(connection, number, labels)

    return lambda: _outside(graph, label)


def igraph(graph: Path) -> Callable[[], None]:
    """igraph on edges fetched as Arrow, labels written back."""
    from igraph import Graph

    def label(connection: Connection, edges: pa.Table, count: int) -> None:
        pairs = np.column_stack([edges[name].to_numpy() - 1 for name in ("node_a", "node_b")])
        found = Graph(n=count, edges=pairs).connected_components()
        _write(connection, len(found), np.asarray(found.membership))

    return lambda: _outside(graph, label)


def splink(graph: Path) -> Callable[[], None]:
    """Splink's clustering of pairwise predictions, in DuckDB."""
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    def run() -> None:
        with duckdb.connect(str(graph)) as connection:
            connection.execute("set threads = 2; set preserve_insertion_order = false")
            connection.execute("create view all_nodes_view as select node_id from nodes")
            connection.execute("create view pairs as select node_a, node_b from edges")
            database = DuckDBAPI(connection=connection)
            found = cluster_pairwise_predictions_at_threshold(
                "all_nodes_view",
                "pairs",
                database,
                node_id_column_name="node_id",
                edge_id_column_name_left="node_a",
                edge_id_column_name_right="node_b",
            )
            connection.execute(
                "create table labels as select node_id, cluster_id as component_id from "
                f"{found.physical_name}"
            )

    return run


def _outside(graph: Path, label: Callable[[Connection, pa.Table, int], None]) -> None:
    with duckdb.connect(str(graph)) as connection:
        connection.execute("set threads = 2; set preserve_insertion_order = false")
        count = connection.execute("select max(node_id) from nodes").fetchall()[0][0]
        edges = connection.sql("select node_a, node_b from edges").to_arrow_table()
        label(connection, edges, count)


def _write(connection: Connection, number: int, labels: Any) -> None:
    """Name every component after its smallest node, and write the labels back."""
    smallest = np.full(number, len(labels) + 1, dtype=np.int64)
    np.minimum.at(smallest, labels, np.arange(1, len(labels) + 1))
    found = pa.table({"node_id": np.arange(1, len(labels) + 1), "component_id": smallest[labels]})
    connection.register("found", found)
    connection.execute("create table labels as select * from found")


WAYS = {way.__name__: way for way in (ours, alone, persons, news, revoked, scipy, igraph, splink)}


def main() -> None:
    """Prepare, then measure."""
    name, graph = sys.argv[1], Path(sys.argv[2])
    run = WAYS[name](graph)
    began, busy = time.perf_counter(), _processor_seconds()
    run()
    seconds, busy = time.perf_counter() - began, _processor_seconds() - busy
    peak = peak_gb()
    with duckdb.connect(str(graph), read_only=True) as connection:
        query = "select count(distinct component_id) from labels"
        components = connection.execute(query).fetchall()[0][0]
    figures = {"seconds": seconds, "cpu": busy, "peak_gb": peak, "components": components}
    sys.stdout.write(json.dumps(figures) + "\n")


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
