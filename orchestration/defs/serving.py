"""Publish a copy that people and BI may hold open without ever blocking the writer."""

import os
from typing import Any

import dagster as dg

from orchestration.progress import reporter
from orchestration.project import manifest, settings
from orchestration.warehouse import Connection, Warehouse

SCHEMAS = ("core", "privacy", "insight", "segments", "decisions", "measurement")


def _published() -> list[dg.AssetKey]:
    """Return the keys of all models that the copy holds."""
    return [
        dg.AssetKey([node["schema"], node["alias"]])
        for node in manifest()["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in SCHEMAS
    ]


@dg.asset(
    key=["serving", "copy"],
    deps=_published(),
    group_name="serving",
    kinds={"duckdb"},
    pool="duckdb_writer",
)
def serving_copy(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[Any]:
    """Copy the marts inside DuckDB, then swap the file in one step.

    Contact data in clear is in none of them: neither `contact` nor what is sent to platforms.

    Open readers keep the file they opened. The warehouse file itself is never opened a second
    time by this process: closing that handle would drop the lock.
    """
    step = "Publish the serving copy"
    reporter().begin(step)
    draft = settings.serving.with_name(f".serving-{os.getpid()}.duckdb")
    draft.unlink(missing_ok=True)
    try:
        with warehouse.writing(), warehouse.connect() as connection:
            tables = _copy(connection, str(draft))
        draft.replace(settings.serving)
    finally:
        draft.unlink(missing_ok=True)
    reporter().end(step, f"{tables} tables")
    size = settings.serving.stat().st_size
    return dg.MaterializeResult(metadata={"tables": tables, "bytes": size})


def _copy(connection: Connection, draft: str) -> int:
    escaped = draft.replace("'", "''")
    connection.execute(f"attach '{escaped}' as serving")
    tables = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = current_database() and table_type = 'BASE TABLE' "
        f"and table_schema in {SCHEMAS} order by 1, 2"
    )
    for schema in SCHEMAS:
        connection.execute(f"create schema serving.{schema}")
    for schema, table in tables:
        connection.execute(f'create table serving.{schema}."{table}" as from {schema}."{table}"')
    connection.execute("detach serving")
    return len(tables)
