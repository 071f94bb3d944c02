"""channel_and_time: at which hour and through which channel a person answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array

from ml import evaluation
from ml.errors import FeatureError, LabelError
from ml.evaluation import Gate
from ml.habits.answers import ANSWERS, Answers, answer_gates, in_order, read_answers, split
from ml.habits.habit import TRAITS, Habit, choose, learn_habit
from ml.habits.reasons import explain_habits
from ml.habits.report import PERSONAL, SHOP, card, describe
from ml.habits.verdict import Verdict, judge_habit
from ml.prediction import (
    Column,
    Frames,
    Input,
    Model,
    Reason,
    Refused,
    Trained,
    content_name,
    strongest,
    typed,
)
from ml.times import instant, naive_utc

NAME = "channel_and_time"
NAIVE_RULE = "write at the hour and through the channel at which most customers answer"
KEY = ("customer_id",)
HORIZON_DAYS = 90
RECIPE = 1
CUSTOMERS = Input("insight.customer_features", ("customer_id", "as_of"), "is_current")
TRAINING = {"answers": ANSWERS}
SCORING = {"customers": CUSTOMERS, "answers": ANSWERS}


def _columns_of(trait: str, best: Column) -> dict[str, Column]:
    """Return the columns that say what is best for a person in one respect."""
    share = Column("float64", lowest=0, highest=1)
    return {
        f"best_{trait}": best,
        f"{trait}_probability": share,
        f"shop_{trait}": best,
        f"shop_{trait}_probability": share,
        f"is_{trait}_personal": Column("bool"),
        f"count_{trait}_answers": Column("int64", lowest=0),
    }


RESULT = {
    "customer_id": Column("str"),
    "model_name": Column("category"),
    "horizon_days": Column("int32", lowest=1),
    "as_of": Column("datetime64[us]"),
    **_columns_of("hour", Column("int32", lowest=0, highest=23)),
    **_columns_of("weekday", Column("str")),
    **_columns_of("channel", Column("str")),
    "model_version": Column("category"),
    "scored_at": Column("datetime64[us]"),
}


def fit(
    frames: Frames, *, as_of: pd.Timestamp, seed: int = 0, horizon_days: int = HORIZON_DAYS
) -> Trained | Refused:
    """Learn habits from answers before the newest days, judge them on those days, and refit.

    Takes `answers`; those at or after `as_of` are ignored, and those older than two years. Hour,
    weekday and channel are each personal only where, in the newest days, more of the answers come
    at the person's choice than at the shop's, and the personal odds are nearer (both with 95 %
    confidence, paired bootstrap over persons). Else everybody gets the shop's.
    """
    moment = instant(as_of)
    try:
        answers = read_answers(in_order(frames["answers"]), known_until=moment)
    except (LabelError, FeatureError) as error:
        return Refused(NAME, horizon_days, moment, (str(error),))
    before, within = split(answers, moment - pd.Timedelta(days=horizon_days))
    gates = answer_gates(answers, before, within)
    failures = evaluation.failures(gates)
    if failures:
        return Refused(NAME, horizon_days, moment, failures, gates)
    verdicts = {
        trait: judge_habit(learn_habit(trait, before), before, within, seed=seed)
        for trait in TRAITS
    }
    return _train(answers, verdicts, moment, horizon_days, seed, gates)


def predict(model: Model, frames: Frames, *, scored_at: pd.Timestamp) -> pd.DataFrame:
    """Return one row per customer of `customers`: best hour, weekday and channel, with odds.

    Takes `answers` before the customers' moment. `hour_probability` is that an answer falls within
    an hour of the best one, `shop_hour_probability` the same for the shop's best and this person.
    A kind of answer or a channel that the model does not know is left out.
    """
    customers, answers = _known(model, frames)
    columns: dict[str, Any] = {
        "customer_id": customers["customer_id"],
        "model_name": model.name,
        "horizon_days": model.horizon_days,
        "as_of": customers["as_of"],
        "model_version": model.version,
        "scored_at": instant(scored_at),
    }
    for habit in habits_of(model):
        chosen = choose(habit, answers)
        values = np.array(habit.values, dtype=object)
        columns |= {
            f"best_{habit.name}": values[chosen.best],
            f"{habit.name}_probability": chosen.odds,
            f"shop_{habit.name}": values[habit.best],
            f"shop_{habit.name}_probability": chosen.shop_odds,
            f"is_{habit.name}_personal": chosen.best != habit.best,
            f"count_{habit.name}_answers": chosen.counts,
        }
    return typed(columns, RESULT)


def explain(model: Model, frames: Frames) -> tuple[Reason, ...]:
    """Return which answers of the first customer speak for their best hour and channel."""
    _, answers = _known(model, frames)
    return strongest(explain_habits(habits_of(model), answers))


def habits_of(model: Model) -> list[Habit]:
    """Return what a model learnt."""
    return [Habit.from_plain(model.parts["habits"][trait]) for trait in TRAITS]


def _known(model: Model, frames: Frames) -> tuple[pd.DataFrame, Answers]:
    """Return the customers, each once, and their answers before the moment they are looked at."""
    customers = frames["customers"].drop_duplicates("customer_id", ignore_index=True)
    times = naive_utc(customers["as_of"])
    moment = instant(times.max()) if len(times) else model.as_of
    names = customers["customer_id"].astype("str")
    try:
        answers = read_answers(frames["answers"], known_until=moment, customers=names)
    except LabelError as error:
        raise FeatureError(str(error)) from None
    return customers.assign(customer_id=names, as_of=times), answers


def _train(
    answers: Answers,
    verdicts: dict[str, Verdict],
    moment: pd.Timestamp,
    days: int,
    seed: int,
    gates: tuple[Gate, ...],
) -> Trained:
    """Learn all habits again from everything, and publish the personal ones that are proven."""
    learnt = {trait: learn_habit(trait, answers) for trait in TRAITS}
    identity = _identity(answers, moment, days, seed)
    proven = [trait for trait in TRAITS if verdicts[trait].is_proven]

    def publish(kind: str, personal: list[str]) -> Model:
        habits = {
            trait: replace(habit, is_personal=trait in personal).as_plain()
            for trait, habit in learnt.items()
        }
        version = f"{moment:%Y-%m-%d}-{kind}-{identity}"
        return Model(NAME, version, kind, days, moment, (), {"habits": habits})

    shop = publish(SHOP, [])
    personal = publish(PERSONAL, proven or list(TRAITS))
    report = {
        "model_name": NAME,
        "horizon_days": days,
        "as_of": moment.isoformat(),
        "seed": seed,
        "count_answers": len(answers),
        "count_persons": len(answers.customers),
        **describe(verdicts, learnt, answers),
        "gates": [vars(gate) for gate in gates],
    }
    models = (personal, shop) if proven else (shop, personal)
    return Trained(*models, report["status"], {**report, "card": card(report)})


def _identity(answers: Answers, moment: pd.Timestamp, days: int, seed: int) -> str:
    """Return the name of everything a fit depends on."""
    names = hash_array(answers.customers[answers.customer], categorize=False)
    codes = (answers.kind, answers.channel, answers.hour, answers.weekday)
    moments = answers.moment.astype("datetime64[us]").astype(np.int64)
    facts = [NAME, RECIPE, moment.isoformat(), days, seed, answers.kinds, answers.channels]
    return content_name(facts, (names, *codes, moments))
