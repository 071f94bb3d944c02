"""When and through what persons answer: habits are found where there are some, and only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.errors import FeatureError
from ml.habits.habit import STRENGTHS, TRAITS
from ml.model_files import PLAIN, dumps, loads
from ml.models import channel_and_time
from ml.prediction import Refused, Trained
from tests.ml.answering import CLOCK, answers_of

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)


def customers_at(truth: pd.DataFrame, moment: pd.Timestamp = CLOCK) -> pd.DataFrame:
    """Return the customers to score, all of one moment."""
    return truth[["customer_id"]].assign(as_of=moment)


def score(trained: Trained, answers: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return what the published model says of every customer, with the truth beside it."""
    frames = {"answers": answers, "customers": customers_at(truth)}
    rows = channel_and_time.predict(trained.champion, frames, scored_at=CLOCK)
    return rows.merge(truth, on="customer_id")


def apart(first: pd.Series, second: pd.Series) -> pd.Series:
    """Return how many hours lie between two hours of the day."""
    away = (first - second).abs()
    return np.minimum(away, 24 - away)


def fitted(answers: pd.DataFrame, **options: Any) -> Trained:
    """Return what was learnt at the clock."""
    result = channel_and_time.fit({"answers": answers}, as_of=CLOCK, **options)
    assert isinstance(result, Trained), result
    return result


@pytest.fixture(scope="module")
def habitual() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A shop whose customers have an hour and a channel of their own."""
    return answers_of(3_000, seed=4, hour_habit=0.5, channel_habit=0.6)


@pytest.mark.parametrize("seed", SEEDS)
def test_own_hours_are_found_and_told_with_their_odds(seed: int) -> None:
    """The choice is near the true hour far more often than the shop's, and meets what it says."""
    answers, truth = answers_of(3_000, seed=seed, hour_habit=0.5)
    trained = fitted(answers)
    rows = score(trained, answers, truth)
    personal = rows[rows["is_hour_personal"]]

    assert trained.report["habits"]["hour"]["is_personal"]
    assert (apart(rows["best_hour"], rows["own_hour"]) <= 1).mean() > 0.6
    assert (apart(rows["shop_hour"], rows["own_hour"]) <= 1).mean() < 0.35
    assert (personal["hour_probability"] > personal["shop_hour_probability"]).all()
    assert (personal["count_hour_answers"] > 0).all()
    # Half of the answers keep to the own hour and those beside it, the others may.
    assert personal["hour_probability"].mean() == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("seed", SEEDS)
def test_own_channels_are_found(seed: int) -> None:
    """Customers who answer by app are given push, the others e-mail."""
    answers, truth = answers_of(3_000, seed=seed, channel_habit=0.6)
    trained = fitted(answers)
    rows = score(trained, answers, truth)
    known = rows[rows["count_channel_answers"] >= 5]

    assert trained.report["habits"]["channel"]["is_personal"]
    assert not trained.report["habits"]["hour"]["is_personal"]
    assert (known["best_channel"] == known["own_channel"]).mean() > 0.85
    assert (rows["best_hour"] == rows["shop_hour"]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_personal_where_nobody_differs(seed: int) -> None:
    """No evidence: everybody gets the shop's best, marked as such, with the same odds."""
    answers, truth = answers_of(3_000, seed=seed)
    trained = fitted(answers)
    rows = score(trained, answers, truth)

    habits = trained.report["habits"]
    assert not habits["hour"]["is_personal"]
    assert not habits["channel"]["is_personal"]
    assert "No evidence that the best hour differs" in trained.report["reason"]
    assert (trained.report["status"] == "no_evidence") == (not habits["weekday"]["is_personal"])
    for trait in ("hour", "channel"):
        assert rows[f"best_{trait}"].nunique() == 1
        assert (rows[f"best_{trait}"] == rows[f"shop_{trait}"]).all()
        assert not rows[f"is_{trait}_personal"].any()
        assert rows[f"{trait}_probability"].nunique() == 1


def test_luck_is_rarely_called_a_habit() -> None:
    """Of thirty shops without habits at most two seem to have one of three."""
    found = sum(
        bool(fitted(answers_of(1_500, seed=seed)[0]).report["champion"] == "personal")
        for seed in range(30)
    )

    assert found <= 2


def test_the_hour_of_a_mail_is_not_taken_for_the_shops_best() -> None:
    """Mails that go out at seven are opened in the morning; visits are in the evening."""
    answers, _ = answers_of(3_000, seed=1)
    is_mail = answers["answer_kind"] == "mail"
    mails = pd.concat([answers, *[answers[is_mail]] * 5], ignore_index=True)

    assert mails["local_hour"].mode()[0] < 12
    assert fitted(mails).report["habits"]["hour"]["shop_best"] in (19, 20)


def test_who_opens_many_mails_is_no_morning_person() -> None:
    """Persons differ in how many of their answers are opened mails, not in when: no evidence."""
    answers, _ = answers_of(4_000, seed=5)
    number = answers["customer_id"].str[1:].astype(int)
    keeps = (answers["answer_kind"] == "mail") == (number % 2 == 0)

    assert not fitted(answers[keeps]).report["habits"]["hour"]["is_personal"]


def test_few_answers_weigh_little(habitual: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """One answer at night moves nobody there; thirty do."""
    answers, truth = habitual
    trained = fitted(answers)
    person = truth.iloc[:1].assign(customer_id="new")
    night = answers.iloc[:1].assign(customer_id="new", answer_kind="web", local_hour=3)

    def hour(count: int) -> int:
        days = [night.assign(answered_at=CLOCK - pd.Timedelta(days=n + 1)) for n in range(count)]
        given = pd.concat(days) if days else answers.iloc[:0]
        return int(score(trained, given, person)["best_hour"].iloc[0])

    assert hour(0) == hour(1) == trained.report["habits"]["hour"]["shop_best"]
    assert abs(hour(30) - 3) <= 1


def test_the_same_answers_give_the_same_version(habitual) -> None:
    """The order of rows does not matter; another clock does."""
    answers, _ = habitual
    shuffled = answers.sample(frac=1, random_state=1)
    later = channel_and_time.fit({"answers": answers}, as_of=CLOCK + pd.Timedelta(days=1))

    assert fitted(answers).champion == fitted(shuffled).champion
    assert later.champion.version != fitted(answers).champion.version


def test_what_was_learnt_is_plain_text(habitual, tmp_path) -> None:
    """A file without code gives the same answers."""
    answers, truth = habitual
    trained = fitted(answers)
    file, data = dumps(trained.champion)
    frames = {"answers": answers, "customers": customers_at(truth)}
    again = loads(file, data, tmp_path)

    assert file == PLAIN
    pd.testing.assert_frame_equal(
        channel_and_time.predict(again, frames, scored_at=CLOCK),
        channel_and_time.predict(trained.champion, frames, scored_at=CLOCK),
    )


def test_nothing_after_the_moment_is_read(habitual) -> None:
    """What comes after the clock changes neither the model nor the choice."""
    answers, truth = habitual
    future = answers.assign(answered_at=answers["answered_at"] + pd.Timedelta(days=800))
    both = pd.concat([answers, future.assign(local_hour=3)], ignore_index=True)

    assert fitted(both).champion.version == fitted(answers).champion.version
    pd.testing.assert_frame_equal(
        score(fitted(answers), both, truth), score(fitted(answers), answers, truth)
    )


def test_time_that_goes_back_uses_what_was_known_then(habitual) -> None:
    """At an earlier clock a customer's choice rests on the answers until then."""
    answers, truth = habitual
    model = fitted(answers).champion
    then = CLOCK - pd.Timedelta(days=400)
    frames = {"answers": answers, "customers": customers_at(truth, then)}
    rows = channel_and_time.predict(model, frames, scored_at=CLOCK)
    known = answers[(answers["answered_at"] < then)]

    assert rows["count_hour_answers"].sum() == len(known)
    assert isinstance(
        channel_and_time.fit({"answers": answers}, as_of=CLOCK - pd.Timedelta(days=900)), Refused
    )


@pytest.mark.parametrize("change", ["few", "recent", "no return"])
def test_thin_data_is_refused_with_numbers(habitual, change: str) -> None:
    """Too few answers, too short a time, nobody who answered before and lately."""
    answers, _ = habitual
    age = CLOCK - answers["answered_at"]
    given = {
        "few": answers.iloc[:500],
        "recent": answers[age < pd.Timedelta(days=60)],
        "no return": answers[age > pd.Timedelta(days=120)],
    }[change]

    result = channel_and_time.fit({"answers": given}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert all("at least" in reason for reason in result.reasons)


@pytest.mark.parametrize("column", ["customer_id", "local_hour", "answered_at", "answer_date"])
def test_missing_values_are_refused_by_name(habitual, column: str) -> None:
    """A column that is null everywhere stops the training and the scoring, named."""
    answers, truth = habitual
    empty = answers.assign(**{column: answers[column].mask(answers[column].notna())})
    result = channel_and_time.fit({"answers": empty}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert column in result.reasons[0]
    with pytest.raises(FeatureError, match=column):
        score(fitted(answers), empty, truth)


def test_an_hour_that_no_day_has_is_refused(habitual) -> None:
    """24 and -1 are mistakes of the model that makes answers."""
    answers, _ = habitual
    result = channel_and_time.fit({"answers": answers.assign(local_hour=24)}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert "0 to 23" in result.reasons[0]


@pytest.mark.parametrize(
    "same",
    [{"local_hour": 9}, {"channel": "email", "answer_kind": "mail"}, {"channel": None}],
)  # fmt: skip
def test_what_is_the_same_for_all_is_no_habit(habitual, same: dict[str, Any]) -> None:
    """One hour, one channel or none: the shop's best is that, and nobody differs in it."""
    answers, truth = habitual
    trained = fitted(answers.assign(**same))
    rows = score(trained, answers.assign(**same), truth)
    trait = "hour" if "local_hour" in same else "channel"

    assert not trained.report["habits"][trait]["is_personal"]
    assert rows[f"best_{trait}"].nunique() == 1
    expected = {"hour": 9, "channel": same.get("channel") or "none"}[trait]
    assert rows[f"best_{trait}"].iloc[0] == expected
    assert rows[f"{trait}_probability"].between(0, 1).all()


def test_a_new_kind_of_answer_is_left_out(habitual) -> None:
    """A channel that came after the training is chosen for nobody and changes nobody's choice."""
    answers, truth = habitual
    trained = fitted(answers)
    new = answers.assign(answer_kind="chat", channel="sms", local_hour=3)

    rows = score(trained, pd.concat([answers, new], ignore_index=True), truth)

    pd.testing.assert_frame_equal(rows, score(trained, answers, truth))


def test_who_never_answered_gets_the_shops(habitual) -> None:
    """No answers: no personal choice, and odds that are everybody's."""
    answers, truth = habitual
    silent = truth.iloc[:1].assign(customer_id="silent")
    row = score(fitted(answers), answers, silent).iloc[0]

    for trait in TRAITS:
        assert row[f"best_{trait}"] == row[f"shop_{trait}"]
        assert row[f"count_{trait}_answers"] == 0
        assert not row[f"is_{trait}_personal"]


def test_the_strength_is_learnt(habitual) -> None:
    """The more persons differ, the less what is usual weighs; without habits it weighs all."""
    answers, _ = habitual
    weaker, _ = answers_of(3_000, seed=4, hour_habit=0.2)
    none, _ = answers_of(3_000, seed=4)
    strong, weak, nothing = (
        fitted(one).report["habits"]["hour"]["strength"] for one in (answers, weaker, none)
    )

    assert strong < 30 < weak < nothing <= STRENGTHS[1]
