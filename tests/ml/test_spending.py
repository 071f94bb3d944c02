"""Gamma-Gamma gives the published numbers, finds what it was simulated from, and bears losses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.optimize import check_grad

from ml.btyd import spending
from ml.btyd.spending import ALL_EQUAL, NO_MEAN, Spending
from ml.errors import HistoryError


@pytest.fixture(scope="module")
def repeat_buyers(cdnow_folder: Path) -> pd.DataFrame:
    """The 946 repeat buyers of the tenth of CDNOW with their average spend."""
    rows = pd.read_csv(cdnow_folder / "cdnow_customers_summary_with_transactions.csv")
    return rows[rows["x"] > 0]


def test_the_sample_gives_the_published_parameters(repeat_buyers: pd.DataFrame) -> None:
    """p 6.25, q 3.74, v 15.44 (Fader & Hardie 2013)."""
    model = spending.fit(*_numbers(repeat_buyers))

    assert (model.p, model.q, model.v) == pytest.approx((6.25, 3.74, 15.44), abs=0.011)
    assert model.log_likelihood == pytest.approx(-4055.92, abs=0.01)
    assert len(repeat_buyers) == 946
    assert model.mean == pytest.approx(35.17, abs=0.01)


def _numbers(rows: pd.DataFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return rows["x"].to_numpy(float), rows["zbar"].to_numpy(float)


def test_the_gradient_is_the_slope_of_the_likelihood(repeat_buyers: pd.DataFrame) -> None:
    """The derivatives by hand equal differences of the likelihood."""
    x, m = _numbers(repeat_buyers)
    for point in ([0.5, 0.5, 0.0], [1.8, 1.3, 2.7], [-1.0, 2.0, 4.0]):
        value, gradient = spending.log_likelihood(np.array(point), x, m)
        error = check_grad(
            lambda at: spending.log_likelihood(at, x, m)[0],
            lambda at: spending.log_likelihood(at, x, m)[1],
            np.array(point),
            epsilon=1e-6,
        )
        assert error < 1e-5 * max(np.abs(gradient).max(), abs(value))


def test_the_fit_finds_what_customers_were_simulated_from() -> None:
    """100,000 customers: every parameter within five per cent."""
    orders, means = _simulate(6.0, 4.0, 15.0, customers=100_000)

    model = spending.fit(orders, means)

    assert (model.p, model.q, model.v) == pytest.approx((6.0, 4.0, 15.0), rel=0.05)
    assert model.mean == pytest.approx(6.0 * 15.0 / 3.0, rel=0.02)


def _simulate(
    p: float, q: float, v: float, *, customers: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    generator = np.random.default_rng(4)
    rate = generator.gamma(q, 1 / v, customers)
    orders = generator.geometric(0.4, customers)
    return orders, generator.gamma(p * orders) / rate / orders


def test_the_currency_changes_the_amounts_alone() -> None:
    """In hundredths everything is the same times a hundred."""
    orders, means = _simulate(6.0, 4.0, 15.0, customers=2_000)

    model, hundredths = spending.fit(orders, means), spending.fit(orders, means * 100)

    assert (hundredths.p, hundredths.q) == pytest.approx((model.p, model.q), rel=1e-3)
    assert hundredths.mean == pytest.approx(model.mean * 100, rel=1e-3)


def test_many_orders_speak_for_themselves_and_none_for_the_shop() -> None:
    """The expectation moves from the shop's mean to the customer's own."""
    model = Spending(p=6.0, q=4.0, v=15.0, log_likelihood=0.0)

    expected = model.expected(np.array([0.0, 1.0, 5_000.0]), np.array([0.0, 60.0, 60.0]))

    assert expected[0] == model.mean == 30.0
    assert expected[1] == pytest.approx((15.0 + 60.0) * 6.0 / (6.0 + 4.0 - 1))
    assert expected[2] == pytest.approx(60.0, abs=0.01)


def test_losses_pull_the_mean_down_and_keep_their_sign() -> None:
    """Customers with a loss have an expectation, and the shop's mean is that of all of them."""
    orders, means = _simulate(6.0, 4.0, 15.0, customers=20_000)
    means = np.where(np.arange(20_000) % 10 == 0, -20.0, means)

    model = spending.fit(orders, means)

    assert model.loss_share == pytest.approx(0.1)
    assert model.mean == pytest.approx(means.mean(), rel=0.03)
    assert model.expected(np.array([400.0]), np.array([-20.0]))[0] < 0


def test_losses_are_weighed_by_how_much_customers_differ() -> None:
    """Customers who always lose keep losing; where losses are chance, the shop's mean counts."""
    generator = np.random.default_rng(2)
    noise = generator.normal(0, 10, (2_000, 5))
    own = np.where(np.arange(2_000) % 10 == 0, -30.0, 30.0)[:, None]
    lasting, chance = own + noise, 5.0 + 3 * noise

    strengths = []
    for amounts in (lasting, chance):
        means = amounts.mean(axis=1)
        deviation = ((amounts - means[:, None]) ** 2).sum(axis=1)
        strengths.append(spending.fit(np.full(2_000, 5), means, deviation).strength)

    assert strengths[0] == pytest.approx(100 / (36 * 9), rel=0.1)
    assert strengths[1] > 20


def test_equal_averages_are_no_obstacle() -> None:
    """Where everybody spends the same, that is what is expected, with a word about it."""
    orders = np.arange(1, 101)

    model = spending.fit(orders, np.full(100, 25.0))

    assert ALL_EQUAL in model.warnings
    assert model.expected(np.array([1.0, 50.0]), np.array([25.0, 25.0])) == pytest.approx(
        [25.0, 25.0], rel=1e-3
    )


def test_amounts_without_a_mean_say_so() -> None:
    """Where the tail is so long that no average exists, none is promised."""
    generator = np.random.default_rng(9)

    model = spending.fit(np.ones(5_000), generator.pareto(0.6, 5_000) + 0.01)

    assert NO_MEAN in model.warnings
    assert not model.has_mean


def test_a_shop_that_only_loses_is_refused() -> None:
    """Without positive averages nothing can be fitted; the error counts them."""
    with pytest.raises(HistoryError, match="0 customers have a positive average"):
        spending.fit(np.ones(50), np.full(50, -3.0))
