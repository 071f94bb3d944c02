"""What an order made of somebody stays told when it is taken back; what changes happens then."""

import shutil
from datetime import date

import duckdb
import pytest

SEED = 7
OVERRIDES = ("refunded_order_share=0.15",)
# Customers of whom both runs know the same orders of before the earlier one: no late payment, no
# records found to be of one person since. What became of the orders may differ.
UNTOUCHED = """
    create temp table orders as
    select
        run, customer_id, order_id, voided_at,
        is_valid_purchase or voided_at is not null as has_counted
    from (
        select 'earlier' as run, * from earlier.intermediate.int_purchases_validated
        union all by name
        select 'later' as run, * from later.intermediate.int_purchases_validated
        where ordered_at < (select as_of from earlier.raw.clock)
    );
    create temp table persons as
    select run, customer_id, first_seen_at, not has_contact_data as is_visitor
    from (
        select 'earlier' as run, * from earlier.core.customers
        union all by name
        select 'later' as run, * from later.core.customers
    );
    create temp table untouched as
    select customer_id from persons group by customer_id
    having count(*) = 2 and count(distinct (first_seen_at, is_visitor)) = 1
    except
    select customer_id from orders where has_counted and customer_id is not null
    group by customer_id, order_id having count(*) <> 2;
    create temp table told as
    select 'earlier' as run, * from earlier.insight.lifecycle_transitions
    union all
    select 'later' as run, * from later.insight.lifecycle_transitions
    where occurred_at < (select as_of from earlier.raw.clock);
"""
HISTORY = """
    select
        customer_id, transition_number, from_stage, to_stage, occurred_at, reason, rule_version,
        last_ordered_at
    from told semi join untouched using (customer_id)
    where run = '{run}'
    order by all
"""
# Whose purchases of before the earlier run were taken back after it.
TAKEN_BACK = """
    select distinct customer_id from orders semi join untouched using (customer_id)
    where run = 'later' and voided_at >= (select as_of from earlier.raw.clock)
"""
# Reasons of transitions, of those customers, at the moment a purchase was taken back.
REASONS = f"""
    select transitions.reason, count(*)
    from later.insight.lifecycle_transitions as transitions
    semi join ({TAKEN_BACK}) as taken_back using (customer_id)
    inner join orders
        on orders.customer_id = transitions.customer_id
        and orders.voided_at = transitions.occurred_at
    where orders.run = 'later'
    group by transitions.reason
"""


@pytest.fixture(scope="module")
def runs(make_shop, advance, tmp_path_factory):
    """One warehouse in which many orders are refunded, as two runs six weeks apart left it."""
    early = tmp_path_factory.mktemp("early") / "warehouse.duckdb"
    made = make_shop("tiny", SEED, *OVERRIDES, until=date(2026, 9, 20))
    made.build("+lifecycle_transitions")
    shutil.copy(made.warehouse, early)
    advance(made, "tiny", SEED, date(2026, 10, 31), *OVERRIDES)
    made.build("+lifecycle_transitions")
    with duckdb.connect() as connection:
        for name, path in {"earlier": early, "later": made.warehouse}.items():
            connection.execute(f"attach '{path}' as {name} (read_only)")
        connection.execute(UNTOUCHED)
        yield connection


def count(runs: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Return how many rows a statement gives."""
    return int(runs.execute(f"select count(*) from ({sql})").fetchall()[0][0])


@pytest.mark.slow
def test_a_refund_leaves_the_past_as_it_was_told(runs):
    """Nearly everybody's transitions are still there, also of those who sent orders back since."""
    customers = count(runs, "from persons where run = 'earlier'")
    earlier, later = (
        runs.execute(HISTORY.format(run=run)).fetchall() for run in ("earlier", "later")
    )

    assert count(runs, "from untouched") > 0.99 * customers
    assert count(runs, TAKEN_BACK) >= 20
    assert len(earlier) > 5000
    assert later == earlier


@pytest.mark.slow
def test_what_a_refund_changes_happens_when_it_is_made(runs):
    """The stage without the order begins at the refund, with the refund as its reason."""
    reasons = dict(runs.execute(REASONS).fetchall())

    assert set(reasons) == {"an order was refunded"}
    assert reasons["an order was refunded"] >= 5
