"""The demo on real orders: the published Online Retail data."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RAW = ROOT / "sandbox/data/online_retail.parquet"


@pytest.fixture(scope="module")
def retail(tmp_path_factory, new_state):
    """Return the state after the demo on the real Online Retail orders."""
    state = new_state(tmp_path_factory.mktemp("retail"))
    state.run("demo", "--shop", "online-retail")
    return state


def test_real_orders_reconcile_to_the_penny(retail):
    """Every line of the raw file is in the mart, and the totals are equal."""
    raw = duckdb.execute(
        f"select count(*), round(sum(Quantity * cast(UnitPrice as decimal(18, 3))), 2) from '{RAW}'"
    ).fetchall()[0]

    lines, total = retail.query(
        "select count(*), sum(net_amount) from core.order_items where line_type <> 'unitemised'"
    )[0]

    assert lines == raw[0] == 541_909
    assert total == Decimal(str(raw[1])).quantize(Decimal("0.01")) == Decimal("9747747.93")
    assert retail.query("select sum(net_amount) from core.orders")[0][0] == total


def test_real_customers_are_all_found(retail):
    """One customer per customer number of the raw file, and one audience is in step."""
    identified = retail.query(
        "select count(distinct customer_id) from contact.customer_identities "
        "where identifier_type = 'shop_customer'"
    )

    assert identified == [(4372,)]
    assert retail.summary["people"]["customers"] == 4372
    synced = {row["sync"]: row["acknowledged"] for row in retail.summary["syncs"]}
    assert synced["file_drop__customer_scores"] > 4000
    assert synced["klaviyo__win_back"] == 0


def test_real_second_purchases_are_watched_for_as_long_as_they_can_be(retail):
    """Few are watched for a year; the curve uses all of them, and nothing bends on day 10."""
    window = retail.query(
        "select w2_days, w95_days, median_days, is_reliable from insight.second_purchase_window"
    )
    curve = dict(
        retail.query(
            "select day, round(share_purchased, 4) from insight.second_purchase_curve "
            "where segment_type = 'all' and day in (10, 30, 90, 180, 365)"
        )
    )
    followed = retail.query(
        "select min(count_followed), max(count_followed) from insight.second_purchase_curve "
        "where segment_type = 'all'"
    )

    assert window == [(126, 333, 78.0, True)]
    assert curve == {10: 0.0772, 30: 0.1938, 90: 0.4612, 180: 0.658, 365: 0.8489}
    assert followed == [(573, 4337)]


def test_a_year_of_real_orders_gives_no_retention_and_little_graduation(retail):
    """No second year is over for anybody, and the window only for those of the first month."""
    retention = retail.query("select count(*) from insight.retention_cohorts where is_mature")
    graduation = retail.query(
        "select cohort_month, count_first_purchases, count_second_in_window, count_graduated "
        "from insight.graduation_cohorts where is_mature"
    )

    assert retention == [(0,)]
    assert graduation == [(date(2010, 12, 1), 885, 742, 612)]


def test_real_customers_get_offers_that_may_be_made(retail):
    """Most get five, learnt from what goes together; none is out of use or was just bought."""
    offers = retail.summary["offers"]
    customer, worth, factors = retail.query(
        "select customer_id, priority_amount, "
        "purchase_probability * product_fit * margin_amount * kept_share "
        "from decisions.next_best_offers where offer_rank = 1 order by priority_amount desc limit 1"
    )[0]

    told = retail.run("explain", customer).stdout

    assert offers["customers"] > 3_500
    assert offers["champion"] == "ease"
    assert offers["recall"] > 1.2 * offers["recall_of_baseline"]
    assert float(worth) == pytest.approx(float(factors), abs=1e-3)
    assert "next_offer 1: " in told
    assert " price (its cost is not known) x " in told
    just_bought = retail.query(
        "select count(*) from decisions.next_best_offers "
        "where last_bought_at > (select max(as_of) from raw.clock) - interval 1 day"
    )
    assert just_bought == [(0,)]
