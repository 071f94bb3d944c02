"""next_order learns from the past alone, beats a stated baseline or says so, or refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml import recipes
from ml.errors import FeatureError
from ml.evaluation import measure
from ml.features import FEATURES, KEYS, NAMES, validate
from ml.models.next_order import RESULT, explain, fit, predict
from ml.prediction import Refused, Trained
from ml.windows import Window, complete_windows, known_occasions

if TYPE_CHECKING:
    from tests.ml.conftest import BuildFeatures, Shop

TYPES = {name: column.dtype for name, column in RESULT.items()}
SCORED_AT = pd.Timestamp("2026-11-01 04:00")


@pytest.fixture(scope="module")
def trained(shop: Shop) -> Trained:
    """The prediction trained on the shop that has something to learn."""
    result = fit(shop.frames, as_of=shop.clock)
    assert isinstance(result, Trained)
    return result


def test_a_model_that_beats_the_baseline_is_published(trained: Trained) -> None:
    """Where rates differ, the interval of the difference proves that learning paid."""
    report = trained.report

    assert trained.status == "evidence"
    assert report["against_baseline"][trained.champion.kind]["upper"] < 0
    assert set(report["metrics"]) == {"recency_baseline", "logistic", "gradient_boosting"}
    assert report["metrics_base_rate"]["auc"] == 0.5
    assert 1 <= len(report["features"]) <= 5


def test_without_evidence_the_baseline_is_published_by_name(random_shop: Shop) -> None:
    """Where nobody differs, the published version says that it is the baseline."""
    result = fit(
        random_shop.frames,
        as_of=random_shop.clock,
    )

    assert isinstance(result, Trained)
    scores = predict(result.champion, random_shop.frames, scored_at=SCORED_AT)
    assert result.status == "no_evidence"
    assert result.challenger.kind in {"logistic", "gradient_boosting"}
    assert scores["model_version"].str.contains("recency_baseline").all()
    assert "baseline's probabilities are published" in result.report["reason"]


def test_training_windows_end_before_the_test_window_begins(trained: Trained) -> None:
    """No outcome that the test asks for was seen in training."""
    report = trained.report
    ends = {row["as_of"]: row["ends_at"] for row in report["windows"]}

    assert report["test_as_of"] == max(ends)
    assert all(ends[as_of] <= report["test_as_of"] for as_of in report["training_as_of"])


def test_outcomes_of_the_test_window_do_not_reach_the_models_it_judges(
    shop: Shop, trained: Trained
) -> None:
    """Removing purchases of the test window moves what happened, not what was predicted."""
    begins = pd.Timestamp(trained.report["test_as_of"])
    is_judged = (shop.occasions["occurred_at"] >= begins).to_numpy()
    is_removed = is_judged & (np.arange(len(is_judged)) % 2 == 0)

    changed = fit(
        {"features": shop.features, "purchases": shop.occasions[~is_removed]}, as_of=shop.clock
    )

    assert isinstance(changed, Trained)
    for kind, before in trained.report["metrics"].items():
        after = changed.report["metrics"][kind]
        assert after["mean_probability"] == before["mean_probability"]
        assert after["base_rate"] < before["base_rate"]


def test_purchases_after_the_clock_change_nothing(shop: Shop, trained: Trained) -> None:
    """The future may be anything: versions and scores stay the same to the last bit."""
    future = shop.occasions.assign(
        occurred_at=shop.occasions["occurred_at"] + pd.Timedelta("2000D")
    )
    occasions = pd.concat([shop.occasions, future])

    changed = fit({"features": shop.features, "purchases": occasions}, as_of=shop.clock)

    assert isinstance(changed, Trained)
    assert changed.champion.version == trained.champion.version
    pd.testing.assert_frame_equal(
        predict(changed.champion, shop.frames, scored_at=SCORED_AT),
        predict(trained.champion, shop.frames, scored_at=SCORED_AT),
    )


def test_current_features_are_not_learnt_from(shop: Shop, trained: Trained) -> None:
    """Rows whose outcome is open do not touch the model."""
    features = shop.features.copy()
    features.loc[features["is_current"], "revenue_total"] *= 100

    changed = fit({"features": features, "purchases": shop.occasions}, as_of=shop.clock)

    assert isinstance(changed, Trained)
    assert changed.champion.version == trained.champion.version


def test_equal_data_in_any_order_gives_equal_versions_and_scores(
    shop: Shop, trained: Trained
) -> None:
    """A second run is the same run, however rows and columns are ordered."""
    generator = np.random.default_rng(0)
    features = shop.features.iloc[generator.permutation(len(shop.features))]
    features = features[list(generator.permutation([*KEYS, *NAMES]))]
    occasions = shop.occasions.iloc[generator.permutation(len(shop.occasions))]

    again = fit({"features": features, "purchases": occasions}, as_of=shop.clock)

    assert isinstance(again, Trained)
    assert (again.champion.version, again.challenger.version, again.report) == (
        trained.champion.version,
        trained.challenger.version,
        trained.report,
    )
    for mine, theirs in (
        (again.champion, trained.champion),
        (again.challenger, trained.challenger),
    ):
        pd.testing.assert_frame_equal(
            predict(mine, shop.frames, scored_at=SCORED_AT),
            predict(theirs, shop.frames, scored_at=SCORED_AT),
        )


@pytest.mark.parametrize("change", ["outcome", "feature", "seed", "horizon"])
def test_other_data_gives_another_version(shop: Shop, trained: Trained, change: str) -> None:
    """The last part of a version's name changes with whatever it was learnt from."""
    features, occasions, options = shop.features, shop.occasions, {}
    if change == "outcome":
        recent = occasions["occurred_at"] >= shop.clock - pd.Timedelta(days=90)
        occasions = occasions[~(recent & (occasions["customer_id"] < "c5"))]
    if change == "feature":
        features = features.assign(revenue_total=features["revenue_total"] + 1)
    if change == "seed":
        options = {"seed": 1}
    if change == "horizon":
        options = {"horizon_days": 60}

    changed = fit({"features": features, "purchases": occasions}, as_of=shop.clock, **options)

    assert isinstance(changed, Trained)
    contents = [result.champion.version.split("-")[-1] for result in (changed, trained)]
    assert contents[0] != contents[1]


def test_scores_have_the_columns_of_the_warehouse_table(shop: Shop, trained: Trained) -> None:
    """One row per current customer, probabilities between 0 and 1, types as declared."""
    scores = predict(trained.champion, {"features": shop.features}, scored_at=SCORED_AT)

    assert scores.dtypes.astype(str).to_dict() == TYPES
    assert sorted(scores["customer_id"]) == sorted(shop.current["customer_id"])
    assert scores["probability"].between(0, 1).all()
    assert (scores["as_of"] == shop.clock).all()
    assert (scores["scored_at"] == SCORED_AT).all()
    assert set(scores["model_version"]) == {trained.champion.version}


def test_probabilities_of_the_clock_are_level_with_the_past(shop: Shop, trained: Trained) -> None:
    """In a steady world the mean score is near the rate of the windows it was learnt from."""
    windows = trained.report["windows"]
    rate = sum(row["count_positives"] for row in windows) / sum(row["count"] for row in windows)

    for model in (trained.champion, trained.challenger):
        mean = predict(model, shop.frames, scored_at=SCORED_AT)["probability"].mean()
        assert mean == pytest.approx(rate, rel=0.25)


def test_nobody_to_score_gives_an_empty_typed_frame(trained: Trained) -> None:
    """A shop without current customers has scores without rows."""
    empty = pd.DataFrame(columns=[*KEYS, *NAMES])

    scores = predict(trained.champion, {"features": empty}, scored_at=SCORED_AT)

    assert scores.empty
    assert scores.dtypes.astype(str).to_dict() == TYPES


def test_a_model_of_another_feature_list_does_not_score(shop: Shop, trained: Trained) -> None:
    """A model trained before a feature was added is not fed the wrong columns."""
    old = replace(trained.champion, feature_names=NAMES[:-1])

    with pytest.raises(FeatureError, match=r"another feature list\. Train it again"):
        predict(old, shop.frames, scored_at=SCORED_AT)


def test_snapshots_after_the_clock_are_refused(shop: Shop) -> None:
    """A feature frame that is ahead of the clock belongs to another run."""
    with pytest.raises(FeatureError, match="Pass the clock"):
        fit(
            shop.frames,
            as_of=shop.clock - pd.Timedelta(days=1),
        )


@pytest.mark.parametrize("horizon_days", [30, 180])
def test_other_horizons_are_trained_on_windows_that_do_not_overlap(
    shop: Shop, horizon_days: int
) -> None:
    """Shorter and longer horizons work with the same snapshots."""
    result = fit(
        shop.frames,
        as_of=shop.clock,
        horizon_days=horizon_days,
    )

    assert isinstance(result, Trained)
    latest = max(pd.Timestamp(day) for day in result.report["training_as_of"])
    scores = predict(result.champion, shop.frames, scored_at=SCORED_AT)
    assert latest + pd.Timedelta(days=horizon_days) <= pd.Timestamp(result.report["test_as_of"])
    assert set(scores["horizon_days"]) == {horizon_days}


def test_a_longer_horizon_has_higher_probabilities(shop: Shop, trained: Trained) -> None:
    """More days hold more orders."""
    longer = fit(shop.frames, as_of=shop.clock, horizon_days=180)

    assert isinstance(longer, Trained)
    means = [
        predict(result.champion, shop.frames, scored_at=SCORED_AT)["probability"].mean()
        for result in (trained, longer)
    ]
    assert means[0] < means[1]


def test_a_small_shop_is_refused_with_its_numbers(shop: Shop) -> None:
    """Fewer than 500 buyers: the reason says how many there are and how many are needed."""
    few = shop.occasions["customer_id"].drop_duplicates().iloc[:300]
    features = shop.features[shop.features["customer_id"].isin(few)]
    occasions = shop.occasions[shop.occasions["customer_id"].isin(few)]

    result = fit({"features": features, "purchases": occasions}, as_of=shop.clock)

    assert isinstance(result, Refused)
    assert "300 customers with a purchase; at least 500 are needed." in result.reasons
    assert [gate.reason for gate in result.gates if not gate.is_passed] == list(result.reasons)


def test_one_complete_window_is_not_enough(shop: Shop) -> None:
    """With one window there is no later one to test on."""
    dates = sorted(shop.features["as_of"].unique())[-2:]
    features = shop.features[shop.features["as_of"].isin(dates)]

    result = fit({"features": features, "purchases": shop.occasions}, as_of=shop.clock)

    assert isinstance(result, Refused)
    assert len(result.reasons) == 1
    assert result.reasons[0].startswith("1 snapshots, each with 90 complete days")


def test_a_shop_where_everybody_orders_is_refused(shop: Shop) -> None:
    """One outcome alone cannot be learnt; the reason names the missing one."""
    daily = pd.date_range(end=shop.clock - pd.Timedelta(hours=1), periods=40, freq="30D")
    everybody = pd.MultiIndex.from_product([shop.features["customer_id"].unique(), daily])
    occasions = everybody.to_frame(index=False, name=["customer_id", "occurred_at"])

    result = fit({"features": shop.features, "purchases": occasions}, as_of=shop.clock)

    assert isinstance(result, Refused)
    assert [reason.split(";")[0] for reason in result.reasons] == [
        "0 training snapshots followed by no order",
        "0 test snapshots followed by no order",
    ]


def test_an_empty_shop_is_refused() -> None:
    """No customers and no purchases: reasons, not a crash."""
    features = pd.DataFrame(columns=[*KEYS, *NAMES])
    occasions = pd.DataFrame(columns=["customer_id", "occurred_at"])

    result = fit({"features": features, "purchases": occasions}, as_of=SCORED_AT)

    assert isinstance(result, Refused)
    assert len(result.reasons) == 5


def test_constant_features_are_no_obstacle(shop: Shop) -> None:
    """When only recency says anything, training still ends with a model or the baseline."""
    names = [feature.name for feature in FEATURES if feature.name != "days_since_last_order"]
    nullable = {feature.name: np.nan for feature in FEATURES if feature.null_meaning}
    constants = {name: False if name in {"is_business", "has_app"} else 0 for name in names}
    features = shop.features.assign(**{**constants, **nullable})

    result = fit({"features": features, "purchases": shop.occasions}, as_of=shop.clock)

    assert isinstance(result, Trained)
    assert np.isfinite(
        predict(result.champion, {"features": features}, scored_at=SCORED_AT)["probability"]
    ).all()


def test_real_orders_give_the_accuracy_measured_before(retail_shop: Shop) -> None:
    """Online Retail, 90 days: AUC of recency about .68, of the published model at least .735."""
    result = fit(
        retail_shop.frames,
        as_of=retail_shop.clock,
    )

    assert isinstance(result, Trained)
    metrics = result.report["metrics"]
    assert result.champion.kind == "logistic"
    assert metrics["recency_baseline"]["auc"] == pytest.approx(0.683, abs=0.01)
    assert metrics["logistic"]["auc"] >= 0.735
    assert metrics["logistic"]["brier"] <= 0.218
    assert metrics["logistic"]["count"] == 3_370


def test_a_frequent_customer_has_reasons_that_raise_the_odds(shop: Shop, trained: Trained) -> None:
    """Who has just bought often is explained by that, each topic told once."""
    current = shop.current.sort_values("count_orders_90d")
    best = current[current["customer_id"] == current["customer_id"].iloc[-1]]

    reasons = explain(trained.champion, {"features": best})

    assert reasons[0].factor > 1
    assert len({reason.subject.split(" (")[0] for reason in reasons}) == len(reasons)


# The first 39 weeks of 1997, and windows whose outcomes were known by then: day and length.
CDNOW_DAY = 273
CDNOW_GATES = [
    (273, ((120, 153), (135, 138)), 0.768, 0.162),
    (91, ((91, 91), (182, 91)), 0.773, 0.1175),
]


@pytest.mark.parametrize(("days", "windows", "least_auc", "most_brier"), CDNOW_GATES)
def test_real_customers_of_cdnow_are_told_apart_over_any_horizon(
    cdnow: pd.DataFrame, build_features: BuildFeatures,
    days: int, windows: tuple[tuple[int, int], ...], least_auc: float, most_brier: float,
) -> None:  # fmt: skip
    """39 weeks ahead from windows half as long, and 13 weeks from two of 13.

    No window of 39 weeks had ended by then: the rhythm's columns carry the horizon.
    """
    begin = pd.Timestamp("1997-01-01")
    occasions = cdnow.assign(occurred_at=cdnow["occurred_at"] + pd.Timedelta(hours=12))
    learnt = [
        _window(build_features, occasions, begin + pd.Timedelta(days=day), length)
        for day, length in windows
    ]
    test = _window(build_features, occasions, begin + pd.Timedelta(days=CDNOW_DAY), days)

    measured, challenger = (
        measure(test.actual, recipes.predict(kind, recipes.fit(kind, learnt, seed=0), test.matrix))
        for kind in ("logistic", "gradient_boosting")
    )

    assert measured.count == 23_570
    assert measured.auc >= least_auc
    assert measured.brier <= most_brier
    assert measured.auc >= challenger.auc - 0.001


def _window(
    build_features: BuildFeatures, occasions: pd.DataFrame, as_of: pd.Timestamp, days: int
) -> Window:
    """Return one labelled window that ends by itself."""
    until = as_of + pd.Timedelta(days=days)
    frame = validate(build_features(occasions, [as_of]))
    known = known_occasions(occasions, known_until=until)
    return complete_windows(frame, known, days=days, known_until=until)[0]
