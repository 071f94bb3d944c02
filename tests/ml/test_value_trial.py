"""Curves of what came are used where they are better, and published with their rhythm."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from ml.models.orders_and_value import explain, fit, predict
from ml.prediction import Trained
from ml.value.model import ValueModel, learn, scaled
from ml.value.trial import try_calibration
from ml.value.windows import ValueWindow, newest_window

CLOCK = pd.Timestamp("2026-11-01")
YEAR = pd.Timedelta(days=365)


def regulars_and_others(seed: int, customers: int = 20_000) -> pd.DataFrame:
    """Return four years and one more of a shop that no model of rhythm here describes.

    A third come in gaps more even than chance (Erlang 2) until they leave on a day of their own; a
    quarter come a second time within some months, and never again; the others once.
    """
    generator = np.random.default_rng(seed)
    start = generator.uniform(0, 5 * 365, customers)
    kind = generator.choice(3, customers, p=[0.35, 0.25, 0.4])
    rate = 2 + generator.gamma(2.0, 2.0, customers)
    until = start + np.where(kind == 0, generator.exponential(600, customers), 0)
    second = start + generator.exponential(60, customers)
    days = [pd.Series(start), pd.Series(second).where(kind == 1)]
    moment = pd.Series(start)
    while moment.notna().any():
        moment = moment + generator.gamma(2.0, 365 / rate / 2)
        moment = moment.where((moment < until) & (kind == 0))
        days.append(moment)
    day = pd.concat(days).dropna()
    margin = generator.gamma(4.0, 10.0, customers)[day.index] * generator.gamma(
        3.0, 1 / 3, len(day)
    )
    begin = CLOCK - pd.Timedelta(days=4 * 365)
    occurred_at = (begin + pd.to_timedelta(day, unit="D")).astype("datetime64[us]")
    names = "c" + day.index.astype(str)
    frame = pd.DataFrame(
        {"customer_id": names, "occurred_at": occurred_at.to_numpy(), "margin_amount": margin}
    )
    return frame[frame["occurred_at"] < CLOCK + YEAR].reset_index(drop=True)


@pytest.fixture(scope="module")
def purchases() -> pd.DataFrame:
    """Return such a shop."""
    return regulars_and_others(seed=22)


@pytest.fixture(scope="module")
def trained(purchases: pd.DataFrame) -> Trained:
    """The prediction trained on the first four years of that shop."""
    result = fit({"purchases": purchases}, as_of=CLOCK)
    assert isinstance(result, Trained)
    return result


def is_missed(expected: np.ndarray, came: np.ndarray) -> bool:
    """Tell whether a sum is off by more than a tenth and two standard errors of what came."""
    error = np.sqrt(len(came)) * came.std()
    return abs(expected.sum() - came.sum()) > 0.1 * came.sum() + 2 * error


def window_of(purchases: pd.DataFrame, until: pd.Timestamp, days: int = 365) -> ValueWindow:
    """Return the customers at a window's begin and what came of them."""
    return newest_window(purchases, until=until, days=days)


def model_of(window: ValueWindow, kind: str = "mbg_nbd") -> ValueModel:
    """Return a kind fitted before a window and scaled on it."""
    fitted = learn(kind, window.known, yearly_discount=0.1)
    return scaled(fitted, window.known, window.orders, window.margin, days=window.days)


@pytest.mark.parametrize("seed", [22, 23])
def test_what_a_rhythm_misses_is_mended(seed: int) -> None:
    """In the year to come, customers by number of purchases: one scale is off, the curves not."""
    purchases = regulars_and_others(seed)
    result = fit({"purchases": purchases}, as_of=CLOCK)
    assert isinstance(result, Trained)
    bent = ValueModel.from_plain(result.champion.parts["value"])
    window, next_year = (window_of(purchases, until) for until in (CLOCK, CLOCK + YEAR))
    plain = model_of(window, result.champion.kind)

    groups = np.minimum(next_year.known["repeats"].to_numpy(), 2)

    def missed(model: ValueModel) -> list[bool]:
        expected = model.expect_orders(next_year.known, days=365)
        rows = [groups == number for number in range(3)]
        return [is_missed(expected[own], next_year.orders[own]) for own in rows]

    assert any(missed(plain))
    assert not any(missed(bent))


def test_the_card_tells_of_the_curves(trained: Trained) -> None:
    """By how much they move, and what that saved on customers that they do not know."""
    told = trained.report["curves"]

    assert "are put on a curve of what came" in told
    assert told in trained.report["card"]


def test_a_calibrated_score_is_ones_own(purchases: pd.DataFrame, trained: Trained) -> None:
    """A customer scored alone has the very row that they have among all."""
    known = purchases[purchases["occurred_at"] < CLOCK]
    names = known["customer_id"].unique()
    everybody, few, nobody = (
        predict(
            trained.champion,
            {
                "purchases": known[known["customer_id"].isin(chosen)],
                "customers": pd.DataFrame({"customer_id": chosen, "as_of": CLOCK}),
            },
            scored_at=CLOCK,
        ).set_index("customer_id")
        for chosen in (names, names[::400], names[:0])
    )

    assert len(few) > 10
    assert nobody.empty
    pd.testing.assert_frame_equal(everybody.loc[few.index], few, check_exact=False, rtol=1e-12)


def test_a_calibrated_value_is_explained(purchases: pd.DataFrame, trained: Trained) -> None:
    """Reasons are effects on the value that is published, for customers on each curve."""
    known = window_of(purchases, CLOCK + YEAR).known
    for repeats in (0, 1, 4):
        alike = known[known["repeats"] == repeats]
        name = (alike["age_days"] - alike["recency_days"]).idxmin()
        own = purchases[purchases["customer_id"] == name]
        customers = pd.DataFrame({"customer_id": [name], "as_of": CLOCK})

        reasons = explain(trained.champion, {"purchases": own, "customers": customers})

        assert reasons
        assert all(np.isfinite(reason.factor) and reason.factor > 0 for reason in reasons)


def test_orders_stay_monotone_in_time(purchases: pd.DataFrame, trained: Trained) -> None:
    """More days are never fewer orders, and a value is what its months are worth."""
    known = window_of(purchases, CLOCK).known
    learned = ValueModel.from_plain(trained.champion.parts["value"])

    orders = np.array([learned.expect_orders(known, days=days) for days in (30, 180, 365, 730)])
    expected = learned.expect(known, days=365)

    assert (np.diff(orders, axis=0) >= 0).all()
    assert expected.orders == pytest.approx(orders[2])
    assert (expected.value <= expected.orders * expected.margin_per_order + 1e-9).all()


def test_what_was_learnt_is_read_back(trained: Trained) -> None:
    """Through JSON to the last digit; versions of before, without a calibration, still load."""
    plain = json.loads(json.dumps(trained.champion.parts["value"]))
    learned = ValueModel.from_plain(plain)
    old = ValueModel.from_plain({k: v for k, v in plain.items() if k != "calibration"})

    assert asdict(learned)["calibration"]["curves"]
    assert json.loads(json.dumps(learned.as_plain())) == plain
    assert old.calibration.curves == ()
    assert old.scale == learned.scale


def test_the_order_of_rows_changes_nothing(purchases: pd.DataFrame, trained: Trained) -> None:
    """Shuffled, the same purchases give the same version and the same curves to the last digit."""
    rows = np.random.default_rng(1).permutation(len(purchases))

    again = fit({"purchases": purchases.iloc[rows]}, as_of=CLOCK)

    assert isinstance(again, Trained)
    assert again.champion == trained.champion


def test_the_rhythm_stays_with_its_curves(purchases: pd.DataFrame, trained: Trained) -> None:
    """It is that of a year ago, which the curves were learnt on; spending is of all purchases."""
    learned = ValueModel.from_plain(trained.champion.parts["value"])
    window = window_of(purchases, CLOCK)
    until_now = window_of(purchases, CLOCK + YEAR).known

    assert learned.dropout == model_of(window).dropout
    assert learned.spending == learn("shop_mean", until_now, yearly_discount=0.1).spending


def test_without_a_whole_year_the_one_scale_stays(purchases: pd.DataFrame) -> None:
    """Half a year holds half of the seasons, and another horizon is another curve."""
    for days, horizon in ((180, 365), (180, 180), (365, 730)):
        window = window_of(purchases, CLOCK, days)
        model = model_of(window)
        tried = try_calibration(model, window, horizon_days=horizon, seed=0)

        assert tried.model == model
        assert tried.told.startswith(f"The window has {days} days.")
        assert tried.orders.sum() == pytest.approx(window.orders.sum())


def test_thin_or_without_a_rhythm_the_one_scale_stays(purchases: pd.DataFrame) -> None:
    """Under two hundred orders no curve is tried; the shop's mean stays one number."""
    window = window_of(purchases, CLOCK)
    few = replace(
        window, known=window.known[:150], orders=window.orders[:150], margin=window.margin[:150]
    )
    model, mean = model_of(few), model_of(window, "shop_mean")

    thin = try_calibration(model, few, horizon_days=365, seed=0)
    flat = try_calibration(mean, window, horizon_days=365, seed=0)

    assert few.orders.sum() < 200
    assert (thin.model, flat.model) == (model, mean)
    assert "orders came in the window" in thin.told
    assert "not calibrated any finer" in flat.told


def test_where_the_rhythm_is_right_no_curve_is_needed(simulate) -> None:
    """In a world of the model's own the curves are left out or hardly move a tenth."""
    made = simulate(customers=4_000, days=1_095, until=CLOCK, seed=23)
    window = window_of(made.rename(columns={"net_amount": "margin_amount"}), CLOCK)
    model = model_of(window)

    tried = try_calibration(model, window, horizon_days=365, seed=0)

    plain = model.expect_orders(window.known, days=365)
    bent = tried.model.expect_orders(window.known, days=365)
    best = plain >= np.quantile(plain, 0.7)
    assert bent.sum() == pytest.approx(window.orders.sum())
    assert bent[best].sum() == pytest.approx(plain[best].sum(), rel=0.05)
