"""Two points cards of leads: what is learnt, when it is published, and when nothing is."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ml.errors import FeatureError
from ml.leads.cards import HAND_CARD, LEARNT_CARD
from ml.leads.facts import read_leads
from ml.leads.handover import draw_handover
from ml.leads.windows import Judged, closed_of
from ml.models import lead_score
from ml.prediction import Refused, Trained
from tests.ml.leads import CLOCK, TRUE_HALF_LIFE, World, make_leads, together

pytestmark = pytest.mark.slow

SCORED_AT = pd.Timestamp("2026-11-01 04:00")


def fit(frames, **options):
    """Fit at the clock."""
    return lead_score.fit(frames, as_of=CLOCK, **options)


def changed(frames, name, **columns):
    """Return the frames with other columns in one of them."""
    return {**frames, name: frames[name].assign(**columns)}


@pytest.fixture(scope="module")
def misjudged():
    """A shop whose hand-set card forgets too soon and overlooks what logins say."""
    return make_leads(World(login=1.0))


@pytest.fixture(scope="module")
def trained(misjudged) -> Trained:
    """What that shop teaches."""
    result = fit(misjudged)
    assert isinstance(result, Trained)
    return result


def test_a_better_card_is_published_with_its_proof(trained):
    """It wins in the newest window with the right level, and in every window before."""
    report = trained.report

    assert report["champion"] == LEARNT_CARD
    assert trained.challenger.kind == HAND_CARD
    assert "with the right level" in report["reason"]
    assert report["metrics"][LEARNT_CARD]["log_loss"] < report["metrics"][HAND_CARD]["log_loss"]
    assert all(
        row[f"{LEARNT_CARD}/log_loss"] < row[f"{HAND_CARD}/log_loss"] for row in report["rolling"]
    )
    assert "points_card" in report["card"]


def test_half_lives_and_points_are_those_of_the_truth(trained):
    """Searches fade with 90 days, not 14; one is worth 20 / ln 2 x 1.2 x ln 2 = 24 points."""
    rows = {row["fact"]: row for row in trained.report["cards"]["account"]}

    assert rows["acts: search"]["half_life_days"] in (60, TRUE_HALF_LIFE, 180)
    assert rows["acts: search"]["learnt_points"] == pytest.approx(24, abs=6)
    assert rows["acts: search"]["hand_set_points"] == 2.0
    told = rows["role is %buyer%"]["learnt_points"] - rows["role is %owner%"]["learnt_points"]
    assert told == pytest.approx(20 / np.log(2), abs=7)


def test_odds_have_the_right_level(trained, misjudged):
    """Over current leads both cards expect about the share that bought in the past."""
    rows = lead_score.predict(trained.champion, misjudged, scored_at=SCORED_AT)
    usual = misjudged["moments"]["is_sale"].dropna().astype(float).mean()

    assert rows["learnt_probability"].mean() == pytest.approx(usual, rel=0.25)
    assert rows["hand_set_probability"].mean() == pytest.approx(usual, rel=0.25)
    assert (rows["probability"] == rows["learnt_probability"]).all()


def test_a_good_hand_set_card_stays():
    """Where the score knows all there is to know, learning from few sales proves nothing."""
    frames = make_leads(World(buyer=0.0, hand_search=0.4))
    frames = changed(frames, "activities", activity_type="search_seen_by_nobody")
    result = fit(changed(frames, "facts", trait=None))

    assert isinstance(result, Trained)
    assert result.champion.kind == HAND_CARD
    assert result.report["status"] == "no_evidence"
    assert "The hand-set card stays" in result.report["reason"]


def test_a_turn_of_the_market_lets_the_hand_set_card_stay():
    """What was learnt before the signs turned fails after it: the level or the ranking is off."""
    result = fit(make_leads(World(count=2_500, search=0.8, turned_from="2026-09-01")))

    assert isinstance(result, Trained)
    assert result.champion.kind == HAND_CARD
    assert "outside 0.8 to 1.25" in result.report["reason"]
    before, newest = result.report["rolling"][-2:]
    assert before[f"{LEARNT_CARD}/auc"] > 0.6
    assert newest[f"{LEARNT_CARD}/auc"] < 0.55


def test_random_sales_prove_nothing():
    """Sales that nothing foretells: one shop in fifty may look otherwise, two of five do not."""
    results = [
        fit(make_leads(World(count=1_500, search=0.0, buyer=0.0, seed=seed)))
        for seed in range(5, 10)
    ]

    assert sum(result.champion.kind == HAND_CARD for result in results) >= 4
    cards = [row for result in results for row in result.report["cards"]["account"]]
    days = [row["half_life_days"] for row in cards if row["half_life_days"]]
    assert days.count("hand-set") >= len(days) - 1


def test_hand_over_is_where_value_is_highest(trained, misjudged):
    """The chosen row follows from the cost function; the few best leads are the most precise."""
    curve = trained.report["handover"]["account"][LEARNT_CARD]
    chosen = next(row for row in curve if row["is_chosen"])
    count = chosen["monthly_leads"] * 6

    value = chosen["count_sales"] * 100 - (count - chosen["count_sales"]) * 15
    assert chosen["monthly_value"] == pytest.approx((value - chosen["count_early"] * 5) / 6)
    assert chosen["monthly_value"] == max(row["monthly_value"] for row in curve)
    assert curve[0]["precision_rate"] > curve[-1]["precision_rate"]
    rows = lead_score.predict(trained.champion, misjudged, scored_at=SCORED_AT)
    assert (rows["handover_probability"] == chosen["threshold"]).all()


def test_capacity_and_costs_bound_the_hand_over(misjudged):
    """Sales that can take 50 leads a month get no more; a call dearer than a sale never pays."""
    few = fit(changed(misjudged, "moments", monthly_capacity=50))
    dear = fit(changed(misjudged, "moments", contact_cost=1e6))

    chosen = [row for row in few.report["handover"]["account"][LEARNT_CARD] if row["is_chosen"]]
    assert chosen[0]["monthly_leads"] <= 50
    rows = lead_score.predict(dear.champion, misjudged, scored_at=SCORED_AT)
    assert rows["handover_probability"].isna().all()


def test_a_large_shop_is_drawn_by_persons_and_told_in_full(misjudged):
    """Of a quarter of the persons all snapshots stay; months are those of all of them."""
    leads = closed_of(read_leads(misjudged), "account", until=CLOCK)
    quarter = leads.drawn(0.25, seed=1)
    windows = [Judged(one, {HAND_CARD: one.score / 100}) for one in (leads, quarter)]

    every, drawn = (
        draw_handover([window], HAND_CARD, share=share)[-1]
        for window, share in zip(windows, (1.0, 0.25), strict=True)
    )

    assert quarter.frame["customer_id"].nunique() == 250
    assert quarter.frame.groupby("customer_id").size().eq(12).all()
    assert len(quarter.acts["search"].row) < 0.5 * len(leads.acts["search"].row)
    assert drawn["monthly_leads"] == every["monthly_leads"]
    assert drawn["monthly_value"] == pytest.approx(every["monthly_value"], rel=0.3)


def test_nothing_that_arrived_later_changes_a_version(misjudged, trained):
    """Acts and facts that came after every snapshot, and the outcomes of today, are not read."""
    late = {"occurred_on": "2026-08-15", "known_on": "2026-11-02"}
    acts = misjudged["activities"].head(500).assign(
        **{name: pd.Timestamp(day) for name, day in late.items()}
    )  # fmt: skip
    told = misjudged["facts"].assign(trait="%buyer%", known_on=pd.Timestamp("2026-11-02"))
    moments = misjudged["moments"]
    moments = moments.assign(is_sale=moments["is_sale"].where(~moments["is_current"], True))
    later = {
        "moments": moments,
        "activities": pd.concat([misjudged["activities"], acts], ignore_index=True),
        "facts": pd.concat([misjudged["facts"], told], ignore_index=True),
    }

    assert fit(later).champion.version == trained.champion.version


def test_an_act_counts_from_its_news_on_and_never_before_it_happened(misjudged, trained):
    """News before the act, a clock that runs backwards, are no news."""
    model, moments = trained.champion, misjudged["moments"]
    one = moments["is_current"] & (moments["customer_id"] == "account-00001")
    frames = {**misjudged, "moments": moments[one]}
    odds = lead_score.predict(model, frames, scored_at=SCORED_AT)["probability"].iloc[0]
    early = misjudged["activities"].head(3).assign(
        customer_id="account-00001",
        occurred_on=pd.Timestamp("2026-11-05"),
        known_on=pd.Timestamp("2026-10-01"),
    )  # fmt: skip
    told = {**frames, "activities": pd.concat([misjudged["activities"], early])}

    assert lead_score.predict(model, told, scored_at=SCORED_AT)["probability"].iloc[0] == odds


def test_snapshots_after_the_clock_are_refused(misjudged):
    """A clock that went backwards would teach the future."""
    with pytest.raises(FeatureError, match="Pass the clock"):
        lead_score.fit(misjudged, as_of=CLOCK - pd.Timedelta(days=40))


def test_windows_that_are_not_closed_teach_nothing(misjudged):
    """With every window closing later than the clock there is nothing to learn from."""
    open_ended = changed(misjudged, "moments", closes_on=pd.Timestamp("2027-01-01"))

    assert isinstance(fit(open_ended), Refused)


def test_other_weights_want_another_calibration(misjudged, trained):
    """What a score was worth under one version of the weights says nothing about another."""
    swapped = changed(misjudged, "moments", score_version="2026-2")

    with pytest.raises(FeatureError, match="weights 2026-1, and others are active"):
        lead_score.predict(trained.champion, swapped, scored_at=SCORED_AT)


def test_too_few_sales_are_refused_by_kind(misjudged):
    """Prospects who hardly buy are left out with the reason; alone they are a refusal."""
    prospects = make_leads(World(count=40), kind="prospect")

    alone, beside = fit(prospects), fit(together(misjudged, prospects))

    assert isinstance(alone, Refused)
    assert any("prospects in the newest closed window; at least 30" in r for r in alone.reasons)
    assert isinstance(beside, Trained)
    assert set(beside.report["cards"]) == {"account"}
    assert "sales to prospects" in beside.report["reason"]
    rows = lead_score.predict(beside.champion, together(misjudged, prospects), scored_at=SCORED_AT)
    assert set(rows["lead_kind"]) == {"account"}


@pytest.mark.parametrize("outcome", [True, False])
def test_one_class_only_is_refused(misjudged, outcome):
    """Everybody bought, or nobody did: nothing to tell apart."""
    moments = misjudged["moments"]
    result = fit(
        changed(misjudged, "moments", is_sale=np.where(moments["is_current"], None, outcome))
    )

    assert isinstance(result, Refused)
    assert all("at least" in reason for reason in result.reasons)


def test_null_scores_are_an_error_that_names_the_column(misjudged):
    """The contract of the snapshots is broken; no value is told."""
    with pytest.raises(FeatureError, match="score is null in 13000 of 13000"):
        fit(changed(misjudged, "moments", score=np.nan))


def test_leads_of_whom_nothing_else_is_known_have_a_card(misjudged):
    """No acts, no facts: the learnt card is the rate, so the hand-set one stays."""
    bare = {name: misjudged[name].iloc[:0] for name in ("activities", "facts")}
    nulls = changed(
        changed(misjudged, "activities", activity_type=None, occurred_on=pd.NaT, known_on=pd.NaT),
        "facts", trait=None, known_on=pd.NaT,
    )  # fmt: skip

    for frames in ({**misjudged, **bare}, nulls):
        result = fit(frames)
        assert isinstance(result, Trained)
        assert result.champion.kind == HAND_CARD
        rows = lead_score.predict(result.champion, frames, scored_at=SCORED_AT)
        assert rows["learnt_probability"].nunique() == 1


def test_constant_facts_weigh_nothing(misjudged):
    """A fact that everybody has tells nobody apart; a constant score ranks nobody."""
    result = fit(changed(changed(misjudged, "facts", trait="%buyer%"), "moments", score=50.0))

    assert isinstance(result, Trained)
    rows = {row["fact"]: row for row in result.report["cards"]["account"]}
    assert rows["role is %buyer%"]["learnt_points"] == 0
    found = lead_score.predict(result.champion, misjudged, scored_at=SCORED_AT)
    assert found["hand_set_probability"].nunique() == 1


def test_what_is_new_at_scoring_adds_nothing(misjudged, trained):
    """An unknown type of act and an unknown trait leave the odds as they are without them."""
    model = trained.champion
    bare = {**misjudged, "facts": misjudged["facts"].iloc[:0]}
    strange = {**misjudged, "facts": misjudged["facts"].assign(trait="%astronaut%")}
    acts = misjudged["activities"].assign(activity_type="hologram")
    strange["activities"] = pd.concat([misjudged["activities"], acts])

    expected, found = (
        lead_score.predict(model, frames, scored_at=SCORED_AT) for frames in (bare, strange)
    )

    pd.testing.assert_frame_equal(found, expected)


def test_equal_data_gives_equal_versions_and_reports_are_plain(misjudged, trained):
    """The order of rows does not matter."""
    shuffled = {name: frame.sample(frac=1, random_state=2) for name, frame in misjudged.items()}

    again = fit(shuffled)

    assert again.champion.version == trained.champion.version
    assert json.loads(json.dumps(again.report)) == again.report


def test_nobody_to_score_gives_an_empty_typed_frame(misjudged, trained):
    """No current leads: no rows, all columns."""
    empty = {**misjudged, "moments": misjudged["moments"].iloc[:0]}

    rows = lead_score.predict(trained.champion, empty, scored_at=SCORED_AT)

    types = {name: column.dtype for name, column in lead_score.RESULT.items()}
    assert rows.dtypes.astype(str).to_dict() == types
    assert rows.empty
    assert lead_score.explain(trained.champion, empty) == ()


def test_a_batch_without_one_kind_of_lead_is_scored_all_the_same(misjudged):
    """Prospects with enough sales have cards of their own; some batches hold none of them."""
    prospects = make_leads(World(seed=3), kind="prospect")
    both = together(misjudged, prospects)
    result = fit(both)

    whole = scored_odds(result.champion, both)
    apart = pd.concat([scored_odds(result.champion, one) for one in (misjudged, prospects)])

    assert set(result.report["cards"]) == {"account", "prospect"}
    assert result.report["kinds_left_out"] == []
    pd.testing.assert_series_equal(apart.sort_index(), whole.sort_index())


def scored_odds(model, frames) -> pd.Series:
    """Return the odds by customer."""
    rows = lead_score.predict(model, frames, scored_at=SCORED_AT)
    return rows.set_index("customer_id")["probability"]
