"""Ask the warehouse for what a run may not have got to: an absent table has no rows."""

from collections.abc import Sequence
from typing import Any

import duckdb

from orchestration.warehouse import Connection


def rows_of(connection: Connection, sql: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows as dictionaries; none when the run did not get as far as this table."""
    try:
        found = connection.execute(sql)
    except duckdb.CatalogException:
        return []
    return [dict(zip(names, row, strict=True)) for row in found]


def counts_of(connection: Connection, sql: str) -> dict[str, int]:
    """Return the counts of a query by its names."""
    return {row["name"]: int(row["count"]) for row in rows_of(connection, sql, ("name", "count"))}


def value_of(connection: Connection, sql: str, default: Any) -> Any:
    """Return the one value of a query, or the default where it is null or its table missing."""
    found = rows_of(connection, sql, ("value",))
    return found[0]["value"] if found and found[0]["value"] is not None else default
