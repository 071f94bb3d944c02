"""What knows the future of leads is left out with a reason, and what does not is learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.models import lead_score
from ml.prediction import Refused, Trained
from tests.ml.leads import CLOCK, World, make_leads

pytestmark = pytest.mark.slow

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def honest() -> Frames:
    """A shop whose hand-set card overlooks what logins say."""
    return make_leads(World(login=1.0))


def planted(frames: Frames, *, share: float = 1.0) -> Frames:
    """Write an act into the past of those who then bought, as a nightly job would that backdates.

    `share` of the windows' sales have it; nobody of today can.
    """
    moments = frames["moments"]
    sold = moments[moments["is_sale"].eq(True)]
    sold = sold[np.random.default_rng(1).random(len(sold)) < share]
    day = sold["snapshot_on"] - pd.Timedelta(days=1)
    acts = pd.DataFrame(
        {
            "customer_id": sold["customer_id"], "activity_type": "contract_sent",
            "occurred_on": day, "known_on": day, "count_activities": 1, "points": 2.0,
        }
    )  # fmt: skip
    return {**frames, "activities": pd.concat([frames["activities"], acts], ignore_index=True)}


def test_an_act_that_only_buyers_will_have_done_is_not_learnt_from(honest: Frames) -> None:
    """It is on the card with its reason, in no points, and the rest is learnt as without it."""
    without = lead_score.fit(honest, as_of=CLOCK)
    trained = lead_score.fit(planted(honest), as_of=CLOCK)

    assert isinstance(without, Trained)
    assert isinstance(trained, Trained)
    assert without.report["left_out"] == []
    assert [leak["feature"] for leak in trained.report["left_out"]] == ["acts contract_sent"]
    assert "Check the condition on time" in trained.report["left_out"][0]["reason"]
    facts = [row["fact"] for row in trained.report["cards"]["account"]]
    assert "acts: search" in facts
    assert not any("contract_sent" in fact for fact in facts)
    assert trained.report["metrics"] == without.report["metrics"]


def test_it_is_found_by_what_it_says_where_today_has_it_too(honest: Frames) -> None:
    """Acts of today by lot hide when it is filled, not how much it tells."""
    frames = planted(honest)
    some = honest["moments"].loc[honest["moments"]["is_current"], "customer_id"][::8]
    day = CLOCK - pd.Timedelta(days=1)
    acts = pd.DataFrame(
        {
            "customer_id": some, "activity_type": "contract_sent", "occurred_on": day,
            "known_on": day, "count_activities": 1, "points": 2.0,
        }
    )  # fmt: skip
    frames = {**frames, "activities": pd.concat([frames["activities"], acts], ignore_index=True)}
    trained = lead_score.fit(frames, as_of=CLOCK)

    assert isinstance(trained, Trained)
    (leak,) = trained.report["left_out"]
    assert (leak["feature"], leak["check"]) == ("acts contract_sent", "plausibility")


def test_a_hand_set_score_that_knows_the_future_is_a_refusal(honest: Frames) -> None:
    """There is no naive rule then to compare with."""
    moments = honest["moments"]
    told = np.where(moments["is_sale"].eq(True), 90.0, moments["score"] / 10)
    outcome = lead_score.fit({**honest, "moments": moments.assign(score=told)}, as_of=CLOCK)

    assert isinstance(outcome, Refused)
    assert any(reason.startswith("score ") for reason in outcome.reasons)


@pytest.mark.parametrize("seed", [2, 3])
def test_honest_acts_and_facts_are_no_leaks(seed: int) -> None:
    """However much they tell, it is less than every second outcome."""
    trained = lead_score.fit(make_leads(World(search=2.0, buyer=2.0, seed=seed)), as_of=CLOCK)

    assert isinstance(trained, Trained)
    assert trained.report["left_out"] == []
