"""Whose a landed row is: every source table says it, and what it says can be followed."""

from pathlib import Path

import duckdb
import pytest

from orchestration.belongings import OWNER, owned_rows
from orchestration.contracts import InvalidContract, read_contracts

DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"
CONTRACTS = read_contracts(DBT_PROJECT)


@pytest.mark.parametrize("label", sorted(CONTRACTS))
def test_what_a_contract_says_can_be_followed(label):
    """Records and parents are source tables, and the columns are there."""
    contract = CONTRACTS[label]

    for way in contract.ownerships:
        assert sum(map(bool, (way.record, way.parent, way.mart))) == 1
        assert way.staged or set(way.columns) <= set(contract.column_names)
        if way.record:
            assert len(CONTRACTS[way.record].key) == len(way.columns) == 1
        if way.parent:
            assert set(way.columns.values()) <= set(CONTRACTS[way.parent].column_names)


def test_a_table_must_say_whose_its_rows_are(tmp_path):
    """A new source that says nothing would silently stay out of exports."""
    folder = tmp_path / "models/staging/new"
    folder.mkdir(parents=True)
    (folder / "new__sources.yml").write_text(
        "sources: [{name: new, tables: [{name: things, config: {meta: {key: [id]}}, columns: []}]}]"
    )

    with pytest.raises(InvalidContract, match="new/things does not say whose its rows are"):
        read_contracts(tmp_path)


@pytest.fixture
def warehouse():
    """Yield a warehouse with two orders of two customers, a shared case and a guest."""
    with duckdb.connect() as connection:
        for schema in ("raw", "intermediate", "core", "contact", "staging"):
            connection.execute(f"create schema {schema}")
        connection.execute("""
            create table intermediate.int_customers_resolved as from (values
                ('shop', 'orders:1', 'anna'), ('shop', 'orders:2', 'peter'),
                ('mail', 'subscribers:7', 'anna'), ('mail', 'subscribers:8', 'peter')
            ) as rows (source, source_record_key, customer_id);
            create table raw.shop__order_items as from (values
                ('1', 1), (' 1 ', 2), ('2', 1), ('3', 1)
            ) as rows (order_id, line_number);
            create table raw.mail__sends as from (values
                ('s1', '7'), ('s2', '8')
            ) as rows (send_id, subscriber_id);
            create table raw.mail__responses as from (values
                ('r1', 's1', null), ('r2', 's1', '8'), ('r3', 's9', null)
            ) as rows (response_id, send_id, subscriber_id);
        """)
        yield connection


def owners(warehouse, label, column):
    """Return (key, customer) of every owned row."""
    query = owned_rows(CONTRACTS[label], CONTRACTS)
    return warehouse.execute(f"select {column}, {OWNER} from ({query}) order by all").fetchall()


def test_lines_belong_to_whoever_ordered(warehouse):
    """Blanks around a number change nothing; an order that nobody placed has no owner."""
    assert owners(warehouse, "shop/order_items", "line_number") == [
        (1, "anna"), (1, "peter"), (2, "anna"),
    ]  # fmt: skip


def test_a_row_belongs_to_everybody_it_is_about(warehouse):
    """A response names its send, its reader or both; each of them may ask for it."""
    assert owners(warehouse, "mail/responses", "response_id") == [
        ("r1", "anna"), ("r2", "anna"), ("r2", "peter"),
    ]  # fmt: skip


def test_a_consent_belongs_to_whose_address_it_is_about(warehouse):
    """However the address was spelled; an address that is nobody's has no owner."""
    warehouse.execute("""
        create table raw.consent__events as from (values
            ('c1', ' Anna@Example.com'), ('c2', 'nobody@example.com')
        ) as rows (consent_event_id, identifier);
        create table staging.stg_consent__events as from (values
            ('c1', 'email', 'anna@example.com'), ('c2', 'email', 'nobody@example.com')
        ) as rows (consent_event_id, identifier_type, identifier_value);
        create table contact.contact_points as from (values
            ('anna', 'email', 'anna@example.com'), (null, 'email', 'nobody@example.com')
        ) as rows (customer_id, identifier_type, address);
    """)
    assert owners(warehouse, "consent/events", "consent_event_id") == [("c1", "anna")]


def test_a_price_list_belongs_to_nobody(warehouse):
    """What is about no person is in no export."""
    warehouse.execute("create table raw.shop__products (sku varchar)")
    assert owners(warehouse, "shop/products", "sku") == []
