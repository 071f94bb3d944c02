"""orders_and_value expects what comes, says how sure it is, and refuses where it cannot know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml import judging
from ml.btyd.dropout import NO_DROPOUT
from ml.models.orders_and_value import RESULT, explain, fit, predict
from ml.prediction import Model, Refused, Trained
from ml.value.windows import Spread, ValueWindow, newest_window, window_days

CLOCK = pd.Timestamp("2026-11-01")
NOW = pd.Timestamp("2026-11-01 04:00")


@pytest.fixture(scope="module")
def purchases(simulate) -> pd.DataFrame:
    """Three years of 4,000 customers who order and leave, and one more year to compare with."""
    until = CLOCK + pd.Timedelta(days=365)
    made = simulate(customers=4_000, days=1_460, until=until, seed=21)
    return made.rename(columns={"net_amount": "margin_amount"})


@pytest.fixture(scope="module")
def trained(purchases: pd.DataFrame) -> Trained:
    """The prediction trained on the first three years."""
    result = fit({"purchases": purchases}, as_of=CLOCK)
    assert isinstance(result, Trained)
    return result


def customers_of(purchases: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return everybody who has bought before a moment, as the feature frame lists them."""
    known = purchases.loc[purchases["occurred_at"] < as_of, "customer_id"].unique()
    return pd.DataFrame({"customer_id": known, "as_of": as_of})


def predicted(model: Model, purchases: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return what is expected of everybody, by customer."""
    frames = {"purchases": purchases, "customers": customers_of(purchases, as_of)}
    return predict(model, frames, scored_at=NOW).set_index("customer_id").sort_index()


def came(purchases: pd.DataFrame, as_of: pd.Timestamp, days: int) -> ValueWindow:
    """Return what came in the days after a moment, by customer."""
    until = as_of + pd.Timedelta(days=days)
    return newest_window(purchases, until=until, days=days)


def test_expected_orders_and_margin_come(purchases: pd.DataFrame, trained: Trained) -> None:
    """In a steady world the level is right within a tenth, in all and among the best fifth."""
    expected = predicted(trained.champion, purchases, CLOCK)
    actual = came(purchases, CLOCK, 365)
    margin = (expected["expected_orders"] * expected["expected_margin_per_order"]).to_numpy()
    best = margin >= np.quantile(margin, 0.8)

    assert trained.champion.kind == "mbg_nbd"
    assert trained.status == "evidence"
    assert list(expected.index) == list(actual.known.index)
    assert expected["expected_orders"].sum() == pytest.approx(actual.orders.sum(), rel=0.1)
    assert margin.sum() == pytest.approx(actual.margin.sum(), rel=0.1)
    assert margin[best].sum() == pytest.approx(actual.margin[best].sum(), rel=0.1)


def test_intervals_hold_four_of_five_customers(purchases: pd.DataFrame, trained: Trained) -> None:
    """One in ten ends above; below is nobody where one in ten or more end at nothing."""
    expected = predicted(trained.champion, purchases, CLOCK)
    margin = came(purchases, CLOCK, 365).margin
    # The interval is of the discounted value; in a year that is a factor for all.
    factor = trained.champion.parts["value"]["yearly_discount"] / 2 + 1
    lower = expected["expected_value_lower"].to_numpy() * factor
    upper = expected["expected_value_upper"].to_numpy() * factor
    is_hopeful = upper > 1

    inside = (margin >= lower - 0.01) & (margin <= upper + 0.01)

    assert 0.78 <= inside.mean() <= 0.97
    assert is_hopeful.sum() > 1_000
    assert 0.06 <= (margin > upper)[is_hopeful].mean() <= 0.14


def test_real_customers_of_cdnow_are_ranked_and_valued_as_well_as_measured(
    cdnow: pd.DataFrame,
) -> None:
    """After 39 weeks: normalised Gini of the next 39 at least .70, mean error at most 33."""
    as_of, days = pd.Timestamp("1997-10-01"), 273
    result = fit({"purchases": cdnow}, as_of=as_of, horizon_days=days)
    assert isinstance(result, Trained)
    actual = came(cdnow, as_of, days)
    for model in (result.champion, result.challenger):
        expected = predicted(model, cdnow, as_of)
        margin = (expected["expected_orders"] * expected["expected_margin_per_order"]).to_numpy()
        measured = judging.measure(
            actual.orders, expected["expected_orders"].to_numpy(), actual.margin, margin
        )
        inside = (actual.margin >= expected["expected_value_lower"]) & (
            actual.margin <= expected["expected_value_upper"]
        )

        assert measured.count == 23_570
        assert measured.gini >= 0.70
        assert measured.mean_absolute_error <= 33
        assert 0.8 <= measured.level_margin <= 1.1
        assert 0.8 <= inside.mean() <= 0.95
    assert {result.champion.kind, result.challenger.kind} == {"bg_nbd", "mbg_nbd"}


def test_real_orders_of_one_year_show_nobody_leaving_and_say_so(retail_shop) -> None:
    """Online Retail: the fit runs to its limit, so nobody gets a probability to be alive."""
    purchases = retail_shop.occasions.rename(columns={"net_amount": "margin_amount"})

    result = fit({"purchases": purchases}, as_of=retail_shop.clock)

    assert isinstance(result, Trained)
    expected = predicted(result.champion, purchases, retail_shop.clock)
    assert NO_DROPOUT in result.report["warnings"]
    assert result.report["window"]["days"] == 193
    assert result.report["metrics"]["mbg_nbd"]["gini"] >= 0.75
    assert len(expected) == 4_338
    assert expected["alive_probability"].isna().all()
    assert np.isfinite(expected["expected_value_upper"]).all()


def test_a_shop_whose_level_fell_is_expected_to_stay_there(purchases: pd.DataFrame) -> None:
    """Half of the purchases of the newest year vanish: what is expected falls with them."""
    last_year = purchases["occurred_at"] >= CLOCK - pd.Timedelta(days=365)
    is_lost = last_year & (np.arange(len(purchases)) % 5 < 2)
    before = fit({"purchases": purchases}, as_of=CLOCK)
    after = fit({"purchases": purchases[~is_lost]}, as_of=CLOCK)

    assert isinstance(before, Trained)
    assert isinstance(after, Trained)
    assert before.report["scale"]["orders"] == pytest.approx(1.0, abs=0.12)
    assert after.report["scale"]["orders"] < 0.85 * before.report["scale"]["orders"]


def test_where_nobody_differs_everybody_is_the_mean(random_shop) -> None:
    """Without evidence the shop's mean is published by name, the rhythm is the runner-up."""
    purchases = random_shop.occasions.rename(columns={"net_amount": "margin_amount"})
    # Who is found by their purchases buys more the longer they are watched: watch all the same.
    first = purchases.groupby("customer_id")["occurred_at"].transform("min")
    start = purchases["occurred_at"].min()
    rows = purchases.drop_duplicates("customer_id").assign(occurred_at=start)
    purchases = pd.concat([rows, purchases[purchases["occurred_at"] > first]], ignore_index=True)

    result = fit({"purchases": purchases}, as_of=random_shop.clock)

    assert isinstance(result, Trained)
    expected = predicted(result.champion, purchases, random_shop.clock)
    assert result.status == "no_evidence"
    assert result.champion.kind == "shop_mean"
    assert expected["expected_orders"].nunique() == 1
    assert expected["alive_probability"].isna().all()
    assert "That is used." in result.report["reason"]


def test_only_repeat_buyers_have_a_probability_to_be_alive(
    purchases: pd.DataFrame, trained: Trained
) -> None:
    """One purchase tells nothing of leaving; the BG/NBD is not asked at all."""
    known = came(purchases, CLOCK, 1).known
    expected = predicted(trained.champion, purchases, CLOCK)
    plain = predicted(trained.challenger, purchases, CLOCK)

    is_known = expected["alive_probability"].notna()
    assert (is_known == (known["repeats"] > 0)).all()
    assert expected.loc[is_known, "alive_probability"].between(0, 1).all()
    assert trained.challenger.kind == "bg_nbd"
    assert plain["alive_probability"].isna().all()


def test_results_have_the_declared_types(purchases: pd.DataFrame, trained: Trained) -> None:
    """One row per customer, values inside their interval, types as declared; also of nobody."""
    frames = {"purchases": purchases, "customers": customers_of(purchases, CLOCK)}
    rows = predict(trained.champion, frames, scored_at=NOW)
    nobody = predict(
        trained.champion, {**frames, "customers": frames["customers"].iloc[:0]}, scored_at=NOW
    )

    types = {name: column.dtype for name, column in RESULT.items()}
    assert rows.dtypes.astype(str).to_dict() == types
    assert nobody.dtypes.astype(str).to_dict() == types
    assert nobody.empty
    assert rows["customer_id"].is_unique
    assert (rows["expected_value_lower"] <= rows["expected_value"]).all()
    assert (rows["expected_value"] <= rows["expected_value_upper"]).all()


def test_purchases_after_the_clock_change_nothing(purchases: pd.DataFrame) -> None:
    """Versions, expectations and intervals stay the same to the last bit."""
    past = purchases[purchases["occurred_at"] < CLOCK]
    generator = np.random.default_rng(0)
    shuffled = past.iloc[generator.permutation(len(past))]

    with_future, without = (
        fit({"purchases": frame}, as_of=CLOCK) for frame in (purchases, shuffled)
    )

    assert isinstance(with_future, Trained)
    assert isinstance(without, Trained)
    assert with_future.champion.version == without.champion.version
    pd.testing.assert_frame_equal(
        predicted(with_future.champion, purchases, CLOCK),
        predicted(without.champion, past, CLOCK),
    )


def test_the_test_window_is_not_learnt_from(purchases: pd.DataFrame) -> None:
    """What came in the window moves the scale, not the order of what was expected of it."""
    begins = CLOCK - pd.Timedelta(days=365)
    is_judged = purchases["occurred_at"] >= begins
    changed = purchases.assign(
        margin_amount=purchases["margin_amount"].where(~is_judged, 3 * purchases["margin_amount"])
    )

    one, other = (fit({"purchases": frame}, as_of=CLOCK) for frame in (purchases, changed))

    assert isinstance(one, Trained)
    assert isinstance(other, Trained)
    for kind in ("mbg_nbd", "bg_nbd", "shop_mean"):
        assert other.report["metrics"][kind]["deviance"] == one.report["metrics"][kind]["deviance"]
    assert other.report["scale"]["margin"] == 2.0


def test_losses_are_expected_where_there_were_losses(purchases: pd.DataFrame) -> None:
    """Customers who cost more than they bring have a negative value, in a sane interval."""
    is_loser = purchases["customer_id"].str.endswith("7")
    margins = purchases["margin_amount"].where(~is_loser, -15.0)
    losing = purchases.assign(margin_amount=margins)

    result = fit({"purchases": losing}, as_of=CLOCK)

    assert isinstance(result, Trained)
    expected = predicted(result.champion, losing, CLOCK)
    losers = expected[expected.index.str.endswith("7")]
    known = came(losing, CLOCK, 1).known
    frequent = losers[known.loc[losers.index, "repeats"] >= 4]
    assert len(frequent) > 10
    assert (frequent["expected_value"] < 0).all()
    assert np.isfinite(expected["expected_value"]).all()
    assert (expected["expected_value_lower"] <= expected["expected_value"]).all()
    reasons = explain(
        result.champion,
        {
            "purchases": losing[losing["customer_id"] == frequent.index[0]],
            "customers": customers_of(losing, CLOCK),
        },
    )
    assert any(reason.subject.startswith("Mean margin") for reason in reasons)


def test_a_small_shop_is_refused_with_its_numbers(purchases: pd.DataFrame) -> None:
    """Three hundred buyers are too few, and the reason says so."""
    few = purchases["customer_id"].drop_duplicates().iloc[:300]
    result = fit({"purchases": purchases[purchases["customer_id"].isin(few)]}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert any("at least 500 are needed" in reason for reason in result.reasons)


def test_a_young_shop_is_refused_with_its_days(purchases: pd.DataFrame) -> None:
    """Half a year to learn from and a quarter to judge by: 270 days."""
    young = purchases[purchases["occurred_at"] >= CLOCK - pd.Timedelta(days=200)]
    result = fit({"purchases": young}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert result.reasons[-1].startswith("199 days since the first purchase; at least 270")


@pytest.mark.parametrize("column", ["customer_id", "occurred_at", "margin_amount"])
def test_nulls_are_refused_by_column(purchases: pd.DataFrame, column: str) -> None:
    """A purchase without customer, time or margin is counted, not guessed."""
    holey = purchases.copy()
    holey.loc[holey.index[:3], column] = None

    result = fit({"purchases": holey}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert result.reasons == (f"{column} is null in 3 purchases. Leave those out or fill it.",)


@pytest.mark.parametrize("margin", [0.0, -3.0])
def test_a_shop_without_any_margin_is_refused(purchases: pd.DataFrame, margin: float) -> None:
    """Where nothing is earned, no value can be expected."""
    result = fit({"purchases": purchases.assign(margin_amount=margin)}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert "0 customers have a positive average" in result.reasons[0]


def test_margins_without_an_average_are_refused(purchases: pd.DataFrame) -> None:
    """Where the tail is so long that no mean exists, no value is promised."""
    generator = np.random.default_rng(3)
    codes, customers = pd.factorize(purchases["customer_id"])
    level = generator.pareto(0.6, len(customers)) + 0.01
    wild = purchases.assign(margin_amount=level[codes] * generator.uniform(0.5, 1.5, len(codes)))

    result = fit({"purchases": wild}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert "no average can be expected" in result.reasons[0]


def test_equal_margins_are_expected_again(purchases: pd.DataFrame) -> None:
    """Where every order leaves 20 over, a further one does, too, and a warning says it."""
    result = fit({"purchases": purchases.assign(margin_amount=20.0)}, as_of=CLOCK)

    assert isinstance(result, Trained)
    expected = predicted(result.champion, purchases.assign(margin_amount=20.0), CLOCK)
    # Two orders on a day are one of twice the margin: a few are a little off.
    assert expected["expected_margin_per_order"].between(19, 21).mean() > 0.95
    assert "nearly the same average" in " ".join(result.report["warnings"])


def test_an_empty_shop_is_refused() -> None:
    """No purchases: reasons, not a crash."""
    empty = pd.DataFrame(
        {
            "customer_id": pd.Series(dtype="str"),
            "occurred_at": pd.Series(dtype="datetime64[us]"),
            "margin_amount": pd.Series(dtype="float64"),
        }
    )
    result = fit({"purchases": empty}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert len(result.reasons) == 5


def test_who_orders_more_and_spends_more_is_warned_about(purchases: pd.DataFrame) -> None:
    """Values take orders and margins for independent; where they are not, the report says so."""
    count = purchases.groupby("customer_id")["occurred_at"].transform("size")
    dependent = purchases.assign(margin_amount=purchases["margin_amount"] * count)

    result = fit({"purchases": dependent}, as_of=CLOCK)

    assert isinstance(result, Trained)
    assert any("spends more per order" in warning for warning in result.report["warnings"])


def test_reasons_name_what_sets_a_customer_apart(purchases: pd.DataFrame, trained: Trained) -> None:
    """The best customer's reasons raise the value, and putting them right explains it."""
    expected = predicted(trained.champion, purchases, CLOCK)
    best = expected["expected_value"].idxmax()
    mine = purchases[purchases["customer_id"] == best]
    customers = customers_of(purchases, CLOCK)

    reasons = explain(
        trained.champion,
        {"purchases": mine, "customers": customers[customers["customer_id"] == best]},
    )

    assert {reason.target for reason in reasons} == {"value"}
    assert reasons[0].factor > 1
    assert [abs(np.log(reason.factor)) for reason in reasons] == sorted(
        (abs(np.log(reason.factor)) for reason in reasons), reverse=True
    )
    repeats = next(reason for reason in reasons if reason.subject.startswith("Purchases after"))
    days = mine.loc[mine["occurred_at"] < CLOCK, "occurred_at"].dt.normalize().nunique()
    assert repeats.value == days - 1


def test_silence_is_told_beside_the_own_rhythm(trained: Trained) -> None:
    """Who came every month and then stayed away for a year is worth little because of that."""
    monthly = pd.DataFrame(
        {
            "customer_id": "lapsed",
            "occurred_at": CLOCK - pd.Timedelta(days=400) - pd.to_timedelta(range(0, 300, 30), "D"),
            "margin_amount": 50.0,
        }
    )
    frames = {"purchases": monthly, "customers": customers_of(monthly, CLOCK)}

    strongest, *others = explain(trained.champion, frames)

    assert strongest.subject.startswith("Days since the last purchase")
    assert (strongest.value, strongest.usual) == (400, 30)
    assert strongest.factor < 0.5
    assert next(one for one in others if one.subject.startswith("Purchases after")).factor > 1


def test_a_customer_without_purchases_has_no_reasons(trained: Trained, purchases) -> None:
    """Who is not known cannot be explained."""
    nobody = {"purchases": purchases.iloc[:0], "customers": customers_of(purchases, CLOCK)}

    assert explain(trained.champion, nobody) == ()


def test_more_discount_makes_less_value(purchases: pd.DataFrame, trained: Trained) -> None:
    """Ten per cent a year take about five per cent off a year's margin, for everybody."""
    expected = predicted(trained.champion, purchases, CLOCK)
    parts = trained.champion.parts
    free = replace(
        trained.champion, parts={**parts, "value": {**parts["value"], "yearly_discount": 0.0}}
    )
    undiscounted = predicted(free, purchases, CLOCK)

    ratio = expected["expected_value"] / undiscounted["expected_value"]
    assert ratio.between(0.93, 0.97).all()


def test_the_window_leaves_half_a_year_to_learn_from() -> None:
    """A year where there is one to spare, otherwise what is left."""
    assert window_days(2_000, horizon_days=365) == 365
    assert window_days(400, horizon_days=365) == 220


def test_intervals_move_on_beyond_the_best_customers_seen() -> None:
    """Who is expected to bring twice as much as anybody has an interval twice as far."""
    spread = Spread(365, expected=(10.0, 100.0), lower=(0.0, 50.0), upper=(20.0, 150.0))
    expected = np.array([10.0, 100.0, 200.0])

    lower, upper = spread.around(expected, expected)

    assert list(lower) == [0.0, 50.0, 100.0]
    assert list(upper) == [20.0, 150.0, 300.0]
