"""Land the real orders of a UK gift retailer (Online Retail, CC BY 4.0) as a web shop.

Nothing is dropped: every raw line becomes one order line, every invoice one order. The rules:

- **Money.** A line's net amount is quantity times unit price, rounded to the penny; an order is
  the sum of its lines. Only four lines (at 0.001 GBP each) are changed by rounding: 0.004 GBP in
  all, so the total is 9,747,747.93 GBP.
- **Status.** Invoices that begin with `C` are cancelled, all others paid.
- **Line types.** `POST`, `DOT` and `C2` are shipping; `D` is a discount; `AMAZONFEE`, `CRUK` and
  `BANK CHARGES` are fees; `M` (manual), `S` (samples), `B` (bad debt), gift vouchers, every line
  of an invoice that begins with `A`, and lines at price zero without a customer (stock bookings)
  are adjustments; everything else, `PADS` and free gifts to customers included, is a product.
- **Customers.** A line without customer belongs to an order without customer.
- **Countries.** Names become ISO 3166-1 codes; `Unspecified`, `European Community` and `Channel
  Islands` have none and stay empty.
- **Time.** Invoice times are local (Europe/London) and become UTC; an invoice that spans two
  minutes is dated by its first line.
"""

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from sandbox.shop import manifest
from sandbox.shop.landing import typed, write
from sandbox.shop.schema import TABLES as CONTRACT

RAW = Path(__file__).parent / "data" / "online_retail.parquet"
UNTIL = date(2011, 12, 9)
SHOP = "online-retail"

COUNTRIES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Cyprus": "CY",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "EIRE": "IE",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Greece": "GR",
    "Hong Kong": "HK",
    "Iceland": "IS",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Malta": "MT",
    "Netherlands": "NL",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
}

LINES = """
create table lines as
select
    InvoiceNo as order_id,
    row_number() over (partition by InvoiceNo order by file_row_number) as line_number,
    cast(round(cast(Quantity as decimal(18, 0)) * cast(UnitPrice as decimal(18, 4)), 2)
        as decimal(18, 2)) as net_amount,
    upper(trim(StockCode)) as sku,
    trim(Description) as description,
    case
        when InvoiceNo like 'A%' then 'adjustment'
        when upper(StockCode) in ('POST', 'DOT', 'C2') then 'shipping'
        when upper(StockCode) = 'D' then 'discount'
        when upper(StockCode) in ('AMAZONFEE', 'CRUK', 'BANK CHARGES') then 'fee'
        when upper(StockCode) in ('M', 'S', 'B') then 'adjustment'
        when upper(StockCode) like 'GIFT%' then 'adjustment'
        when UnitPrice = 0 and CustomerID is null then 'adjustment'
        else 'product'
    end as line_type,
    cast(Quantity as decimal(18, 3)) as quantity,
    cast(UnitPrice as decimal(18, 4)) as unit_price,
    cast(CustomerID as varchar) as customer_id,
    InvoiceDate at time zone 'Europe/London' at time zone 'UTC' as invoiced_at,
    countries.code as country_code
from read_parquet(?, file_row_number = true) as raw
left join countries on countries.name = raw.Country
"""

TABLES = {
    "orders": """
        select order_id, min(invoiced_at) as ordered_at,
            cast(sum(net_amount) as decimal(18, 2)) as net_amount,
            any_value(customer_id) as customer_id, min(country_code) as country_code,
            case when order_id like 'C%' then 'cancelled' else 'paid' end as status,
            'web' as sales_channel, 'GBP' as currency_code, false as is_test,
            max(invoiced_at) as updated_at
        from lines group by order_id order by ordered_at, order_id""",
    "order_items": """
        select order_id, line_number, net_amount, sku, description, line_type, quantity, unit_price
        from lines order by invoiced_at, order_id, line_number""",
    "customers": """
        select customer_id, arg_max(country_code, invoiced_at) as country_code,
            min(invoiced_at) as created_at, min(invoiced_at) as updated_at, false as is_test
        from lines where customer_id is not null group by customer_id order by customer_id""",
    "products": """
        select sku, arg_max(description, (mentions, description)) as name,
            cast(arg_max(price, (mentions, description)) as decimal(18, 2)) as list_price,
            'GBP' as currency_code, min(launched_at) as launched_at
        from (
            select sku, description, count(*) as mentions, median(unit_price) as price,
                min(invoiced_at) as launched_at
            from lines where line_type = 'product' and unit_price > 0 group by sku, description
        ) group by sku order by sku""",
}


@dataclass(frozen=True)
class Summary:
    """What the landing folder holds: rows per `source.table`, and how many this run added."""

    until: date
    rows: dict[str, int]
    count_rows_added: int
    seconds: float


def land(landing: Path) -> Summary:
    """Write the orders, lines, customers and products as one back-fill, with a manifest.

    A folder that already holds them is left alone. Raise LandingError for a folder with files
    that no sandbox wrote.
    """
    began = time.monotonic()
    described = {"shop": SHOP, "until": UNTIL.isoformat(), "parameters": {}}
    known = manifest.prepared(landing, described)
    if known:
        return Summary(UNTIL, known["rows"], 0, time.monotonic() - began)
    with duckdb.connect() as warehouse:
        prepare(warehouse)
        rows = {f"shop.{name}": written(warehouse, landing, name) for name in TABLES}
    finished = {"connected_on": UNTIL.isoformat(), "is_complete": True, "rows": rows}
    manifest.save(landing, {**described, **finished})
    return Summary(UNTIL, rows, sum(rows.values()), time.monotonic() - began)


def prepare(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Load and classify the raw lines."""
    warehouse.execute("create table countries (name varchar, code varchar)")
    warehouse.executemany("insert into countries values (?, ?)", list(COUNTRIES.items()))
    warehouse.execute(LINES, [str(RAW)])


def written(warehouse: duckdb.DuckDBPyConnection, landing: Path, name: str) -> int:
    """Write one table with all columns of the contract; return its rows."""
    table = warehouse.sql(TABLES[name]).to_arrow_table()
    for column, kind in CONTRACT["shop", name].items():
        if column not in table.column_names:
            table = table.append_column(column, pa.nulls(table.num_rows, kind))
    folder = landing / "shop" / name / f"arrived_on={UNTIL:%Y-%m-%d}"
    write(typed(("shop", name), table), folder / "part-00000.parquet")
    return int(table.num_rows)
