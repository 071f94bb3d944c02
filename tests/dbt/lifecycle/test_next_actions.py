"""What anonymous visitors do next, said on one day and compared with the days that followed."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.models import next_action
from ml.prediction import Trained
from orchestration import predicting
from orchestration.warehouse import Warehouse

pytestmark = pytest.mark.slow

WORLD = ("tiny", 6)
VISITS = ("+session_features", "+int_session_actions_followed")
DENIED = """
select count(distinct event.anonymous_id), (
    select count(*) from insight.session_features as feature
    inner join core.sessions as session using (session_id)
    where session.anonymous_id in (
        select anonymous_id from raw.web__events where not coalesce(has_analytics_consent, false)
    )
)
from staging.stg_web__events as event
where not event.has_analytics_consent
"""
KNOWN_BY_THEN = """
select count(*) from insight.session_features as feature
inner join core.events as event
    on event.session_id = feature.session_id and event.occurred_at = feature.occurred_at
where event.customer_id is not null and event.customer_known_at <= event.received_at
"""


def read(connection, inputs):
    """Return the frames of a prediction."""
    return {
        name: connection.frame(f"select {', '.join(one.columns)} from {one.relation}")
        for name, one in inputs.items()
    }


@pytest.fixture(scope="module")
def shop(make_shop):
    """A small shop as of the twentieth of September."""
    made = make_shop(*WORLD, until=date(2026, 9, 20))
    made.build(*VISITS)
    return made


@pytest.fixture(scope="module")
def trained(shop) -> Trained:
    """What its visits teach."""
    with Warehouse(shop.warehouse).connect(read_only=True) as connection:
        result = predicting.train(connection, next_action)
    assert isinstance(result, Trained)
    return result


def test_only_who_allows_analytics_is_looked_at(shop):
    """Devices that deny it are in the shop, and none of them is in the features."""
    count, stored = shop.query(DENIED)[0]

    assert count > 100
    assert stored == 0


def test_steps_are_from_before_it_was_known_whose_they_are(shop):
    """No step of somebody who was logged in; sign-ups and checkouts follow all the same."""
    # Two events of one instant cannot be told apart here.
    assert shop.query(KNOWN_BY_THEN)[0][0] <= 2
    actions = dict(
        shop.query(
            "select next_action, count(*) from intermediate.int_session_actions_followed group by 1"
        )
    )
    assert {"leaves", "sign_up", "login", "checkout_started"} <= set(actions)


def test_odds_come_true_in_the_visits_that_follow(shop, trained, advance):
    """Of later visits, the next action is among the three told as often as their odds say."""
    size, seed = WORLD
    advance(shop, size, seed, date(2026, 11, 1))
    shop.build(*VISITS)
    with Warehouse(shop.warehouse).connect(read_only=True) as connection:
        frames = read(connection, next_action.TRAINING)
    steps = frames["steps"]
    later = steps[(steps["occurred_at"] >= "2026-09-21") & ~steps["is_current"]]
    last = later.merge(frames["actions"], on=["session_id", "step_number"])
    # One step of each visit, by chance: what is asked of a visit while it is open.
    asked = last.sample(frac=1, random_state=1).drop_duplicates("session_id")
    told = next_action.predict(
        trained.champion,
        {"steps": asked.assign(is_current=True)},
        scored_at=pd.Timestamp("2026-11-01"),
    )
    hits = told.merge(asked[["session_id", "next_action"]], on=["session_id", "next_action"])

    assert len(asked) > 150
    assert len(told) == 3 * len(asked)
    rate, expected = len(hits) / len(asked), told["probability"].sum() / len(asked)
    assert rate == pytest.approx(expected, abs=3 * np.sqrt(0.25 / len(asked)))
    assert rate > 0.4
