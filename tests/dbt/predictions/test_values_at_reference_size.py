"""Expected orders of 60,000 persons against the year that the simulator knows will come.

Every person is one customer here: who is who is asked elsewhere, and takes minutes.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from ml.models import orders_and_value
from ml.value.windows import known_purchases, newest_window
from sandbox.shop import DEFAULT_UNTIL, ShopParameters
from sandbox.shop.calendar import utc_micros
from sandbox.shop.calibration import solved
from sandbox.shop.world import World
from tests.tenths import misses

pytestmark = pytest.mark.slow

YEAR = pd.Timedelta(days=365)
CLOCK = pd.Timestamp(DEFAULT_UNTIL) + pd.Timedelta(days=1)


def purchases_of(seed: int) -> pd.DataFrame:
    """Return all purchases of a world, with a margin each that differs by person."""
    world = World("reference", seed, solved(ShopParameters()))
    calendar, generator = world.calendar(DEFAULT_UNTIL), np.random.default_rng(seed)
    parts = []
    for number in range(world.blocks):
        bought = world.block(number, calendar).purchases
        usual = generator.gamma(4.0, 10.0, int(bought.person.max()) + 1)[bought.person]
        names = pd.Series(bought.person).map(f"{number}-{{}}".format)
        moments = utc_micros(bought.moment).astype("datetime64[us]")
        margins = usual * generator.gamma(3.0, 1 / 3, len(bought))
        parts.append(
            pd.DataFrame({"customer_id": names, "occurred_at": moments, "margin_amount": margins})
        )
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("seed", [2, 3])
def test_each_tenth_comes_true(seed):
    """Level and every tenth of orders and margin within 10 % and two standard errors of it.

    Of the tenths with a thousand orders or more the error is small: there 10 % has to do.
    """
    every = known_purchases(purchases_of(seed), known_until=CLOCK + YEAR)
    year = newest_window(every, until=CLOCK + YEAR, days=365)
    customers = pd.DataFrame({"customer_id": year.known.index, "as_of": CLOCK})

    trained = orders_and_value.fit({"purchases": every}, as_of=CLOCK)
    rows = orders_and_value.predict(
        trained.champion, {"purchases": every, "customers": customers}, scored_at=CLOCK
    )

    assert list(rows["customer_id"]) == list(year.known.index)
    orders = rows["expected_orders"].to_numpy()
    margin = orders * rows["expected_margin_per_order"].to_numpy()
    assert spearmanr(orders, year.orders)[0] >= 0.5
    assert orders.sum() == pytest.approx(year.orders.sum(), rel=0.05)
    assert misses(orders, year.orders, year.orders).max() <= 2
    assert misses(margin, year.margin, year.orders).max() <= 2
    tenths = np.array_split(np.argsort(orders, kind="stable"), 10)
    large = [tenth for tenth in tenths if year.orders[tenth].sum() >= 1_000]
    assert len(large) >= 3
    for tenth in large:
        assert orders[tenth].sum() == pytest.approx(year.orders[tenth].sum(), rel=0.1)
