"""CDNOW: eighteen months of real purchases by everybody who first bought in one quarter of 1997.

The set is public but has no licence text, so it is not copied here: the package `lifetimes` has it.
Source: Fader & Hardie 2001, "Forecasting repeat sales at CDNOW".
"""

import importlib.util
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest


@pytest.fixture(scope="module")
def days_of():
    """Return the days and amounts of paid purchases of everybody who began in the quarter."""
    found = importlib.util.find_spec("lifetimes")  # importing it would load much else
    if found is None or not found.submodule_search_locations:
        pytest.skip("the package lifetimes is not installed: make setup")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "CDNOW_master.txt"
    purchases = defaultdict(list)
    for line in path.read_text().splitlines()[1:]:
        customer, day, _, spend = line.split()
        if float(spend) > 0:
            purchases[customer].append((date.fromisoformat(day), float(spend)))
    return {who: days for who, days in purchases.items() if min(days)[0] < date(1997, 4, 1)}


@pytest.fixture(scope="module")
def cdnow(days_of, make_landed):
    """Return the shop as it stood in summer 1998, built up to what is known of its rhythm."""
    orders = [
        {"customer_id": customer, "ordered_at": day, "net_amount": spend}
        for customer, days in days_of.items()
        for day, spend in days
    ]
    orders = [{"order_id": number, **order} for number, order in enumerate(orders)]
    shop = make_landed({"shop/orders": orders})
    with duckdb.connect(str(shop.warehouse)) as connection:
        connection.execute("update raw.clock set as_of = ?", [datetime(1998, 7, 1)])
    shop.build("+graduation_cohorts", "+retention_cohorts")
    return shop


@pytest.mark.slow
def test_real_second_purchases_are_those_of_the_raw_file(cdnow, days_of):
    """Everybody was watched for a year, so the curve is the plain share of the file."""
    different = [sorted({day for day, _ in days}) for days in days_of.values()]
    gaps = [(days[1] - days[0]).days for days in different if len(days) > 1]

    for day in (7, 30, 90, 180, 365):
        found = cdnow.query(
            "select count_followed, share_purchased from insight.second_purchase_curve "
            f"where segment_type = 'all' and day = {day}"
        )
        share = sum(gap <= day for gap in gaps) / len(days_of)
        assert found == [(len(days_of), pytest.approx(share, abs=1e-6))], day


@pytest.mark.slow
def test_real_windows_and_retention_have_nothing_of_the_demo(cdnow):
    """No bend at ten days: half of the second purchases take seven weeks, one in five stays."""
    window = cdnow.query(
        "select w2_days, w95_days, median_days, is_reliable from insight.second_purchase_window"
    )
    retention = cdnow.query(
        "select sum(count_active_before), sum(count_retained) from insight.retention_cohorts "
        "where cohort_month < '1997-04-01' and year_number = 2"
    )

    assert window == [(85, 297, 50.0, True)]
    assert retention == [(23_500, 4_556)]
    assert cdnow.query("select count(*) from insight.retention_cohorts where is_mature") == [(0,)]
