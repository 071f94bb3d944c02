"""Tables and views of DuckDB are replaced whole, whatever stood there before."""

import duckdb
import pytest

TABLE, VIEW = "stg_push__tokens", "stg_shop__order_versions"


@pytest.fixture
def shop(empty_shop):
    """Return a shop in which one table and one view are built."""
    empty_shop.build(TABLE, VIEW)
    return empty_shop


def change(shop, *statements):
    """Change the warehouse by hand."""
    with duckdb.connect(str(shop.warehouse)) as connection:
        for statement in statements:
            connection.execute(statement)


def kinds(shop):
    """Return what there is in the schema staging besides seeds, by name."""
    return dict(
        shop.query(
            "select table_name, table_type from information_schema.tables "
            f"where table_schema = 'staging' and table_name similar to '({TABLE}|{VIEW}).*'"
        )
    )


def test_a_second_build_leaves_nothing_behind(shop):
    """No table of the work in between, and no former one."""
    shop.build(TABLE, VIEW)

    assert kinds(shop) == {TABLE: "BASE TABLE", VIEW: "VIEW"}


def test_a_table_becomes_a_view_and_a_view_a_table(shop):
    """When a model is configured anew, what it was is dropped first."""
    change(
        shop,
        f"drop table staging.{TABLE}",
        f"create view staging.{TABLE} as select 1 as former",
        f"drop view staging.{VIEW}",
        f"create table staging.{VIEW} as select 1 as former",
    )

    shop.build(TABLE, VIEW)

    assert kinds(shop) == {TABLE: "BASE TABLE", VIEW: "VIEW"}
    assert shop.query(f"select count(*) from staging.{TABLE}") == [(0,)]


def test_a_failed_build_leaves_the_former_table(shop):
    """What could not be built replaces nothing; the next run mends it."""
    change(
        shop,
        f"create or replace table staging.{TABLE} as select 1 as former",
        "alter table raw.push__tokens rename column device_id to device",
    )

    with pytest.raises(AssertionError, match="device_id"):
        shop.build(TABLE)

    assert shop.query(f"select former from staging.{TABLE}") == [(1,)]
    assert kinds(shop)[TABLE] == "BASE TABLE"
    change(shop, "alter table raw.push__tokens rename column device to device_id")
    shop.build(TABLE)
    assert shop.query(f"select count(*) from staging.{TABLE}") == [(0,)]
