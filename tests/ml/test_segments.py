"""Groups of customers: as many as there are, none where there are none, with names that stay."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.errors import FeatureError
from ml.features import NAMES
from ml.groups.rules import learn_rule
from ml.model_files import PLAIN, dumps, loads
from ml.models import segments
from ml.prediction import Refused, Trained
from tests.ml.grouping import CLOCK, cloud_of, features_of, groups_of

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)
SIZES = (500, 700, 300)


def fitted(features: pd.DataFrame, **options: Any) -> Trained:
    """Return what was learnt at the clock."""
    result = segments.fit({"features": features}, as_of=CLOCK, **options)
    assert isinstance(result, Trained), result
    return result


def groups(trained: Trained, features: pd.DataFrame) -> pd.Series:
    """Return the group of each customer by the published model."""
    rows = segments.predict(trained.champion, {"features": features}, scored_at=CLOCK)
    return rows.set_index("customer_id")["group_name"]


@pytest.fixture(scope="module")
def shop() -> tuple[pd.DataFrame, np.ndarray]:
    """Three groups that lie apart."""
    return groups_of(SIZES, seed=7)


@pytest.fixture(scope="module")
def trained(shop: tuple[pd.DataFrame, np.ndarray]) -> Trained:
    """What was learnt of them."""
    return fitted(shop[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_true_groups_are_found(seed: int) -> None:
    """Neither more nor fewer, and nearly everybody is in the right one."""
    features, truth = groups_of(SIZES, seed=seed)
    found = fitted(features, seed=seed)

    assert found.report["champion"] == "groups"
    assert len(found.report["proposals"]) == 3
    assert adjusted_rand_score(truth, groups(found, features)) > 0.9


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("related", "kind"), [(False, "normal"), (True, "normal"), (False, "uniform")]
)
def test_a_cloud_has_no_segments(seed: int, related: bool, kind: str) -> None:
    """One group for all, with the reason, even where slices of the cloud would be stable."""
    features = cloud_of(1_500, seed=seed, related=related, kind=kind)
    found = fitted(features, seed=seed)

    assert found.report["champion"] == "one_group"
    assert found.report["status"] == "no_evidence"
    assert found.report["proposals"] == []
    assert "No segments" in found.report["reason"]
    assert set(groups(found, features)) == {"all"}


def test_rules_tell_who_is_in_a_group(shop, trained: Trained) -> None:
    """A database finds by the condition whom the precision and recall promise."""
    features, _ = shop
    group = groups(trained, features)
    assert len(trained.report["proposals"]) == 3

    for proposal in trained.report["proposals"]:
        rule = proposal["rule"]
        sql = f"select customer_id from features where {rule['condition']}"
        met = set(duckdb.execute(sql).df()["customer_id"])
        members = set(group.index[group == proposal["name"]])
        common = len(met & members)
        assert rule["precision"] > 0.9
        assert rule["recall"] > 0.9
        assert common / len(met) == pytest.approx(rule["precision"], abs=0.05)
        assert common / len(members) == pytest.approx(rule["recall"], abs=0.05)
        assert "above" in rule["words"] or "at most" in rule["words"]
        assert proposal["share"] == pytest.approx(len(members) / len(features), abs=0.01)


def test_a_rule_is_measured_on_customers_it_was_not_learnt_from() -> None:
    """A group drawn by lot has no rule, or one that meets it no more often than chance."""
    generator = np.random.default_rng(1)
    values = generator.random((2_000, 3))
    is_member = generator.random(2_000) < 0.5
    rule = learn_rule(values, ("count_orders", "a", "b"), is_member, seed=1)

    assert rule is None or rule.precision < 0.6


def test_names_stay_when_customers_change(trained: Trained) -> None:
    """Other customers, another order of the groups, one more of them: g2 is still g2."""
    former = {one["name"]: one["medians"] for one in trained.report["proposals"]}
    other, _ = groups_of((350, 900, 400), seed=99)
    again = segments.inherit(fitted(other, seed=5), trained.champion)

    assert {one["name"] for one in again.report["proposals"]} == set(former)
    for one in again.report["proposals"]:
        for column in ("days_since_last_order", "count_orders", "count_sessions_90d"):
            middle, known = one["medians"][column][0], former[one["name"]][column][0]
            assert np.log1p(middle) == pytest.approx(np.log1p(known), abs=0.4)


def test_names_that_are_gone_are_not_given_again(shop, trained: Trained) -> None:
    """Of three groups one vanishes, and later another kind comes: it gets a number of its own."""
    two, _ = groups_of((600, 700), seed=3)
    fewer = segments.inherit(fitted(two), trained.champion)
    names = {one["name"] for one in fewer.report["proposals"]}
    back = segments.inherit(fitted(shop[0]), fewer.champion)
    later = {one["name"] for one in back.report["proposals"]}

    assert names < {"g1", "g2", "g3"}
    assert names < later
    assert later - names == {"g4"}


def test_a_training_without_segments_forgets_no_names(shop, trained: Trained) -> None:
    """After a day on which nothing was proven the groups have the names they had before."""
    cloud = cloud_of(1_500, seed=1, related=False)
    none = segments.inherit(fitted(cloud), trained.champion)
    again = segments.inherit(fitted(shop[0]), none.champion)

    assert none.report["champion"] == "one_group"
    assert again.champion.parts["names"] == trained.champion.parts["names"]
    assert again.champion.parts["next_number"] == 4


def test_another_name_is_another_version(shop, trained: Trained) -> None:
    """The same groups under other names are not taken for the version that is stored already."""
    two, _ = groups_of((600, 700), seed=3)
    fewer = segments.inherit(fitted(two), trained.champion)
    again = segments.inherit(trained, trained.champion)
    renamed = segments.inherit(trained, fewer.champion)

    assert again.champion == trained.champion
    assert renamed.champion.version != trained.champion.version


def test_the_same_customers_give_the_same_version(shop, trained: Trained) -> None:
    """The order of rows does not matter."""
    shuffled = shop[0].sample(frac=1, random_state=3)

    assert fitted(shuffled).champion == trained.champion


def test_what_was_learnt_is_plain_text(shop, trained: Trained, tmp_path) -> None:
    """A file without code finds the same groups."""
    file, data = dumps(trained.champion)
    again = loads(file, data, tmp_path)
    frames = {"features": shop[0]}

    assert file == PLAIN
    pd.testing.assert_frame_equal(
        segments.predict(again, frames, scored_at=CLOCK),
        segments.predict(trained.champion, frames, scored_at=CLOCK),
    )


def test_few_customers_are_refused(shop) -> None:
    """Four hundred are no base for groups."""
    result = segments.fit({"features": shop[0].iloc[:400]}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert "at least 500" in result.reasons[0]


def test_customers_who_are_all_the_same_are_one_group() -> None:
    """Constant facts: no segments, no crash, and everybody is in the one group."""
    same = features_of(pd.DataFrame({name: np.full(800, 3.0) for name in ("count_orders",)}))
    found = fitted(same)

    assert found.report["champion"] == "one_group"
    assert "do not differ" in found.report["reason"]
    assert set(groups(found, same)) == {"all"}
    assert segments.explain(found.champion, {"features": same.iloc[:1]}) == ()


def test_two_kinds_of_customers_are_two_groups() -> None:
    """Fewer different customers than groups to try: no warning, and each kind is a group."""
    facts = pd.DataFrame({"count_orders": np.repeat([1.0, 9.0], [600, 300])})
    two = features_of(facts.assign(days_since_last_order=facts["count_orders"] * 7))
    found = fitted(two)

    assert sorted(groups(found, two).value_counts()) == [300, 600]
    assert {one["rule"]["precision"] for one in found.report["proposals"]} == {1.0}


def test_constant_facts_are_left_out(shop, trained: Trained) -> None:
    """One fact that is the same for all changes nothing but that it is not used."""
    features = shop[0].assign(count_categories=2)
    found = fitted(features)

    assert "count_categories" not in found.champion.parts["scale"]["columns"]
    assert "count_categories" in trained.champion.parts["scale"]["columns"]
    assert len(found.report["proposals"]) == 3
    assert segments.inherit(found, trained.champion).report["proposals"][0]["name"] in "g1g2g3"


def test_facts_that_may_not_be_null_are_refused(shop, trained: Trained) -> None:
    """A column without values breaks the contract of features: refused by name."""
    empty = shop[0].assign(count_orders=np.nan)
    result = segments.fit({"features": empty}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert "count_orders" in result.reasons[0]
    with pytest.raises(FeatureError, match="count_orders"):
        groups(trained, empty)


def test_negative_amounts_are_a_side_of_their_own(shop) -> None:
    """More sent back than bought: a number like any other, in training and in scoring."""
    features = shop[0].copy()
    is_negative = np.arange(len(features)) % 10 == 0
    features.loc[is_negative, "average_order_value"] *= -1
    found = fitted(features)
    rows = segments.predict(found.champion, {"features": features}, scored_at=CLOCK)

    assert np.isfinite(rows["distance"]).all()
    assert len(rows) == len(features)


def test_features_of_after_the_clock_are_refused(shop) -> None:
    """Time that went back: the features are of a later day than the run."""
    result = segments.fit({"features": shop[0]}, as_of=CLOCK - pd.Timedelta(days=1))

    assert isinstance(result, Refused)
    assert "after the clock" in result.reasons[0]


def test_past_snapshots_are_not_customers(shop, trained: Trained) -> None:
    """Only current rows are grouped."""
    past = shop[0].assign(as_of=CLOCK - pd.Timedelta(days=90), is_current=False, count_orders=99)

    found = fitted(pd.concat([shop[0], past], ignore_index=True))

    assert found.champion == trained.champion


def test_another_feature_list_is_refused(shop, trained: Trained) -> None:
    """A version of before a change of the features says so instead of guessing."""
    from dataclasses import replace

    old = replace(trained.champion, feature_names=NAMES[:-1])
    with pytest.raises(FeatureError, match="another feature list"):
        segments.predict(old, {"features": shop[0]}, scored_at=CLOCK)


def test_reasons_are_what_sets_a_group_apart(shop, trained: Trained) -> None:
    """Who is long gone is in their group for that, not for being like everybody."""
    features, truth = shop
    gone = features[truth == 1].iloc[:1]

    reasons = segments.explain(trained.champion, {"features": gone})

    assert reasons
    assert all("odds of g" in reason.target for reason in reasons)
    assert {"Visits in 90 days", "Days since the last purchase"} & {
        reason.subject for reason in reasons[:4] if reason.factor > 1
    }
