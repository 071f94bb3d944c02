"""uplift finds whom a contact moves in experiments of known effects, and says when it cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.errors import FeatureError
from ml.features import FEATURES
from ml.models.uplift import RESULT, explain, fit, predict
from ml.prediction import Refused, Trained
from ml.trials import qini
from ml.trials.crossfit import cross_fit
from ml.trials.learners import T_LOGIT
from ml.trials.policy import value_policy
from ml.trials.trial import read_trials
from ml.value.windows import known_purchases

pytestmark = pytest.mark.slow

CLOCK = pd.Timestamp("2026-11-01")
DRAWN = pd.Timestamp("2026-09-07 09:00")
NOW = pd.Timestamp("2026-11-01 04:00")
MARGIN = 30.0


class World:
    """An experiment: `effect` of each person on the probability of an order, and its frames."""

    def __init__(self, count: int, *, seed: int, moves: float = 1.0, cost: float = 0.5) -> None:
        """Coupons are moved by 15 points and frequent buyers put off by 15, times `moves`."""
        draws = np.random.default_rng(seed)
        self.discount = np.round(draws.random(count) * (draws.random(count) < 0.4), 2)
        self.orders = 1 + draws.poisson(1.5, count)
        is_moved, is_put_off = self.discount > 0.2, (self.orders >= 4) & (self.discount == 0)
        base = 0.04 + 0.05 * (self.orders - 1)
        self.effect = moves * (0.15 * is_moved - 0.15 * is_put_off)
        self.is_contacted = draws.random(count) < 0.5
        chance = np.clip(base + self.effect * self.is_contacted, 0, 1)
        self.ordered = draws.random(count) < chance
        self.names = np.array([f"c{number:05d}" for number in range(count)])
        self.cost = cost

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return what the warehouse would hold."""
        count = len(self.names)
        contacts = pd.DataFrame(
            {
                "experiment": "test",
                "customer_id": self.names,
                "variant": np.where(self.is_contacted, "mail", "control"),
                "is_control": ~self.is_contacted,
                "assigned_at": DRAWN,
                "as_of": DRAWN.normalize(),
                "contact_cost": np.where(self.is_contacted, self.cost, 0.0),
            }
        )
        before = np.repeat(self.names, self.orders)
        bought = np.concatenate([before, self.names[self.ordered]])
        days = np.concatenate(
            [-10.0 - np.arange(len(before)) % 300, np.full(self.ordered.sum(), 5)]
        )
        purchases = pd.DataFrame(
            {
                "customer_id": bought,
                "occurred_at": DRAWN + pd.to_timedelta(days, unit="D"),
                "margin_amount": MARGIN,
            }
        )
        return {
            "contacts": contacts,
            "features": self.features(DRAWN.normalize(), np.zeros(count, dtype=bool)),
            "purchases": purchases,
        }

    def features(self, as_of: pd.Timestamp, is_current: np.ndarray) -> pd.DataFrame:
        """Return the features of everybody; all but two say nothing."""
        count = len(self.names)
        noise = np.random.default_rng(0)
        frame = {"customer_id": self.names, "as_of": as_of, "is_current": is_current}
        for feature in FEATURES:
            if feature.kind == "boolean":
                frame[feature.name] = noise.random(count) < 0.5
            else:
                frame[feature.name] = noise.integers(0, 50, count)
        return pd.DataFrame({**frame, "discount_share": self.discount, "count_orders": self.orders})

    def scoring(self) -> dict[str, pd.DataFrame]:
        """Return the frames of today."""
        current = self.features(CLOCK, np.ones(len(self.names), dtype=bool))
        return {"features": current, "purchases": self.frames()["purchases"]}


@pytest.fixture(scope="module")
def world() -> World:
    """An experiment with 6,000 persons."""
    return World(6_000, seed=3)


@pytest.fixture(scope="module")
def trained(world: World) -> Trained:
    """What it teaches."""
    outcome = fit(world.frames(), as_of=CLOCK)
    assert isinstance(outcome, Trained), outcome
    return outcome


def refused(frames: dict[str, pd.DataFrame], as_of: pd.Timestamp = CLOCK) -> str:
    """Return why nothing is learnt."""
    outcome = fit(frames, as_of=as_of)
    assert isinstance(outcome, Refused)
    return " ".join(outcome.reasons)


def test_who_is_moved_is_ranked_first(world: World, trained: Trained) -> None:
    """The ranking has most of what knowing everybody's effect would have."""
    scored = predict(trained.champion, world.scoring(), scored_at=NOW)
    oracle = qini.qini(world.effect, world.effect)

    assert list(scored.columns) == list(RESULT)
    assert (scored["customer_id"] == world.names).all()
    assert qini.qini(scored["uplift"].to_numpy(), world.effect) > 0.7 * oracle


def test_uplifts_are_of_the_right_size(world: World, trained: Trained) -> None:
    """Fifth by fifth the true effect lies within what is told, and on average it is the mean."""
    scored = predict(trained.champion, world.scoring(), scored_at=NOW).assign(true=world.effect)
    bands = scored.groupby("uplift_band").agg(
        true=("true", "mean"),
        lower=("band_uplift_lower", "min"),
        upper=("band_uplift_upper", "max"),
    )

    assert len(bands) == 5
    assert bands["true"].between(bands["lower"], bands["upper"]).all()
    assert bands["lower"].iloc[-1] > 0 > bands["upper"].iloc[0]
    assert scored["uplift"].mean() == pytest.approx(world.effect.mean(), abs=0.02)
    assert scored["uplift"].between(scored["band_uplift_lower"], scored["band_uplift_upper"]).all()


def test_gain_is_margin_less_cost(world: World, trained: Trained) -> None:
    """Every purchase left 30 over and a contact costs 0.50."""
    scored = predict(trained.champion, world.scoring(), scored_at=NOW)

    assert np.allclose(scored["usual_margin"], MARGIN)
    assert np.allclose(scored["contact_cost"], 0.5)
    assert np.allclose(scored["expected_gain"], scored["uplift"] * MARGIN - 0.5)


def test_choosing_beats_contacting_all_and_nobody(trained: Trained) -> None:
    """On the experiment's own margins, with intervals; the card says so."""
    policy = trained.report["policy"]

    assert policy["value"]["lower"] > 0
    assert policy["against_all"]["lower"] > 0
    assert 0.05 < policy["share_contacted"] < 0.8
    assert "against contacting nobody" in trained.report["card"]


def test_reasons_name_what_matters(world: World, trained: Trained) -> None:
    """Who buys with coupons is told that this raises what a contact adds."""
    row = int(np.argmax(world.discount))
    current = world.scoring()
    one = {name: frame[frame["customer_id"] == world.names[row]] for name, frame in current.items()}

    reasons = explain(trained.champion, one)

    assert "Way of buying" in reasons[0].subject
    assert reasons[0].factor > 1


def test_a_contact_that_moves_nobody_is_no_evidence() -> None:
    """Of a dozen experiments without any effect hardly one is taken for proof."""
    proven = [isinstance(fit(World(1_500, seed=s, moves=0).frames(), as_of=CLOCK), Trained)
              for s in range(12)]  # fmt: skip

    assert sum(proven) <= 2


def test_the_refusal_tells_the_average_effect() -> None:
    """Who cannot be told apart still has a mean effect, with its interval."""
    told = refused(World(1_500, seed=1, moves=0).frames())

    assert "no ranking" in told
    assert "On average a contact adds" in told


def test_joint_intervals_cover_the_truth() -> None:
    """The joint interval of all rankings holds the true area in 95 of 100 experiments or so."""
    covered = []
    for seed in range(40):
        world = World(1_200, seed=100 + seed)
        draws = np.random.default_rng(seed)
        scores = {name: draws.random(1_200) + share * world.effect
                  for name, share in (("good", 9), ("bad", 0), ("poor", 2))}  # fmt: skip
        weight = np.where(world.is_contacted, 2.0, -2.0)
        effect = (world.ordered - 0.15) * weight
        found, _ = qini.judge_rankings(scores, effect, preferred="good", seed=seed)
        truth = {name: qini.qini(score, world.effect) for name, score in scores.items()}
        covered.append(all(one.lower <= truth[name] <= one.upper for name, one in found.items()))

    assert np.mean(covered) >= 0.88


def test_qini_is_the_area_by_hand() -> None:
    """Four persons, the two that are moved first: the curve 0 1 2 2 2 / 4 less a straight line."""
    effect = np.array([1.0, 1.0, 0.0, 0.0])

    assert qini.qini(np.array([4.0, 3.0, 2.0, 1.0]), effect) == pytest.approx(0.375 - 0.25)
    assert qini.qini(np.array([1.0, 2.0, 3.0, 4.0]), effect) == pytest.approx(0.125 - 0.25)
    assert qini.qini(np.zeros(4), effect) == pytest.approx(0.0)


def test_too_little_is_refused() -> None:
    """Few persons, one arm, nobody who ordered, all who ordered, and no experiment at all."""
    few = World(400, seed=1).frames()
    world = World(1_500, seed=1)
    one_arm, nobody, all_of_them = world.frames(), world.frames(), world.frames()
    one_arm["contacts"] = one_arm["contacts"].assign(variant="mail", is_control=False)
    silent = nobody["purchases"]
    nobody["purchases"] = silent[silent["occurred_at"] < DRAWN]
    extra = pd.DataFrame({"customer_id": world.names, "occurred_at": DRAWN, "margin_amount": 1.0})
    all_of_them["purchases"] = pd.concat([silent, extra])
    none = {**few, "contacts": few["contacts"].head(0)}

    assert "400 persons of experiment test; at least 1,000" in refused(few)
    assert "0 control persons" in refused(one_arm)
    assert "who ordered within 30 days; at least 30" in refused(nobody)
    assert "who did not order within 30 days; at least 30" in refused(all_of_them)
    assert "0 experiments with anybody" in refused(none)


def test_open_days_are_not_counted() -> None:
    """Until 30 days after the draw are over there is no experiment."""
    frames = World(1_500, seed=1).frames()

    assert "0 experiments" in refused(frames, DRAWN + pd.Timedelta(days=29))


def test_features_that_say_nothing_are_refused() -> None:
    """Nobody differs from anybody: constant or empty columns alone."""
    frames = World(1_500, seed=1).frames()
    for feature in FEATURES:
        empty = np.nan if feature.null_meaning else 1
        frames["features"][feature.name] = empty if feature.kind != "boolean" else False

    assert "0 features differ" in refused(frames)


def test_some_empty_and_constant_columns_do_no_harm(world: World) -> None:
    """A shop without web site or app learns from what it has."""
    frames = world.frames()
    for name in ("days_since_last_event", "mean_gap_days"):
        frames["features"][name] = np.nan
    frames["features"]["count_sessions_90d"] = 0

    assert isinstance(fit(frames, as_of=CLOCK), Trained)


def test_a_draw_that_was_no_chance_is_refused() -> None:
    """Contacting those who use coupons proves nothing about contacting."""
    world = World(3_000, seed=1)
    world.is_contacted = (world.discount > 0) ^ (np.random.default_rng(1).random(3_000) < 0.2)

    assert "was not left to chance" in refused(world.frames())


def test_the_newest_experiment_that_tells_enough_is_used(world: World) -> None:
    """One that began later, with few persons, does not hide the one before it."""
    frames = world.frames()
    later = (
        frames["contacts"]
        .head(50)
        .assign(experiment="later", assigned_at=DRAWN + pd.Timedelta(hours=1))
    )
    both = {**frames, "contacts": pd.concat([later, frames["contacts"]])}
    outcome = fit(both, as_of=CLOCK)

    assert isinstance(outcome, Trained)
    assert outcome.report["experiment"]["name"] == "test"


def test_equal_data_gives_equal_versions(world: World, trained: Trained) -> None:
    """The order of rows and what happens after the clock change nothing."""
    frames = world.frames()
    later = frames["purchases"].assign(occurred_at=CLOCK)
    shuffled = {
        "contacts": frames["contacts"].sample(frac=1, random_state=1),
        "features": frames["features"].sample(frac=1, random_state=2),
        "purchases": pd.concat([later, frames["purchases"]]).sample(frac=1, random_state=3),
    }
    again = fit(shuffled, as_of=CLOCK)

    assert isinstance(again, Trained)
    assert again.champion.version == trained.champion.version


def test_policy_values_are_those_of_truth() -> None:
    """The interval of what a policy brings holds effects times margin less cost, nearly always."""
    covered = []
    for seed in range(100, 116):
        world = World(1_500, seed=seed)
        frames = world.frames()
        known = known_purchases(frames["purchases"], known_until=CLOCK)
        trial = next(
            read_trials(frames["contacts"], frames["features"], known, days=30, known_until=CLOCK)
        )
        fitted = cross_fit(trial, seed=0)
        chosen = fitted.uplift(T_LOGIT) * trial.usual_margin > trial.cost
        policy = value_policy(trial, fitted, T_LOGIT, seed=0)
        net = world.effect * MARGIN - 0.5
        for found, true in (
            (policy.value, np.where(chosen, net, 0).mean()),
            (policy.value_of_all, net.mean()),
            (policy.against_all, np.where(chosen, 0, -net).mean()),
        ):
            covered.append(found.lower <= true <= found.upper)

    assert np.mean(covered) >= 0.85


def test_a_version_with_other_columns_does_not_score(world: World, trained: Trained) -> None:
    """It says that it has to be trained again."""
    parts = {**trained.champion.parts, "columns": ["count_orders"]}

    with pytest.raises(FeatureError, match="Train it again"):
        predict(replace(trained.champion, parts=parts), world.scoring(), scored_at=NOW)


def test_a_large_experiment_is_sampled(world: World) -> None:
    """Every column is of the same persons."""
    frames = world.frames()
    known = known_purchases(frames["purchases"], known_until=CLOCK)
    trial = next(
        read_trials(frames["contacts"], frames["features"], known, days=30, known_until=CLOCK)
    )
    part = trial.sampled(500, seed=1)
    rows = np.searchsorted(trial.customers.astype(str), part.customers.astype(str))

    assert len(part) == 500
    assert (trial.matrix[rows] == part.matrix).all()
    assert (trial.margin[rows] == part.margin).all()


@pytest.mark.parametrize("seed", [3, 4])
def test_a_feature_that_knows_who_ordered_is_left_out(seed: int) -> None:
    """Taken after the draw, it would rank who orders anyway; the same is learnt without it."""
    world = World(6_000, seed=seed)
    frames = world.frames()
    planted = frames["features"].assign(count_cases_180d=world.ordered * 2)
    blank = frames["features"].assign(count_cases_180d=0)

    leaky, clean = (
        fit({**frames, "features": features}, as_of=CLOCK) for features in (planted, blank)
    )

    assert isinstance(leaky, Trained)
    assert isinstance(clean, Trained)
    assert [leak["feature"] for leak in leaky.report["left_out"]] == ["count_cases_180d"]
    assert clean.report["left_out"] == []
    assert leaky.report["metrics"] == clean.report["metrics"]
    scoring = world.scoring()
    told = [predict(one.champion, scoring, scored_at=NOW)["uplift"] for one in (leaky, clean)]
    is_free = scoring["features"]["count_cases_180d"] == 0
    assert told[0][is_free].tolist() == pytest.approx(told[1][is_free].tolist())


def test_a_refusal_tells_of_the_feature_that_was_left_out() -> None:
    """Where a leak was all that there was, the reader learns both."""
    world = World(3_000, seed=5, moves=0.0)
    frames = world.frames()
    planted = frames["features"].assign(count_cases_180d=world.ordered * 2)

    outcome = fit({**frames, "features": planted}, as_of=CLOCK)

    assert isinstance(outcome, Refused)
    assert len(outcome.reasons) == 2
    assert outcome.reasons[1].startswith("count_cases_180d says as much")
