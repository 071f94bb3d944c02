"""Measures say what their definitions say, and gates give their numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.evaluation import (
    calibration_table,
    data_gates,
    failures,
    log_loss_difference,
    measure,
    outcome_gates,
    window_gate,
)

AS_OF = pd.Timestamp("2026-11-01")

rows = st.lists(
    st.tuples(st.booleans(), st.integers(0, 20).map(lambda step: step / 20)),
    min_size=1,
    max_size=40,
)


@given(rows=rows)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[bool, float]]) -> None:
    """AUC equals the count over all pairs of one positive and one negative, ties half."""
    actual = np.array([outcome for outcome, _ in rows])
    probability = np.array([value for _, value in rows])

    pairs = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high in probability[actual]
        for low in probability[~actual]
    ]

    expected = pytest.approx(sum(pairs) / len(pairs)) if pairs else None
    assert measure(actual, probability).auc == expected


@given(rows=rows, seed=st.integers(0, 9))
def test_measures_do_not_depend_on_the_order_of_rows(
    rows: list[tuple[bool, float]], seed: int
) -> None:
    """Shuffling the rows leaves every measure as it is, ties included."""
    actual = np.array([outcome for outcome, _ in rows])
    probability = np.array([value for _, value in rows])
    order = np.random.default_rng(seed).permutation(len(rows))

    before = measure(actual, probability)
    after = measure(actual[order], probability[order])

    for name, value in vars(before).items():
        assert getattr(after, name) == (value if value is None else pytest.approx(value))


def test_measures_of_a_worked_example() -> None:
    """Ten rows whose measures were computed by hand."""
    actual = np.array([True, True, False, False, False, False, False, False, False, True])
    probability = np.array([0.95, 0.65, 0.55, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15])

    found = measure(actual, probability)

    assert found.base_rate == pytest.approx(0.3)
    assert found.calibration_ratio == pytest.approx(3.2 / 3)
    assert found.lift_at_10_percent == pytest.approx(1 / 0.3)
    assert found.brier == pytest.approx((0.05**2 + 0.35**2 + 0.55**2 + 6 * 0.15**2 + 0.85**2) / 10)
    assert found.log_loss == pytest.approx(
        -(math.log(0.95) + math.log(0.65) + math.log(0.45) + 6 * math.log(0.85) + math.log(0.15))
        / 10
    )
    assert found.expected_calibration_error == pytest.approx((0.05 + 0.35 + 0.55 + 0.05) / 10)


def test_measures_of_one_class_are_undefined_not_wrong() -> None:
    """Without both outcomes there is no ranking; without positives there is no ratio."""
    nothing = measure(np.zeros(5, dtype=bool), np.full(5, 0.2))
    everything = measure(np.ones(5, dtype=bool), np.full(5, 0.2))
    nobody = measure(np.zeros(0, dtype=bool), np.zeros(0))

    assert (nothing.auc, nothing.calibration_ratio, nothing.lift_at_10_percent) == (None,) * 3
    assert (everything.auc, everything.calibration_ratio) == (None, pytest.approx(0.2))
    assert (nobody.count, nobody.brier, nobody.log_loss) == (0, None, None)


def test_a_certain_mistake_costs_a_finite_loss() -> None:
    """A probability of exactly 0 or 1 that is wrong does not make the log loss infinite."""
    found = measure(np.array([True, False]), np.array([0.0, 1.0]))

    assert found.log_loss == pytest.approx(-math.log(1e-6))


def test_the_interval_tells_a_better_model_from_an_equal_one() -> None:
    """A sharper model's interval lies below zero; equal models give exactly zero."""
    generator = np.random.default_rng(5)
    truth = generator.uniform(0.05, 0.95, 2_000)
    actual = generator.random(2_000) < truth

    better = log_loss_difference(actual, truth, np.full(2_000, 0.5), seed=1)
    equal = log_loss_difference(actual, truth, truth.copy(), seed=1)

    assert better.lower < better.mean < better.upper < 0
    assert (equal.lower, equal.mean, equal.upper) == (0, 0, 0)


def test_the_interval_covers_no_difference_about_as_often_as_it_says() -> None:
    """Two guesses that are equally wrong are told apart in few of many samples."""
    generator = np.random.default_rng(11)
    found = []

    for seed in range(200):
        actual = generator.random(400) < 0.5
        side = generator.random(400) < 0.5
        left, right = np.where(side, 0.6, 0.4), np.where(side, 0.4, 0.6)
        found.append(log_loss_difference(actual, left, right, seed=seed, repeats=200))

    misses = sum(interval.upper < 0 or interval.lower > 0 for interval in found)
    assert misses <= 24


def test_no_rows_prove_nothing() -> None:
    """An empty test window cannot let a model pass."""
    empty = np.zeros(0)

    interval = log_loss_difference(empty.astype(bool), empty, empty, seed=0)

    assert interval.upper == np.inf


def test_the_calibration_table_holds_every_row_once() -> None:
    """Tenths are ordered by probability and add up to all rows."""
    probability = np.linspace(0, 1, 103)

    table = calibration_table(probability > 0.5, probability)

    means = [line["mean_probability"] for line in table]
    assert sum(line["count"] for line in table) == 103
    assert means == sorted(means)


def occasions_of(buyers: int, orders: int, first: int, last: int) -> pd.DataFrame:
    """Return equal customers with orders spread between two numbers of days before as_of."""
    days = np.linspace(first, last, orders)
    times = [AS_OF - pd.Timedelta(days=day) for day in days] * buyers
    customers = np.repeat([f"c{number}" for number in range(buyers)], orders)
    return pd.DataFrame({"customer_id": customers, "occurred_at": times})


@pytest.mark.parametrize(
    ("shop", "reason"),
    [
        ((499, 3, 200, 1), "499 customers with a purchase; at least 500 are needed."),
        ((500, 3, 179, 1), "179 days since the first purchase; at least 180 are needed."),
        ((500, 3, 200, 31), "0 purchases in the last 30 days; at least 1 are needed."),
        ((500, 2, 200, 1), "0 customers with three or more purchases; at least 1 are needed."),
    ],
)
def test_each_gate_refuses_alone_and_gives_its_numbers(
    shop: tuple[int, int, int, int], reason: str
) -> None:
    """A shop that misses one condition is refused for that one, with what it has and needs."""
    gates = data_gates(occasions_of(*shop), as_of=AS_OF)

    assert failures(gates) == (reason,)


def test_a_ready_shop_passes_every_gate() -> None:
    """At exactly the published minima there is no reason to refuse."""
    gates = data_gates(occasions_of(500, 3, 180, 30), as_of=AS_OF)

    assert failures(gates) == ()


def test_an_empty_shop_is_refused_by_every_gate() -> None:
    """No purchases at all is a refusal, not a crash."""
    gates = data_gates(
        occasions_of(0, 0, 1, 1).astype({"occurred_at": "datetime64[us]"}), as_of=AS_OF
    )

    assert len(failures(gates)) == 4


def test_gates_ask_for_both_outcomes_and_two_windows() -> None:
    """One outcome alone, or one window alone, teaches nothing that can be tested."""
    outcomes = outcome_gates("test", np.array([True] * 60 + [False] * 3), minimum=50)

    assert failures(outcomes) == ("3 test snapshots followed by no order; at least 50 are needed.",)
    assert failures([window_gate(1, horizon_days=90)])[0].startswith("1 snapshots, each with 90")
    assert failures([window_gate(2, horizon_days=90)]) == ()
