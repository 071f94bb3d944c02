"""Pairs of records under review are told to a person without naming the other one."""

import json

from orchestration.export_margins import reviewed_pairs
from orchestration.warehouse import Warehouse

RECORDS = """
create table intermediate.int_customers_resolved as select * from (values
    ('anna', 'crm', 'contacts:K1'), ('anna', 'shop', 'orders:O1'), ('paul', 'shop', 'orders:O2')
) as known (customer_id, source, source_record_key)
"""
REVIEWS = """
create table core.identity_reviews as select *, 0.5 as probability, 0.9 as threshold,
    'name alike' as evidence, 'v1' as model_version, timestamp '2026-11-01' as scored_at
from (values
    ('crm', 'contacts:K1', 'shop', 'orders:O2', 'below_threshold'),
    ('shop', 'orders:O2', 'store', 'loyalty_cards:C9', 'below_threshold')
) as pair (source_a, source_record_key_a, source_b, source_record_key_b, reason)
"""


def test_a_pair_is_told_to_both_and_names_neither_to_the_other(tmp_path):
    """Of which own record, with which silo, how sure; whoever is in no pair is told none."""
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as connection:
        connection.execute("create schema intermediate; create schema core")
        connection.execute(RECORDS)
        connection.execute(REVIEWS)
        annas, pauls, nobodys = (
            reviewed_pairs(connection, one) for one in ("anna", "paul", "nobody")
        )

    assert [(row["source_record_key"], row["compared_with"]) for row in annas] == [
        ("contacts:K1", "shop")
    ]
    assert [(row["source_record_key"], row["compared_with"]) for row in pauls] == [
        ("orders:O2", "crm"), ("orders:O2", "store"),
    ]  # fmt: skip
    assert annas[0]["probability"] == 0.5
    assert "O2" not in json.dumps(annas, default=str)
    assert "K1" not in json.dumps(pauls, default=str)
    assert nobodys == []
