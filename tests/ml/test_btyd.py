"""BG/NBD and MBG/NBD give the published numbers and find what they were simulated from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import beta

from ml.btyd import dropout
from ml.btyd.dropout import BG_NBD, MBG_NBD, NO_DROPOUT, Dropout, Kind
from ml.btyd.forecasts import alive_probability, expected_orders, order_probability
from ml.btyd.histories import Histories, group, summarise
from ml.errors import HistoryError

KINDS: tuple[Kind, ...] = (BG_NBD, MBG_NBD)
LIKELY = Dropout(MBG_NBD, r=0.6, alpha=7.0, a=0.8, b=1.6, log_likelihood=0.0)


@pytest.fixture(scope="module")
def sample(cdnow_folder: Path) -> Histories:
    """The tenth of CDNOW that the papers fit: 2,357 customers after 39 weeks."""
    rows = pd.read_csv(cdnow_folder / "cdnow_customers_summary.csv")
    days = (rows[["recency", "T"]] * 7).round()
    return group(rows["frequency"], days["recency"], days["T"])


@pytest.fixture(scope="module")
def everybody(cdnow: pd.DataFrame) -> Histories:
    """All 23,570 customers of CDNOW on the evening of the last day of 39 weeks."""
    known = summarise(cdnow, as_of=pd.Timestamp("1997-09-30 23:00"))
    return group(known["repeats"], known["recency_days"], known["age_days"])


@pytest.mark.parametrize(
    ("kind", "parameters", "log_likelihood"),
    [
        # Fader, Hardie & Lee 2005, table 1; the modified model as `lifetimes` tests it.
        (BG_NBD, (0.243, 4.414, 0.793, 2.426), -9582.4),
        (MBG_NBD, (0.525, 6.183, 0.891, 1.614), -9582.1),
    ],
)
def test_the_sample_gives_the_published_parameters(
    sample: Histories, kind: Kind, parameters: tuple[float, ...], log_likelihood: float
) -> None:
    """Three digits of four parameters, and the likelihood they reach."""
    model = dropout.fit(sample, kind)

    assert (model.r, model.alpha, model.a, model.b) == pytest.approx(parameters, abs=6e-4)
    assert model.log_likelihood == pytest.approx(log_likelihood, abs=0.06)
    assert model.warnings == ()
    assert model.has_dropout


@pytest.mark.parametrize(
    ("kind", "parameters", "log_likelihood"),
    [
        (BG_NBD, (0.2516, 4.7889, 0.7234, 2.1611), -95_368.44),
        (MBG_NBD, (0.6371, 7.3103, 0.8075, 1.2284), -95_336.96),
    ],
)
def test_all_of_cdnow_gives_what_two_other_libraries_find(
    everybody: Histories, kind: Kind, parameters: tuple[float, ...], log_likelihood: float
) -> None:
    """lifetimes and pymc-marketing agree on these parameters to four digits."""
    model = dropout.fit(everybody, kind)

    assert everybody.counts.sum() == 23_570
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx(parameters, rel=2e-4)
    assert model.log_likelihood == pytest.approx(log_likelihood, abs=0.01)


def test_one_customer_is_expected_to_do_what_the_paper_says(sample: Histories) -> None:
    """Two repeats until week 30.43 of 38.86: 1.226 orders in the next 39 weeks."""
    model = dropout.fit(sample, BG_NBD)
    customer = group([2], [213], [272])

    assert expected_orders(model, customer, days=273)[0] == pytest.approx(1.226, abs=1e-3)
    assert alive_probability(model, customer)[0] == pytest.approx(0.7266, abs=1e-4)
    assert order_probability(model, customer, days=273)[0] == pytest.approx(0.5546, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_the_slope_of_the_likelihood(sample: Histories, kind: Kind) -> None:
    """The derivatives by hand equal differences of the likelihood."""
    for point in ([0.0, 1.0, 0.0, 0.5], [-1.4, 1.5, -0.2, 0.9], [1.0, 3.0, -2.0, 2.0]):
        logarithms = np.array(point)
        value, gradient = dropout.log_likelihood(logarithms, sample, kind)

        def scaled(at: npt.NDArray[np.float64], size: float = abs(value)) -> float:
            return dropout.log_likelihood(at, sample, kind)[0] / size

        slopes = _central_slopes(scaled, logarithms)
        assert gradient / abs(value) == pytest.approx(slopes, rel=1e-6, abs=1e-9)
        assert approx_fprime(logarithms, scaled, 1e-7) == pytest.approx(slopes, rel=1e-3, abs=1e-4)


def _central_slopes(function, at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return central differences of fourth order."""
    slopes = []
    for position in range(len(at)):
        step = np.zeros(len(at))
        step[position] = 1e-3
        near = function(at + step) - function(at - step)
        far = function(at + 2 * step) - function(at - 2 * step)
        slopes.append((8 * near - far) / 12e-3)
    return np.array(slopes)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fit_finds_what_customers_were_simulated_from(kind: Kind) -> None:
    """60,000 customers over four years: every parameter within five per cent."""
    truth = (0.6, 6.0, 0.8, 2.0)

    model = dropout.fit(_simulate(kind, *truth, customers=60_000, days=1_460), kind)

    assert (model.r, model.alpha, model.a, model.b) == pytest.approx(truth, rel=0.05)


def _simulate(
    kind: Kind, r: float, alpha: float, a: float, b: float, *, customers: int, days: int
) -> Histories:
    """Return histories of customers who order and leave as the model says; time in whole days."""
    generator = np.random.default_rng(11)
    rate = generator.gamma(r, 1 / alpha, customers) / 7
    chance = generator.beta(a, b, customers)
    age = generator.integers(days // 4, days, customers)
    repeats, recency = np.zeros(customers, dtype=int), np.zeros(customers)
    stays = generator.random(customers) >= chance if kind == MBG_NBD else np.ones(customers, bool)
    while stays.any():
        after = recency + generator.exponential(1 / rate)
        stays &= after < age
        recency = np.where(stays, after, recency)
        repeats += stays
        stays &= generator.random(customers) >= chance
    return group(repeats, np.floor(recency), age)


@given(
    logarithms=st.tuples(*[st.floats(-4, 4)] * 4),
    repeats=st.integers(0, 5_000),
    recency=st.integers(0, 4_000),
    silence=st.integers(1, 4_000),
    days=st.integers(1, 3_650),
    kind=st.sampled_from(KINDS),
)
@settings(max_examples=300, deadline=None)
def test_forecasts_obey_what_any_forecast_must(
    logarithms: tuple[float, ...], repeats: int, recency: int, silence: int, days: int, kind: Kind
) -> None:
    """Finite even after 5,000 purchases; silence lowers hope, time raises chances."""
    model = Dropout(kind, *np.exp(logarithms), log_likelihood=0.0)
    recency = recency if repeats else 0
    history = group([repeats] * 2, [recency] * 2, [recency + silence, recency + 2 * silence])

    alive = alive_probability(model, history)
    chance = order_probability(model, history, days=days)
    orders = expected_orders(model, history, days=days)
    longer = expected_orders(model, history, days=2 * days)

    assert np.isfinite([*alive, *chance, *orders, *longer]).all()
    assert ((alive >= 0) & (alive <= 1) & (chance >= 0) & (chance <= alive)).all()
    assert (alive[1] <= alive[0]) or (kind == BG_NBD and repeats == 0)
    assert chance[1] <= chance[0] + 1e-12
    assert (orders >= chance * (1 - 1e-6) - 1e-12).all()
    assert (longer >= orders * (1 - 1e-6)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_expected_orders_are_the_integral_over_the_chance_to_leave(kind: Kind) -> None:
    """The closed form equals the plain integral it was derived from, also at a = 1."""
    for a, repeats, days in ((0.4, 3, 365), (1.0, 1, 90), (2.5, 60, 3_650), (30.0, 0, 365)):
        model = Dropout(kind, r=0.6, alpha=7.0, a=a, b=1.6, log_likelihood=0.0)
        history = group([repeats], [70 if repeats else 0], [140])
        shape, growth = 0.6 + repeats, days / 7 / (7.0 + 20.0)
        law = beta(a, 1.6 + repeats + (kind == MBG_NBD))

        def orders(chance: float, shape: float = shape, growth: float = growth) -> float:
            return float(-np.expm1(-shape * np.log1p(chance * growth)) / chance)

        if_alive = quad(lambda share, law=law, f=orders: f(law.ppf(share)), 0, 1, limit=200)[0]
        expected = if_alive * alive_probability(model, history)[0]
        assert expected_orders(model, history, days=days)[0] == pytest.approx(expected, rel=1e-5)


def test_whole_parameters_of_the_series_are_no_obstacle() -> None:
    """r = a and b = 1 make scipy's 2F1 infinite; the expectation next to it is the right one."""
    history = group([97], [0], [2])
    exact, beside = (
        expected_orders(Dropout(BG_NBD, r, 1.0, np.exp(1.15625), 1.0, 0.0), history, days=74)[0]
        for r in (np.exp(1.15625), np.exp(1.15625) * 1.0001)
    )

    assert exact == pytest.approx(beside, rel=1e-2)


def test_nearly_equal_customers_are_the_limit_of_the_closed_form() -> None:
    """Beyond a + b = 1,000 everybody leaves with one chance; nothing jumps there."""
    history = group([3], [60], [90])
    below, above = (
        expected_orders(Dropout(MBG_NBD, 0.6, 7.0, size / 4, size, 0.0), history, days=365)[0]
        for size in (798.0, 803.0)
    )

    assert below == pytest.approx(above, rel=5e-3)


def test_equal_histories_are_one_row_and_everybody_gets_their_own_answer() -> None:
    """Grouping changes nothing but the time it takes."""
    histories = group([1, 0, 1], [10, 0, 10], [20, 5, 20])

    orders = expected_orders(LIKELY, histories, days=90)

    assert len(histories.counts) == 2
    assert sorted(histories.counts) == [1, 2]
    assert orders[0] == orders[2] != orders[1]


def test_a_shop_without_lost_customers_says_so(sample: Histories) -> None:
    """Who orders like clockwork until today cannot teach when customers leave."""
    generator = np.random.default_rng(5)
    age = generator.integers(100, 700, 2_000)
    repeats = generator.poisson(age / 10)
    recency = np.where(repeats > 0, age - generator.integers(0, 8, 2_000), 0)

    model = dropout.fit(group(repeats, recency, age), BG_NBD)

    assert NO_DROPOUT in model.warnings
    assert not model.has_dropout
    assert np.isfinite(expected_orders(model, sample, days=365)).all()


def test_time_that_goes_backwards_is_refused() -> None:
    """A last purchase after today, or before the first one, is an error with its count."""
    with pytest.raises(HistoryError, match="backwards in 1 of 2"):
        group([1, 1], [5, 30], [10, 20])
    with pytest.raises(HistoryError, match="backwards in 1 of 1"):
        group([-1], [0], [20])


def test_nulls_and_fractions_of_days_are_refused() -> None:
    """What is no number of days says so instead of becoming one."""
    with pytest.raises(HistoryError, match="2 values"):
        group([1.0, 1.0], [np.nan, 1.5], [10, 10])


def test_a_shop_of_one_day_has_nothing_to_teach() -> None:
    """Nobody was watched, nobody can be learnt from."""
    with pytest.raises(HistoryError, match="watched for a day"):
        dropout.fit(group([0, 0], [0, 0], [0, 0]))
    with pytest.raises(HistoryError, match="watched for a day"):
        dropout.fit(group([], [], []))


def test_purchases_of_one_day_are_one_and_those_to_come_none() -> None:
    """Two orders on a day are one decision; the moment itself is not known yet."""
    times = ["2026-01-01 08:00", "2026-01-01 20:00", "2026-01-11", "2026-02-01", "2026-01-20"]
    purchases = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "a", "b"],
            "occurred_at": pd.to_datetime(times, format="ISO8601"),
            "margin_amount": [10, -4, 6, 99, 5],
        }
    )

    known = summarise(purchases, as_of=pd.Timestamp("2026-02-01"))

    assert known.loc["a"].to_dict() == {
        "repeats": 1, "recency_days": 10, "age_days": 31, "mean_margin": 6, "margin_deviation": 0
    }  # fmt: skip
    assert known.loc["b"].to_dict() == {
        "repeats": 0, "recency_days": 0, "age_days": 12, "mean_margin": 5, "margin_deviation": 0
    }  # fmt: skip


def test_a_model_comes_back_from_plain_data() -> None:
    """What the store keeps as JSON is the model to the last bit."""
    assert Dropout.from_plain(LIKELY.as_plain()) == LIKELY
