"""second_purchase draws curves as published, tells odds that come true, refuses thin data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.models.second_purchase import RESULT, explain, fit, predict
from ml.prediction import Model, Refused, Trained
from ml.second.first_buyers import draw_curve, first_buyers
from ml.second.value import learn_value
from ml.value.windows import known_purchases

CLOCK = pd.Timestamp("2026-11-01")
NOW = pd.Timestamp("2026-11-01 04:00")


def rows(*purchases: tuple[str, str, float]) -> pd.DataFrame:
    """Return purchases as known ones."""
    frame = pd.DataFrame(purchases, columns=["customer_id", "occurred_at", "margin_amount"])
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], format="ISO8601")
    return known_purchases(frame, known_until=CLOCK)


def share(purchases: pd.DataFrame, as_of: str, days: int) -> float:
    """Return the share of first-time buyers who came back within days, as seen at a moment."""
    moment = pd.Timestamp(as_of)
    known = known_purchases(purchases, known_until=moment)
    return float(1 - draw_curve(first_buyers(known, as_of=moment)).at(days))


def once(purchases: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return everybody known at a moment, as the feature frame lists them."""
    known = purchases.loc[purchases["occurred_at"] < as_of, "customer_id"].unique()
    return pd.DataFrame({"customer_id": known, "as_of": as_of})


def predicted(model: Model, purchases: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return what is expected of who bought once, by customer."""
    frames = {"purchases": purchases, "customers": once(purchases, as_of)}
    return predict(model, frames, scored_at=NOW).set_index("customer_id")


def returned(purchases: pd.DataFrame, as_of: pd.Timestamp, days: int) -> set[str]:
    """Return who bought on a later day than the first, after a moment and within days of it."""
    inside = purchases["occurred_at"].between(as_of, as_of + pd.Timedelta(days=days), "left")
    return set(purchases.loc[inside, "customer_id"])


@pytest.fixture(scope="module")
def purchases(simulate) -> pd.DataFrame:
    """Three years of 6,000 customers who order and leave, and a quarter to compare with."""
    until = CLOCK + pd.Timedelta(days=90)
    made = simulate(customers=6_000, days=1_185, until=until, seed=4)
    return made.rename(columns={"net_amount": "margin_amount"})


@pytest.fixture(scope="module")
def trained(purchases: pd.DataFrame) -> Trained:
    """The prediction trained on the three years."""
    result = fit({"purchases": purchases}, as_of=CLOCK)
    assert isinstance(result, Trained)
    return result


def test_the_curve_of_cdnow_is_the_published_one(cdnow: pd.DataFrame) -> None:
    """17.5 % are back after 30 days, whether it is looked at after 39 or after 78 weeks."""
    early, late = (share(cdnow, as_of, 30) for as_of in ("1997-10-01", "1998-07-01"))

    assert late == pytest.approx(0.175, abs=0.001)
    assert early == pytest.approx(late, abs=0.0005)
    assert share(cdnow, "1998-07-01", 90) == pytest.approx(0.292, abs=0.001)
    assert share(cdnow, "1998-07-01", 180) == pytest.approx(0.375, abs=0.001)


def test_the_curve_of_online_retail_is_the_measured_one(retail_shop) -> None:
    """New customers since March 2011: 4.8 % after 10 days, 16.3 % after 30, 41.8 % after 90."""
    orders = retail_shop.occasions.rename(columns={"net_amount": "margin_amount"})
    first = orders.groupby("customer_id")["occurred_at"].transform("min")
    new = orders[first >= "2011-03-01"]

    found = [share(new, "2011-12-10", days) for days in (10, 30, 90)]

    assert found == pytest.approx([0.048, 0.163, 0.418], abs=0.002)


def test_odds_come_true(purchases: pd.DataFrame, trained: Trained) -> None:
    """As many come back as were expected, in all, among the newest and among the oldest."""
    expected = predicted(trained.champion, purchases, CLOCK)
    came = expected.index.isin(returned(purchases, CLOCK, 90))
    age = first_buyers(known_purchases(purchases, known_until=CLOCK), as_of=CLOCK)["age_days"]
    is_new = (age.reindex(expected.index) <= 180).to_numpy()

    assert len(expected) > 1_500
    for group in (is_new, ~is_new):
        assert expected["probability"][group].sum() == pytest.approx(came[group].sum(), rel=0.15)
    assert expected["probability"].sum() == pytest.approx(came.sum(), rel=0.1)


def test_half_come_by_the_expected_day(purchases: pd.DataFrame, trained: Trained) -> None:
    """Of those who come within a year, half do so by the day that is told."""
    begins = CLOCK - pd.Timedelta(days=365)
    early = fit({"purchases": purchases}, as_of=begins)
    assert isinstance(early, Trained)
    expected = predicted(early.champion, purchases, begins)
    later = purchases[purchases["occurred_at"] >= begins]
    first_later = later.groupby("customer_id")["occurred_at"].min().reindex(expected.index)
    came = first_later < CLOCK

    assert came.sum() > 200
    assert (first_later[came] <= expected["expected_at"][came]).mean() == pytest.approx(
        0.5, abs=0.08
    )
    assert (expected["expected_at"] > begins).all()
    assert (expected["expected_at"] <= CLOCK).all()


def test_who_bought_more_comes_back_more_where_that_is_so() -> None:
    """Large first baskets that return twice as often are found; the odds differ accordingly."""
    generator = np.random.default_rng(8)
    count = 9_000
    start = generator.uniform(0, 1_000, count)
    is_large = generator.random(count) < 1 / 3
    wait = generator.exponential(60, count)
    comes = generator.random(count) < np.where(is_large, 0.6, 0.2)
    first = pd.DataFrame({"customer": range(count), "day": start})
    second = pd.DataFrame({"customer": np.flatnonzero(comes), "day": (start + wait)[comes]})
    third = second.assign(day=second["day"] + 30)[:100]
    made = pd.concat([first, second, third])
    made = made[made["day"] < 1_000]
    amounts = np.where(is_large[made["customer"]], 90.0, 20.0)
    purchases = pd.DataFrame(
        {
            "customer_id": "c" + made["customer"].astype(str),
            "occurred_at": CLOCK - pd.to_timedelta(1_000 - made["day"], unit="D"),
            "margin_amount": amounts + generator.random(len(made)),
        }
    )

    result = fit({"purchases": purchases}, as_of=CLOCK)

    assert isinstance(result, Trained)
    assert (result.champion.kind, result.status) == ("basket_curves", "evidence")
    frames = {"purchases": purchases, "customers": once(purchases, CLOCK)}
    found = predict(result.champion, frames, scored_at=NOW).set_index("customer_id")
    young = first_buyers(known_purchases(purchases, known_until=CLOCK), as_of=CLOCK)
    young = young[(young["age_days"] < 20) & young["second_day"].isna()]
    odds = found["probability"].reindex(young.index)
    ratio = odds[young["first_margin"] > 50].mean() / odds[young["first_margin"] < 50].mean()
    assert ratio == pytest.approx(3, abs=0.8)
    who = young[young["first_margin"] > 50].index[:1]
    one = pd.DataFrame({"customer_id": who, "as_of": CLOCK})
    reasons = explain(result.champion, {"purchases": purchases, "customers": one})
    effects = {reason.subject: reason.factor for reason in reasons}
    assert effects["Margin of the first purchase"] > 1.5


def test_real_orders_of_cdnow_are_not_misjudged(cdnow: pd.DataFrame) -> None:
    """What is published is never worse than the curve, and its level is right."""
    result = fit({"purchases": cdnow}, as_of=pd.Timestamp("1998-04-01"))
    assert isinstance(result, Trained)
    metrics = result.report["metrics"]
    chosen = metrics[result.champion.kind]

    assert chosen["log_loss"] <= metrics["shop_curve"]["log_loss"]
    assert 0.7 <= chosen["calibration_ratio"] <= 1.3
    assert chosen["count"] > 10_000


def test_one_row_per_customer_with_one_purchase(purchases: pd.DataFrame, trained: Trained) -> None:
    """Two purchases of a day are one; who came back has no row; the types are the promised ones."""
    extra = rows(
        ("once", "2026-10-01 10:00", 5.0), ("once", "2026-10-01 20:00", 5.0),
        ("twice", "2026-09-01", 5.0), ("twice", "2026-10-01", 5.0),
        ("future", "2026-10-31 23:59", 5.0),
    )  # fmt: skip
    frames = {"purchases": extra, "customers": once(extra, CLOCK)}

    found = predict(trained.champion, frames, scored_at=NOW)

    assert sorted(found["customer_id"]) == ["future", "once"]
    assert list(found.columns) == list(RESULT)
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        name: column.dtype for name, column in RESULT.items()
    }


def test_nobody_to_score_is_no_error(trained: Trained) -> None:
    """An empty shop gives an empty result, and nothing to explain."""
    nothing = rows()
    frames = {"purchases": nothing, "customers": once(nothing, CLOCK)}

    assert predict(trained.champion, frames, scored_at=NOW).empty
    assert explain(trained.champion, frames) == ()


def test_a_second_purchase_is_worth_the_year_it_begins() -> None:
    """Only complete years count, and fifths with few customers lean on the mean of all."""
    made = []
    for number in range(100):
        first = 10.0 if number % 2 else 50.0
        made += [
            (f"c{number}", "2024-01-01", first), (f"c{number}", "2024-03-01", 4 * first),
            (f"c{number}", "2024-12-01", first), (f"c{number}", "2025-06-01", 1_000.0),
        ]  # fmt: skip
    unfinished = [("late", "2026-01-01", 10.0), ("late", "2026-02-01", 99_999.0)]

    value = learn_value(rows(*made, *unfinished), as_of=CLOCK)

    small, large = value.of(np.array([10.0, 50.0]))
    drawn = 20 * 150
    assert value.count == 100
    assert small == pytest.approx((50 * 50 + drawn) / 70)
    assert large == pytest.approx((50 * 250 + drawn) / 70)
    assert np.isnan(learn_value(rows(*made[:40]), as_of=CLOCK).of(np.array([10.0]))).all()


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (lambda all_: all_.iloc[:0], "customers with a purchase"),
        (lambda all_: all_.head(300), "customers with a purchase"),
        (lambda all_: all_[all_["occurred_at"] > CLOCK - pd.Timedelta(days=200)], "at least 360"),
        (lambda all_: all_.drop_duplicates("customer_id"), "three or more purchases"),
        (lambda all_: all_.assign(margin_amount=None), "margin_amount is null"),
    ],
    ids=["nothing", "few customers", "short history", "nobody came back", "no margin"],
)
def test_too_thin_data_is_refused_with_its_reason(purchases, kept, reason: str) -> None:
    """Never a guess: every gate that is not passed is named."""
    result = fit({"purchases": kept(purchases)}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert any(reason in told for told in result.reasons)


@pytest.mark.parametrize("margin", [0.0, -5.0], ids=["constant", "negative"])
def test_margins_that_tell_nothing_do_no_harm(purchases: pd.DataFrame, margin: float) -> None:
    """The curves by basket are then the shop's curve, and a loss stays a loss."""
    result = fit({"purchases": purchases.assign(margin_amount=margin)}, as_of=CLOCK)

    assert isinstance(result, Trained)
    assert result.champion.kind != "basket_curves"
    found = predicted(result.champion, purchases.assign(margin_amount=margin), CLOCK)
    assert (found["value_of_second_purchase"] <= 0).all()
    assert found["probability"].between(0, 1).all()


def test_equal_data_gives_equal_versions_in_any_order(purchases: pd.DataFrame, trained) -> None:
    """The version names everything the fit depends on."""
    shuffled = purchases.sample(frac=1, random_state=1)

    again = fit({"purchases": shuffled}, as_of=CLOCK)

    assert isinstance(again, Trained)
    assert again.champion.version == trained.champion.version
    assert again.report == trained.report
