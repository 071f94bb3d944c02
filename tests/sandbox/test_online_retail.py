"""Tests of the real orders against the raw file."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from sandbox.online_retail import RAW, UNTIL, land
from sandbox.shop.manifest import LandingError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing folder with the real orders."""
    landing = tmp_path_factory.mktemp("retail") / "landing"
    land(landing)
    return landing


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> duckdb.DuckDBPyConnection:
    """The landed tables as views, and the raw file as `raw`."""
    connection = duckdb.connect()
    for table in (folder / "shop").iterdir():
        files = f"read_parquet('{table}/*/*.parquet', hive_partitioning = false)"
        connection.execute(f"create view {table.name} as select * from {files}")
    connection.execute(f"create view raw as select * from read_parquet('{RAW}')")
    return connection


def value(warehouse: duckdb.DuckDBPyConnection, query: str) -> object:
    """Return the only value of a query."""
    return warehouse.execute(query).fetchall()[0][0]


def test_everything_is_counted(warehouse):
    """Invoices, lines and customers are as many as in the raw file."""
    counts = [
        value(warehouse, f"select count(*) from {name}")
        for name in ("orders", "order_items", "customers")
    ]

    assert counts == [25_900, 541_909, 4_372]
    assert value(warehouse, "select count(distinct customer_id) from orders") == 4_372


def test_total_reconciles_to_the_penny(warehouse):
    """The total equals the raw file's; rounding moves four lines by 0.004 GBP in all."""
    exact = "cast(Quantity as decimal(18, 0)) * cast(UnitPrice as decimal(18, 4))"

    assert value(warehouse, "select sum(net_amount) from order_items") == Decimal("9747747.93")
    assert value(warehouse, f"select sum({exact}) from raw") == Decimal("9747747.9340")
    assert value(warehouse, f"select count(*) from raw where {exact} <> round({exact}, 2)") == 4


def test_orders_are_the_sum_of_their_lines(warehouse):
    """Every order equals its lines."""
    query = """
        select count(*) from orders inner join (
            select order_id, sum(net_amount) as net from order_items group by order_id)
        using (order_id) where net = net_amount"""

    assert value(warehouse, query) == 25_900


def test_every_raw_line_is_one_line(warehouse):
    """Lines keep invoice, article, quantity and price, repeated ones too."""
    query = """
        with landed as (
            select order_id, sku, quantity, unit_price, count(*) as n
            from order_items group by all),
        expected as (
            select InvoiceNo, upper(trim(StockCode)), cast(Quantity as decimal(18, 3)),
                cast(UnitPrice as decimal(18, 4)), count(*) from raw group by all)
        select count(*) from (
            (select * from landed except select * from expected)
            union all (select * from expected except select * from landed))"""

    assert value(warehouse, query) == 0
    assert value(warehouse, "select count(distinct (order_id, line_number)) from order_items") == (
        541_909
    )


def test_invoices_have_one_customer(warehouse):
    """No invoice mixes customers, so an order can carry the customer."""
    query = """select count(*) from (
        select InvoiceNo from raw group by InvoiceNo
        having count(distinct CustomerID) > 1 or count(CustomerID) not in (0, count(*)))"""

    assert value(warehouse, query) == 0


def test_cancellations_are_cancelled(warehouse):
    """Exactly the invoices that begin with C are cancelled."""
    query = "select count(*) from orders where (status = 'cancelled') <> (order_id like 'C%')"

    assert value(warehouse, query) == 0
    assert value(warehouse, "select count(*) from orders where status = 'cancelled'") == 3_836


@pytest.mark.parametrize(
    ("codes", "line_type"),
    [
        (("POST", "DOT", "C2"), "shipping"),
        (("D",), "discount"),
        (("AMAZONFEE", "CRUK", "BANK CHARGES"), "fee"),
        (("M", "S", "B", "GIFT_0001_20"), "adjustment"),
        (("85123A", "DCGSSGIRL"), "product"),
    ],
)
def test_codes_have_their_line_type(warehouse, codes, line_type):
    """Codes that are no products have the line type of the stated rules."""
    named = ", ".join(f"'{code}'" for code in codes)
    query = f"""
        select distinct line_type from order_items
        where sku in ({named}) and not (unit_price = 0 and line_type = 'adjustment')"""

    assert warehouse.execute(query).fetchall() == [(line_type,)]


def test_zero_prices_are_gifts_or_bookings(warehouse):
    """At price zero a line of a customer is a product, any other an adjustment."""
    query = """
        select customer_id is null, line_type, count(*) from order_items
        inner join orders using (order_id)
        where unit_price = 0 and regexp_matches(sku, '^[0-9]') group by all order by 1"""
    rows = warehouse.execute(query).fetchall()

    assert [row[:2] for row in rows] == [(False, "product"), (True, "adjustment")]


def test_times_are_utc(warehouse):
    """Summer invoices are moved by an hour, winter invoices are not."""
    query = """
        select month(InvoiceDate) between 4 and 9,
            min(InvoiceDate - ordered_at), max(InvoiceDate - ordered_at)
        from raw inner join orders on order_id = InvoiceNo
        where month(InvoiceDate) not in (3, 10)
            and InvoiceNo not in (
                select InvoiceNo from raw group by InvoiceNo
                having count(distinct InvoiceDate) > 1)
        group by 1 order by 1"""
    winter, summer = warehouse.execute(query).fetchall()

    assert {part.total_seconds() for part in winter[1:]} == {0}
    assert {part.total_seconds() for part in summer[1:]} == {3_600}


def test_countries_are_codes(warehouse):
    """Country names become two letters; the three that have no code stay empty."""
    query = """
        select distinct Country from raw inner join orders on order_id = InvoiceNo
        where country_code is null order by 1"""
    names = [row[0] for row in warehouse.execute(query).fetchall()]

    assert names == ["Channel Islands", "European Community", "Unspecified"]


def test_landing_again_changes_nothing(folder):
    """A second run finds everything in place."""
    summary = land(folder)

    assert summary.until == UNTIL
    assert summary.count_rows_added == 0
    assert summary.rows["shop.order_items"] == 541_909


def test_foreign_files_are_not_touched(tmp_path):
    """A folder with files of somebody else is refused."""
    (tmp_path / "mine.csv").write_text("a\n")

    with pytest.raises(LandingError, match="Choose another folder"):
        land(tmp_path)
