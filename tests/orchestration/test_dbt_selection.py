"""A data test runs in the step that builds the last of what it reads."""

import pytest

from orchestration.dbt_selection import data_tests_of

READS = {
    "model.orders": (),
    "model.customers": ("model.orders",),
    "model.scores": ("source.ml", "model.customers"),
    "model.audience": ("model.scores",),
    "test.orders_are_there": ("model.orders",),
    "test.audience_agrees_with_customers": ("model.audience", "model.customers"),
    "test.scores_are_of_customers": ("model.customers", "model.scores"),
}


def _manifest():
    nodes = {
        unique_id: {
            "resource_type": unique_id.split(".")[0],
            "fqn": ["shop", unique_id.split(".")[1]],
            "depends_on": {"nodes": list(reads)},
        }
        for unique_id, reads in READS.items()
    }
    children = {
        parent: [child for child, reads in READS.items() if parent in reads]
        for parent in (*READS, "source.ml")
    }
    return {"nodes": nodes, "child_map": children}


@pytest.mark.parametrize(
    ("step", "tests"),
    [
        (("orders", "customers"), ("orders_are_there",)),
        (("scores",), ("scores_are_of_customers",)),
        (("audience",), ("audience_agrees_with_customers",)),
        (
            ("scores", "audience"),
            ("audience_agrees_with_customers", "scores_are_of_customers"),
        ),
        (
            ("orders", "customers", "scores", "audience"),
            ("audience_agrees_with_customers", "orders_are_there", "scores_are_of_customers"),
        ),
        ((), ()),
    ],
)
def test_a_test_waits_for_the_last_of_what_it_reads(step, tests):
    """Before that a table is missing, or is the one of yesterday."""
    chosen = [f"shop.{name}" for name in step]

    assert data_tests_of(chosen, _manifest()) == [f"shop.{name}" for name in tests]
