"""Tests of the landed files against the written contract of the staging layer."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from sandbox.shop.schema import TABLES, format_of

STAGING = Path(__file__).parents[3] / "dbt_project" / "models" / "staging"


def contract() -> dict[tuple[str, str], list[dict]]:
    """Return the columns of every source table as the YAML files state them."""
    tables = {}
    for path in sorted(STAGING.glob("*/*__sources.yml")):
        for source in yaml.safe_load(path.read_text())["sources"]:
            for table in source["tables"]:
                tables[source["name"], table["name"]] = table["columns"]
    return tables


CONTRACT = contract()


def test_every_table_of_the_contract_is_landed(tiny):
    """The simulated shop fills every landed table, and lands no other."""
    landed = {(path.parent.name, path.name) for path in tiny.landing.glob("*/*")}

    assert landed == set(TABLES)
    assert {name for name in CONTRACT if name in TABLES} == set(TABLES)
    assert min(tiny.summary.rows.values()) > 0


@pytest.mark.parametrize("table", list(TABLES), ids=".".join)
def test_columns_follow_the_contract(table):
    """Every table has exactly the columns of its YAML, in that order."""
    assert list(TABLES[table]) == [column["name"] for column in CONTRACT[table]]


@pytest.mark.parametrize("table", list(TABLES), ids=".".join)
def test_files_hold_the_contract(tiny, table):
    """Every landed file has the columns, castable types, and a value wherever one is required."""
    name = "__".join(table)
    columns = [column["name"] for column in CONTRACT[table]]
    shown = [row[0] for row in tiny.rows(f"describe {name}")]
    casts = ", ".join(f"count(cast({c['name']} as {c['data_type']}))" for c in CONTRACT[table])
    plain = ", ".join(f"count({column})" for column in columns)
    required = [
        column["name"]
        for column in CONTRACT[table]
        if column.get("config", {}).get("meta", {}).get("required")
    ]
    missing = " or ".join(f"{column} is null" for column in required) or "false"

    assert shown == [*columns, "arrived_on"]
    assert tiny.rows(f"select {casts} from {name}") == tiny.rows(f"select {plain} from {name}")
    assert tiny.value(f"select count(*) from {name} where {missing}") == 0


def test_parquet_reads_back_with_plain_types(tiny):
    """Parquet files carry no dictionary or index types of the writer."""
    for path in tiny.landing.rglob("*.parquet"):
        source, name = path.relative_to(tiny.landing).parts[:2]

        assert list(pq.read_schema(path).types) == list(TABLES[source, name].values())


def test_formats_differ_by_source():
    """Contacts come as CSV, cases as JSON lines, everything else as Parquet."""
    assert format_of(("crm", "contacts")) == "csv"
    assert format_of(("helpdesk", "cases")) == "jsonl"
    assert format_of(("shop", "orders")) == "parquet"
