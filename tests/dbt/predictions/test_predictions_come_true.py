"""What is foretold of every customer, against what the simulator knows will come."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from ml import evaluation
from ml.models import next_order, orders_and_value
from ml.value.windows import known_purchases, newest_window
from orchestration.warehouse import Warehouse
from tests.dbt.truth import LINKED
from tests.scored import train_and_score
from tests.tenths import misses

pytestmark = pytest.mark.slow

# Days with a purchase after the clock of all persons who are in a customer's records. Purchases
# that nobody can be told by are known to no model.
COME = (
    LINKED
    + """,
    persons as (
        select distinct customer_id, person_id from linked where person_id is not null
    ),
    came as (
        select
            persons.customer_id,
            count(*) filter (where bought.occurred_at < clock.as_of + interval 90 days) as soon,
            count(distinct cast(bought.occurred_at as date)) as in_year
        from persons
        inner join read_parquet('{truth}/purchases/**/*.parquet') as bought using (person_id)
        cross join raw.clock
        where bought.is_identified
            and bought.occurred_at >= clock.as_of
            and bought.occurred_at < clock.as_of + interval 365 days
        group by persons.customer_id
    )
    select
        foretold.probability, coalesce(came.soon, 0) > 0,
        valued.expected_orders, coalesce(came.in_year, 0)
    from ml.next_order as foretold
    inner join ml.orders_and_value as valued using (customer_id)
    left join came using (customer_id)
"""
)


@pytest.fixture(scope="module", params=[(31, date(2026, 6, 30)), (32, date(2026, 10, 31))])
def shop(request, make_shop):
    """Return a shop with customers, margins and seasons, before the summer and before Christmas."""
    seed, until = request.param
    made = make_shop("demo", seed, until=until)
    made.build("+customer_features", "+int_purchase_margins_computed", "+int_season_months_dated")
    return made


@pytest.fixture(scope="module")
def foretold(shop, tmp_path_factory):
    """Probability and expected orders of each customer, and what came."""
    made, models = shop, tmp_path_factory.mktemp("models")
    with Warehouse(made.warehouse).connect() as connection:
        for prediction in (next_order, orders_and_value):
            assert train_and_score(connection, prediction, models)["status"] != "refused"
    return np.array(made.query(COME), dtype=np.float64).T


def test_probabilities_come_true(foretold):
    """Calibration error of the next 90 days at most .03, all tenths together."""
    probability, came, _, _ = foretold

    measured = evaluation.measure(came > 0, probability)

    assert measured.count > 5_000
    assert measured.expected_calibration_error <= 0.03
    assert measured.auc >= 0.9


def test_expected_orders_come_true(foretold):
    """Customers are ranked by their year (Spearman .5 or more), and the level is within a tenth."""
    _, _, expected, came = foretold

    assert spearmanr(expected, came)[0] >= 0.5
    assert expected.sum() == pytest.approx(came.sum(), rel=0.1)
    best = expected >= np.quantile(expected, 0.9)
    assert expected[best].sum() == pytest.approx(came[best].sum(), rel=0.1)


def test_each_tenth_of_the_expected_orders_comes_true(foretold):
    """Every tenth is within 10 % of what came, give or take two standard errors of that."""
    _, _, expected, came = foretold

    off = misses(expected, came, came)

    assert len(off) >= 4
    assert off.max() <= 2


def test_each_tenth_of_the_margin_comes_true(shop):
    """Foretold a year ago: every tenth of the margin is within 10 % of what has come since.

    The truth knows no margin of purchases to come; the warehouse knows it of the year behind it.
    """
    columns = ", ".join(orders_and_value.PURCHASES.columns)
    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        clock = pd.Timestamp(connection.execute("select as_of from raw.clock").fetchall()[0][0])
        bought = connection.execute(f"select {columns} from {orders_and_value.PURCHASES.relation}")
        known = known_purchases(bought.df(), known_until=clock)
    year = newest_window(known, until=clock, days=365)
    customers = pd.DataFrame({"customer_id": year.known.index, "as_of": year.as_of})

    trained = orders_and_value.fit({"purchases": known}, as_of=year.as_of)
    rows = orders_and_value.predict(
        trained.champion, {"purchases": known, "customers": customers}, scored_at=clock
    )

    assert list(rows["customer_id"]) == list(year.known.index)
    margin = (rows["expected_orders"] * rows["expected_margin_per_order"]).to_numpy()
    off = misses(margin, year.margin, year.orders)
    assert len(off) >= 3
    assert off.max() <= 2
