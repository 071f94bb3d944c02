"""The road from landed files to schema raw, with everything that can be wrong on it."""

from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.contracts import read_contracts
from orchestration.landing import LandingError, check_headers, choose_clock, discover
from orchestration.loading import load
from orchestration.warehouse import Connection

ROOT = Path(__file__).parents[2]
CONTRACTS = read_contracts(ROOT / "dbt_project")
NOW = datetime(2026, 11, 1)


@pytest.fixture
def connection():
    """Yield a connection to a warehouse in memory."""
    with duckdb.connect() as raw:
        raw.execute("set TimeZone = 'UTC'")
        yield Connection(raw)


def load_folder(connection, folder):
    files, ignored = discover(folder, CONTRACTS)
    check_headers(files)
    return load(connection, CONTRACTS.values(), files, NOW), ignored


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def count(connection, sql):
    return connection.execute(f"select count(*) from {sql}")[0][0]


ORDERS = "order_id,email,ordered_at,net_amount\n1,a@b.de,2026-01-02,10.50\n2,c@d.de,2026-01-03,7\n"


def test_the_smallest_shop_is_one_csv(connection, tmp_path):
    """A folder with orders.csv alone loads, and every other source is an empty typed table."""
    write(tmp_path, "orders.csv", ORDERS)

    load_folder(connection, tmp_path)

    rows = connection.execute("select order_id, net_amount, _row from raw.shop__orders order by 1")
    assert [(a, float(b), c) for a, b, c in rows] == [("1", 10.5, 1), ("2", 7.0, 2)]
    assert count(connection, "raw.web__events") == 0


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_other_delimiters_and_encodings_are_read(connection, tmp_path, delimiter, encoding):
    """A CSV as a spreadsheet writes it arrives with its umlauts."""
    text = "order_id,ordered_at,net_amount,city\n1,2026-01-02,10.50,Köln\n"
    write(tmp_path, "shop/orders.csv", text.replace(",", delimiter), encoding)

    load_folder(connection, tmp_path)

    assert connection.execute("select city from raw.shop__orders") == [("Köln",)]


def test_a_missing_column_is_one_clear_error(tmp_path):
    """The error names file, column and remedy before anything is loaded."""
    write(tmp_path, "orders.csv", "order_id,email\n1,a@b.de\n")
    files, _ = discover(tmp_path, CONTRACTS)

    with pytest.raises(LandingError, match=r"orders\.csv: column 'ordered_at'.*missing\. Add it"):
        check_headers(files)


def test_a_misspelt_column_is_not_silently_lost(tmp_path):
    """An optional column with a typing error stops the load and names the right spelling."""
    write(tmp_path, "orders.csv", ORDERS.replace("email", "e_mail"))
    files, _ = discover(tmp_path, CONTRACTS)

    with pytest.raises(LandingError, match=r"'e_mail' is not known\. Rename it to 'email'"):
        check_headers(files)


def test_a_column_of_the_wrong_type_is_one_clear_error(connection, tmp_path):
    """When most values cannot be read the column is wrong, not the rows; nothing is loaded."""
    text = "order_id,ordered_at,net_amount\n1,03/31/26,1\n2,04/01/26,2\n3,2026-01-01,3\n"
    write(tmp_path, "orders.csv", text)

    with pytest.raises(LandingError, match="'ordered_at': 2 of 3 values are not a timestamp"):
        load_folder(connection, tmp_path)
    assert count(connection, "raw.shop__orders") == 0
    assert "a@b" not in text


def test_single_bad_rows_go_to_the_quarantine(connection, tmp_path):
    """Rows that do not fit are kept with file, row and reason; the others are loaded."""
    bad = ORDERS + "3,e@f.de,yesterday,5\n,g@h.de,2026-01-04,5\n4,i@j.de,2026-01-05,\n"
    write(tmp_path, "orders.csv", bad)

    load_folder(connection, tmp_path)

    assert count(connection, "raw.shop__orders") == 2
    found = connection.execute(
        "select row_number, reason, column_name from raw.quarantine order by row_number"
    )
    assert found == [
        (3, "wrong_type", "ordered_at"),
        (4, "missing_value", "order_id"),
        (5, "missing_value", "net_amount"),
    ]


def test_a_truncated_parquet_file_is_quarantined_as_a_whole(connection, tmp_path):
    """The unreadable file is counted and tried again once it is repaired."""
    table = pa.table({"order_id": ["1"], "ordered_at": [NOW], "net_amount": [1.0]})
    good = tmp_path / "shop/orders/arrived_on=2026-10-01/part-0.parquet"
    broken = tmp_path / "shop/orders/arrived_on=2026-10-02/part-0.parquet"
    for path in (good, broken):
        path.parent.mkdir(parents=True)
        pq.write_table(table, path)
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])

    load_folder(connection, tmp_path)
    first = connection.execute("select reason from raw.quarantine")
    broken.write_bytes(whole.replace(b"1", b"1"))
    load_folder(connection, tmp_path)

    assert first[0][0].startswith("unreadable_parquet")
    assert count(connection, "raw.quarantine where reason like 'unreadable%'") == 0
    assert count(connection, "raw.quarantine where reason = 'delivered_again'") == 1


def test_a_broken_json_line_does_not_take_its_neighbours_along(connection, tmp_path):
    """JSON lines are judged one by one."""
    lines = '{"case_id": "1", "opened_at": "2026-01-01 10:00:00"}\n{"case_id": "2", "ope\n'
    write(tmp_path, "helpdesk/cases.jsonl", lines)

    load_folder(connection, tmp_path)

    assert count(connection, "raw.helpdesk__cases") == 1
    assert connection.execute("select reason, row_number from raw.quarantine") == [
        ("broken_line", 2)
    ]


def test_loading_twice_changes_nothing(connection, tmp_path):
    """A file is loaded once; a file with new content replaces its old rows."""
    write(tmp_path, "orders.csv", ORDERS)
    load_folder(connection, tmp_path)

    again, _ = load_folder(connection, tmp_path)
    unchanged = count(connection, "raw.shop__orders")
    write(tmp_path, "orders.csv", ORDERS + "3,e@f.de,2026-01-04,5\n")
    load_folder(connection, tmp_path)

    assert again == ()
    assert unchanged == 2
    assert count(connection, "raw.shop__orders") == 3


def test_a_table_of_an_older_contract_gets_its_new_column_with_what_the_files_say(
    connection, tmp_path
):
    """Files that had the column all along are read once more; nothing is loaded twice."""
    write(tmp_path, "shop/orders.csv", ORDERS.replace("net_amount", "net_amount,city", 1)
          .replace("10.50", "10.50,Bonn").replace(",7", ",7,Köln"))  # fmt: skip
    load_folder(connection, tmp_path)
    connection.execute("alter table raw.shop__orders drop column city")

    load_folder(connection, tmp_path)

    found = connection.execute("select order_id, city from raw.shop__orders order by 1")
    assert found == [("1", "Bonn"), ("2", "Köln")]


def test_a_second_delivery_is_counted_and_a_new_version_is_kept(connection, tmp_path):
    """Equal rows of one key are one row; a changed row of the same key is a version."""
    header = "order_id,ordered_at,net_amount,status\n"
    rows = "1,2026-01-01,5,paid\n1,2026-01-01,5,paid\n1,2026-01-01,5,cancelled\n"
    write(tmp_path, "orders.csv", header + rows)

    load_folder(connection, tmp_path)

    assert count(connection, "raw.shop__orders") == 2
    assert count(connection, "raw.quarantine where reason = 'delivered_again'") == 1


def test_an_empty_landing_folder_says_what_to_do(tmp_path):
    """No file at all and no file of ours are two different sentences."""
    with pytest.raises(LandingError, match="is empty"):
        discover(tmp_path, CONTRACTS)
    write(tmp_path, "customers_export.xlsx", "x")
    with pytest.raises(LandingError, match="None of the 1 files"):
        discover(tmp_path, CONTRACTS)


def test_the_clock_of_a_plain_folder_is_its_newest_order(tmp_path):
    """An old export is not seen as a long silence."""
    write(tmp_path, "orders.csv", ORDERS)
    files, _ = discover(tmp_path, CONTRACTS)

    clock = choose_clock({}, files, None, datetime(2026, 1, 3, 15))
    manifest = choose_clock({"until": "2026-10-31"}, files, None, None)

    assert clock == datetime(2026, 1, 4)
    assert manifest == datetime(2026, 11, 1)
