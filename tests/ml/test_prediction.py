"""Every registered prediction keeps the promises of the interface."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ml.models import PREDICTIONS
from ml.prediction import (
    Column,
    Input,
    Prediction,
    Reason,
    Refused,
    Trained,
    entity,
    missing_columns,
    strongest,
    typed,
)
from tests.ml.answering import answers_of
from tests.ml.leads import World, make_leads
from tests.ml.visits import make_visits

SCORED_AT = pd.Timestamp("2026-11-01 04:00")


def frames_of(prediction: Prediction, shop) -> dict[str, pd.DataFrame]:
    """Return every input that a prediction of this repository names."""
    purchases = shop.occasions.assign(margin_amount=shop.occasions["net_amount"])
    frames = {**shop.frames, "purchases": purchases, "customers": shop.current}
    frames["answers"] = answers_in(shop)
    if prediction.NAME == "lead_score":
        return leads_of(shop)
    if prediction.NAME == "next_action":
        return make_visits(count=1_500)
    return experiment_in(frames, shop) if prediction.NAME == "uplift" else frames


def answers_in(shop) -> pd.DataFrame:
    """Return answers of the current customers, each of whom has an hour of their own."""
    answers, _ = answers_of(len(shop.current), seed=1, hour_habit=0.5)
    names = shop.current["customer_id"].to_numpy()
    number = answers["customer_id"].str[1:].astype(int)
    return answers.assign(customer_id=names[number])


def few_of(
    prediction: Prediction, frames: dict[str, pd.DataFrame], count: int
) -> dict[str, pd.DataFrame]:
    """Return the rows of a few of those whom a prediction is about."""
    key = prediction.KEY[0]
    known = [frame[key] for frame in frames.values() if key in frame.columns]
    few = sorted(pd.concat(known).unique())[:count]
    return {
        name: frame[frame[key].isin(few)] if key in frame.columns else frame.iloc[:0]
        for name, frame in frames.items()
    }


def experiment_in(frames: dict[str, pd.DataFrame], shop) -> dict[str, pd.DataFrame]:
    """Return the same shop with an experiment that brings back who had bought twice."""
    moment = shop.clock - pd.Timedelta(days=90)
    drawn = shop.features[shop.features["as_of"] == moment].reset_index(drop=True)
    is_contacted = np.random.default_rng(1).random(len(drawn)) < 0.5
    contacts = drawn[["customer_id", "as_of"]].assign(
        experiment="test",
        variant=np.where(is_contacted, "mail", "control"),
        is_control=~is_contacted,
        assigned_at=moment + pd.Timedelta(hours=9),
        contact_cost=0.5,
    )
    moved = drawn.loc[is_contacted & (drawn["count_orders"] > 1), ["customer_id"]].iloc[::2]
    bought = moved.assign(occurred_at=moment + pd.Timedelta(days=5), margin_amount=20.0)
    return {
        **frames,
        "contacts": contacts,
        "purchases": pd.concat([frames["purchases"], bought], ignore_index=True),
    }


def leads_of(shop) -> dict[str, pd.DataFrame]:
    """Return the shop's customers as companies; who bought often is an eager one now."""
    names = shop.current.sort_values(["count_orders", "days_since_first_order"])["customer_id"]
    frames = make_leads(World(count=len(names), login=1.0))
    now = frames["moments"][frames["moments"]["is_current"]].sort_values("score")
    number = dict(zip(now["customer_id"], names, strict=True))
    return {
        name: frame.assign(customer_id=frame["customer_id"].map(number))
        for name, frame in frames.items()
    }


def subjects_of(prediction: Prediction, shop) -> list[str]:
    """Return whom or what a prediction is about, who is told most of last."""
    if prediction.NAME == "next_action":
        steps = frames_of(prediction, shop)["steps"]
        return list(steps.loc[steps["is_current"], "session_id"])
    order = ["count_orders", "days_since_first_order"]
    return list(customers_of(prediction, shop).sort_values(order)["customer_id"])


def customers_of(prediction: Prediction, shop) -> pd.DataFrame:
    """Return the current customers whom a prediction is about: all, or who bought on one day."""
    if prediction.NAME != "second_purchase":
        return shop.current
    days = shop.occasions.assign(day=shop.occasions["occurred_at"].dt.normalize())
    known = days[days["occurred_at"] < shop.clock]
    counts = known.groupby("customer_id")["day"].nunique()
    return shop.current[shop.current["customer_id"].isin(counts.index[counts == 1])]


@pytest.fixture(scope="module", params=PREDICTIONS, ids=lambda prediction: prediction.NAME)
def prediction(request) -> Prediction:
    """Each prediction in turn."""
    return request.param


@pytest.fixture(scope="module")
def trained(prediction: Prediction, shop) -> Trained:
    """What it learned from a shop that has something to teach."""
    result = prediction.fit(frames_of(prediction, shop), as_of=shop.clock)
    assert isinstance(result, Trained)
    return result


def test_names_are_distinct() -> None:
    """A name is a table, a folder and an asset."""
    assert len({prediction.NAME for prediction in PREDICTIONS}) == len(PREDICTIONS)


def test_what_it_publishes_bears_its_name(prediction: Prediction, trained: Trained) -> None:
    """Champion and challenger are its own, and the report says how they compare."""
    report = trained.report
    measure, metrics = report["measure"], report["metrics"]

    assert {trained.champion.name, trained.challenger.name} == {prediction.NAME}
    assert trained.champion.version != trained.challenger.version
    assert trained.champion.horizon_days == prediction.HORIZON_DAYS
    assert trained.champion.kind == report["champion"]
    assert metrics[report["champion"]][measure] != metrics[report["challenger"]][measure]
    assert report["baseline"] in metrics
    assert json.loads(json.dumps(report)) == report


def test_results_are_what_is_declared(prediction: Prediction, trained: Trained, shop) -> None:
    """One row per key, of everybody it is about, with types and limits as declared.

    What SCORING does not name is taken away to see that it is not read.
    """
    frames = {
        name: frames_of(prediction, shop)[name][list(read.columns)]
        for name, read in prediction.SCORING.items()
    }
    rows = prediction.predict(trained.champion, frames, scored_at=SCORED_AT)

    types = {name: column.dtype for name, column in prediction.RESULT.items()}
    assert rows.dtypes.astype(str).to_dict() == types
    assert not rows.duplicated(list(prediction.KEY)).any()
    meant = subjects_of(prediction, shop)
    assert sorted(rows[entity(prediction)].unique()) == sorted(meant)
    for name, column in prediction.RESULT.items():
        for bound, beyond in ((column.lowest, np.less), (column.highest, np.greater)):
            if bound is not None:
                assert not beyond(rows[name].to_numpy(), bound).any(), name


def test_a_score_does_not_depend_on_who_is_scored_beside(
    prediction: Prediction, trained: Trained, shop
) -> None:
    """A few alone have the rows that they have among all."""
    frames = frames_of(prediction, shop)
    chosen = sorted(set(subjects_of(prediction, shop)))
    chosen = chosen[: min(len(chosen) // 2, 40)]
    few = {
        name: frames[name][frames[name][entity(prediction)].isin(chosen)]
        for name in prediction.SCORING
    }
    alone, among_all = (
        prediction.predict(trained.champion, given, scored_at=SCORED_AT) for given in (few, frames)
    )
    key = list(prediction.KEY)
    meant = among_all[among_all[key[0]].isin(alone[key[0]])]

    assert 0 < len(alone) < len(among_all)
    pd.testing.assert_frame_equal(
        alone.sort_values(key, ignore_index=True),
        meant.sort_values(key, ignore_index=True),
        rtol=1e-9,
        check_categorical=False,
    )


def test_training_reads_what_it_declares_and_no_more(prediction: Prediction, shop) -> None:
    """Without the columns that are not named, the same version comes of it."""
    frames = frames_of(prediction, shop)
    named = {name: frames[name][list(read.columns)] for name, read in prediction.TRAINING.items()}

    lean, full = (prediction.fit(given, as_of=shop.clock) for given in (named, frames))

    assert isinstance(lean, Trained)
    assert isinstance(full, Trained)
    assert lean.champion.version == full.champion.version


def test_reasons_are_told_strongest_first(prediction: Prediction, trained: Trained, shop) -> None:
    """An entity's own rows are enough to explain, and every reason reads as a sentence."""
    frames = frames_of(prediction, shop)
    frequent, column = subjects_of(prediction, shop)[-1], entity(prediction)
    mine = {name: frames[name][frames[name][column] == frequent] for name in prediction.SCORING}

    for model in (trained.champion, trained.challenger):
        reasons = prediction.explain(model, mine)
        assert reasons
        assert strongest(reasons) == reasons
        assert all(reason.subject in reason.sentence for reason in reasons)
        assert "nan" not in " ".join(reason.sentence for reason in reasons)


def test_an_empty_shop_is_refused_with_reasons(prediction: Prediction, shop) -> None:
    """No rows in any input: reasons, not a crash."""
    empty = {name: frame.iloc[:0] for name, frame in frames_of(prediction, shop).items()}

    result = prediction.fit(empty, as_of=shop.clock)

    assert isinstance(result, Refused)
    assert result.model_name == prediction.NAME
    assert all("at least" in reason for reason in result.reasons)


def test_missing_columns_are_named_with_their_relation() -> None:
    """One reason per relation, with the columns it lacks; complete ones are not mentioned."""
    inputs = {
        "a": Input("core.orders", ("customer_id", "margin", "day")),
        "b": Input("core.customers", ("customer_id",)),
    }

    reasons = missing_columns(inputs, {"a": ["customer_id"], "b": ["customer_id", "more"]})

    assert reasons == ("core.orders has no column margin, day. Add it to the model.",)


@pytest.mark.parametrize(
    ("factor", "words"),
    [(2.0, "raises the odds 2.0-fold"), (0.25, "lowers the odds 4.0-fold"),
     (500.0, "raises the odds more than 100-fold")],
)  # fmt: skip
def test_a_reason_says_which_way_and_how_far(factor: float, words: str) -> None:
    """Lowering four-fold is a factor of a quarter."""
    reason = Reason("Days since", 12.0, None, factor, "odds")

    assert reason.sentence == f"Days since: 12, usual none; {words}"


def test_what_hardly_matters_is_not_told() -> None:
    """Effects below five per cent are left out, the others ordered by size either way."""
    reasons = [Reason(name, 1.0, 1.0, factor, "odds") for name, factor in
               (("a", 1.01), ("b", 2.0), ("c", 0.2))]  # fmt: skip

    assert [reason.subject for reason in strongest(reasons)] == ["c", "b"]


def test_every_relation_that_scoring_reads_has_the_entity(prediction: Prediction) -> None:
    """One person's, or one visit's, rows can be asked for, and keys are of the result."""
    assert all(entity(prediction) in read.columns for read in prediction.SCORING.values())
    assert set(prediction.KEY) <= set(prediction.RESULT)


def test_results_are_typed_in_the_declared_order() -> None:
    """Columns that are not declared do not reach the warehouse."""
    frame = typed({"more": [1], "b": [2], "a": [1]}, {"a": Column("float64"), "b": Column("int32")})

    assert frame.dtypes.astype(str).to_dict() == {"a": "float64", "b": "int32"}
