"""The next action of an anonymous visit: three told, each with an honest probability."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ml.errors import FeatureError
from ml.models import next_action
from ml.prediction import Refused, Trained
from ml.sessions.next_steps import LOGISTIC, MARKOV
from tests.ml.visits import ACTIONS, CLOCK, WAIT, by_last_action, by_visit, make_visits

SCORED_AT = pd.Timestamp("2026-11-01 04:00")


def fit(frames, **options):
    """Fit at the clock."""
    return next_action.fit(frames, as_of=CLOCK, **options)


def with_steps(frames, **columns):
    """Return the frames with other columns in the steps."""
    return {**frames, "steps": frames["steps"].assign(**columns)}


def scored(model, frames):
    """Return what a version says of the open visits."""
    return next_action.predict(model, frames, scored_at=SCORED_AT)


@pytest.fixture(scope="module")
def visits():
    """Visits whose next action depends on more than the last one."""
    return make_visits()


@pytest.fixture(scope="module")
def trained(visits) -> Trained:
    """What they teach."""
    result = fit(visits)
    assert isinstance(result, Trained)
    return result


def test_the_visit_so_far_is_used_where_it_tells_more(trained):
    """Log loss and hits of three are better than what usually follows, with the right level."""
    metrics = trained.report["metrics"]

    assert trained.champion.kind == LOGISTIC
    assert metrics[LOGISTIC]["log_loss"] < metrics[MARKOV]["log_loss"]
    assert metrics[LOGISTIC]["top3_accuracy"] > metrics[MARKOV]["top3_accuracy"]
    assert metrics[LOGISTIC]["calibration_ratio"] == pytest.approx(1, abs=0.1)
    assert metrics[LOGISTIC]["expected_calibration_error"] < 0.05


def test_each_action_comes_about_as_often_as_expected(trained):
    """Per action, mean probability and rate in later visits."""
    for row in trained.report["actions"]:
        assert row["mean_probability"] == pytest.approx(row["actual_rate"], abs=0.03)


def test_where_the_last_action_tells_all_it_is_the_one_published():
    """A model that sees more finds nothing more."""
    result = fit(make_visits(by_last_action))

    assert result.champion.kind == MARKOV
    assert result.report["status"] == "no_evidence"


def test_log_loss_is_near_that_of_the_truth(visits, trained):
    """Nobody can do better than the odds that made the visits; the model loses little to them."""
    steps = visits["steps"].merge(visits["actions"], on=["session_id", "step_number"])
    losses = []
    for row in steps.itertuples():
        share = by_visit(
            {"last": row.last_action, "channel": row.channel_group,
             "products": row.count_product_views}
        )  # fmt: skip
        losses.append(-np.log(share[ACTIONS.index(row.next_action)] / share.sum()))

    told = trained.report["metrics"][LOGISTIC]["log_loss"]
    assert told == pytest.approx(np.mean(losses), abs=0.1)


def test_three_different_actions_are_told_likeliest_first(visits, trained):
    """Ranks 1 to 3 per open visit, falling, not more than 1 together."""
    rows = scored(trained.champion, visits)
    grouped = rows.groupby("session_id")

    assert set(rows["session_id"]) == {f"open-v{number:05}:1" for number in range(5)}
    assert (grouped["action_rank"].apply(list).map(tuple) == (1, 2, 3)).all()
    assert (grouped["next_action"].nunique() == 3).all()
    assert grouped["probability"].apply(lambda odds: odds.is_monotonic_decreasing).all()
    assert (grouped["probability"].sum() <= 1 + 1e-9).all()


def test_silence_speaks_for_leaving_as_far_as_it_does(visits, trained):
    """After 300 seconds of silence: the shares of actions that still come then, by Bayes.

    Waits are exponential; nearly all but carts have come after five minutes.
    """
    step = visits["steps"][visits["steps"]["is_current"]].iloc[:1]
    now, later = (
        scored(
            trained.champion, {"steps": step.assign(occurred_at=CLOCK - pd.Timedelta(seconds=s))}
        )
        for s in (0, 300)
    )
    parts = trained.champion.parts
    odds = dict(zip(now["next_action"], now["probability"], strict=True))

    assert parts["actions"] == sorted(ACTIONS)
    left = dict(zip(later["next_action"], later["probability"], strict=True))
    assert left["leaves"] > odds.get("leaves", 0)
    expected = np.exp(-300 / WAIT["add_to_cart"])
    assert np.interp(300, parts["silence"]["add_to_cart"], np.linspace(0, 1, 21)) == pytest.approx(
        1 - expected, abs=0.08
    )


def test_only_what_came_before_the_clock_teaches(visits, trained):
    """Outcomes that came after it are not known, and steps after it are refused."""
    actions = visits["actions"]
    last = visits["steps"].groupby("session_id")["occurred_at"].idxmax()
    newest = visits["steps"].loc[last].nlargest(50, "occurred_at")[["session_id", "step_number"]]
    is_last = actions.merge(newest, how="left", indicator=True)["_merge"].eq("both")
    late = actions.assign(
        next_action=np.where(is_last, "search", actions["next_action"]),
        seconds_to_next=np.where(is_last, 10_000_000, actions["seconds_to_next"]),
    )
    unknown = actions[~is_last]

    one, other = (fit({**visits, "actions": told}) for told in (late, unknown))

    assert one.champion.version == other.champion.version
    with pytest.raises(FeatureError, match="Pass the clock"):
        next_action.fit(visits, as_of=CLOCK - pd.Timedelta(days=10))


def test_a_clock_behind_its_last_step_is_no_silence(visits, trained):
    """A device clock that runs ahead gives the odds of no silence."""
    step = visits["steps"][visits["steps"]["is_current"]].iloc[:1]
    ahead, now = (
        scored(
            trained.champion, {"steps": step.assign(occurred_at=CLOCK + pd.Timedelta(minutes=m))}
        )
        for m in (5, 0)
    )

    pd.testing.assert_frame_equal(ahead, now)


def test_too_few_visits_are_refused():
    """A small shop is told how many are needed."""
    result = fit(make_visits(count=200))

    assert isinstance(result, Refused)
    assert any("visits with consent to learn from; at least 300" in r for r in result.reasons)


def test_few_days_are_refused(visits):
    """A week of visits has no later ones of another week."""
    steps = visits["steps"]
    result = fit({**visits, "steps": steps[steps["occurred_at"] > CLOCK - pd.Timedelta(days=7)]})

    assert isinstance(result, Refused)
    assert any("days of anonymous visits" in reason for reason in result.reasons)


def test_one_action_only_is_refused(visits):
    """Everybody leaves: nothing to tell apart."""
    result = fit({**visits, "actions": visits["actions"].assign(next_action="leaves")})

    assert isinstance(result, Refused)
    assert result.reasons == ("1 next actions that were seen 30 times; at least 2 are needed.",)


def test_two_actions_are_enough(visits):
    """Stay or leave: both are told, with odds that add up."""
    actions = visits["actions"]
    told = np.where(actions["next_action"] == "leaves", "leaves", "page_view")
    result = fit({**visits, "actions": actions.assign(next_action=told)})

    for model in (result.champion, result.challenger):
        sums = scored(model, visits).groupby("session_id")["probability"].agg(["size", "sum"])
        assert (sums["size"] == 2).all()
        assert sums["sum"].to_numpy() == pytest.approx(1)


CONTEXT = (
    *("previous_action", "last_category", "platform", "device_type", "channel_group"),
    *("local_hour", "seconds_since_previous", "seconds_since_start"),
    *("count_page_views", "count_product_views", "count_searches", "count_carts"),
)


def test_without_context_the_last_action_is_left(visits):
    """All other features null: sane odds, and the baseline stays."""
    bare = with_steps(visits, **dict.fromkeys(CONTEXT, None))
    result = fit(bare)

    assert isinstance(result, Trained)
    metrics = result.report["metrics"]
    assert metrics[LOGISTIC]["log_loss"] == pytest.approx(metrics[MARKOV]["log_loss"], abs=0.05)
    assert scored(result.champion, bare)["probability"].between(0, 1).all()
    assert next_action.explain(result.challenger, bare)


def test_null_keys_and_actions_are_an_error_that_names_the_column(visits):
    """The contract of the steps is broken; no value is told."""
    with pytest.raises(FeatureError, match="last_action is null in"):
        fit(with_steps(visits, last_action=None))


def test_constant_features_change_nothing(visits):
    """Everybody does the same things at the same hour: the odds are the shop's."""
    same = with_steps(visits, last_action="page_view", **dict.fromkeys(CONTEXT[5:], 3.0))
    same = with_steps(same, **dict.fromkeys(CONTEXT[:5], "web"), step_number=same["steps"].index)
    same["actions"] = same["actions"].assign(
        step_number=same["steps"].index[~same["steps"]["is_current"]]
    )
    result = fit(same)

    assert isinstance(result, Trained)
    assert result.report["status"] == "no_evidence"


def test_what_is_new_at_scoring_has_the_usual_odds(visits, trained):
    """An action, a channel and a device that nobody had: no error, odds between 0 and 1."""
    strange = with_steps(
        visits, last_action="product_view: space", last_category="space", channel_group="carrier",
        device_type="watch",
    )  # fmt: skip

    for model in (trained.champion, trained.challenger):
        rows = scored(model, strange)
        assert len(rows) == 15
        assert rows["probability"].between(0, 1).all()
    told = next_action.explain(trained.champion, strange)
    assert any("space" in reason.subject for reason in told)


def test_a_step_that_is_there_twice_is_an_error(visits):
    """The key of the contract is broken."""
    twice = {**visits, "steps": pd.concat([visits["steps"], visits["steps"].iloc[:1]])}

    with pytest.raises(FeatureError, match="there twice"):
        fit(twice)


def test_rare_actions_have_one_name_together(visits):
    """What was seen less than thirty times is not told by its name."""
    actions = visits["actions"].copy()
    actions.loc[actions.index[::500], "next_action"] = "wish_list_added"
    result = fit({**visits, "actions": actions})

    assert "something else" in result.champion.parts["actions"]
    assert "wish_list_added" not in result.champion.parts["actions"]


def test_equal_data_gives_equal_versions_and_reports_are_plain(visits, trained):
    """The order of rows does not matter."""
    shuffled = {name: frame.sample(frac=1, random_state=2) for name, frame in visits.items()}

    again = fit(shuffled)

    assert again.champion.version == trained.champion.version
    assert json.loads(json.dumps(again.report)) == again.report


def test_no_open_visit_gives_an_empty_typed_frame(visits, trained):
    """Nobody is there: no rows, all columns."""
    empty = {"steps": visits["steps"][~visits["steps"]["is_current"]]}

    rows = scored(trained.champion, empty)

    types = {name: column.dtype for name, column in next_action.RESULT.items()}
    assert rows.dtypes.astype(str).to_dict() == types
    assert rows.empty
    assert next_action.explain(trained.champion, empty) == ()
