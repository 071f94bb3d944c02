"""A prediction of somebody else's plugs in: trained, stored, applied, checked and explained."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest
import yaml

from ml.errors import FeatureError, VersionCorrupt, VersionNotFound
from ml.models import PREDICTIONS
from ml.prediction import Column, Input, Model, Reason, Refused, Trained, typed
from orchestration import model_versions, predicting, scoring
from orchestration.batches import batched
from orchestration.warehouse import Warehouse
from tests.scored import train_and_score

DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"


class Loudness:
    """The smallest prediction there is: everybody will be as loud as they were on average."""

    NAME = "loudness"
    KEY = ("customer_id",)
    HORIZON_DAYS = 30
    TRAINING: ClassVar = {"noises": Input("insight.noises", ("customer_id", "volume"))}
    SCORING: ClassVar = {"noises": Input("insight.noises", ("customer_id", "volume"), "volume > 1")}
    RESULT: ClassVar = {
        "customer_id": Column("str"),
        "volume": Column("float64", lowest=0, highest=10),
        "model_version": Column("str"),
        "scored_at": Column("datetime64[us]"),
    }

    def fit(self, frames, *, as_of, seed=0):
        """Return the mean, or refuse below three noises."""
        volumes = frames["noises"]["volume"]
        if len(volumes) < 3:
            return Refused(self.NAME, self.HORIZON_DAYS, as_of, (f"{len(volumes)} noises.",))
        parts = {"mean": float(volumes.mean())}
        models = [
            Model(self.NAME, f"{as_of:%Y-%m-%d}-{kind}", kind, 30, as_of, (), parts)
            for kind in ("mean", "zero")
        ]
        report = {"champion": "mean", "reason": "", "metrics": {}, "card": "# loudness\n"}
        return Trained(*models, "evidence", report)

    def predict(self, model, frames, *, scored_at):
        """Return the mean for everybody."""
        customers = frames["noises"]["customer_id"]
        columns = {
            "customer_id": customers,
            "volume": model.parts["mean"],
            "model_version": model.version,
            "scored_at": pd.Timestamp(scored_at).tz_localize(None),
        }
        return typed(columns, self.RESULT)

    def explain(self, model, frames):
        """Return more reasons than are wanted."""
        volume = float(frames["noises"]["volume"].iloc[0])
        usual = model.parts["mean"]
        return tuple(Reason(f"Noise {i}", volume, usual, 9.0 - i, "volume") for i in range(5))


class Counted(Loudness):
    """Learns how many rows it got, and of how many customers."""

    def fit(self, frames, *, as_of, seed=0):
        """Return the counts."""
        trained = super().fit(frames, as_of=as_of)
        customers = frames["noises"]["customer_id"]
        parts = {"rows": len(customers), "customers": customers.nunique()}
        return replace(trained, champion=replace(trained.champion, parts=parts))


LOUDNESS = Loudness()


class Remembering(Loudness):
    """A prediction that tells which version it went on from."""

    def inherit(self, trained, earlier):
        """Put the earlier version's name into the report."""
        return replace(trained, report={**trained.report, "reason": earlier.version})


@pytest.fixture
def warehouse(tmp_path):
    """A warehouse with a clock and four noises, one of them too low to score."""
    opened = Warehouse(tmp_path / "warehouse.duckdb")
    with opened.connect() as connection:
        connection.execute("create schema raw")
        connection.execute("create schema insight")
        connection.execute("create table raw.clock as select timestamp '2026-11-01' as as_of")
        connection.execute(
            "create table insight.noises as "
            "select * from (values ('a', 2.0::double, 'x'), ('b', 4.0, 'x'), ('c', 9.0, 'x'), "
            "('d', 1.0, 'x')) as noises (customer_id, volume, more)"
        )
    return opened


def run(warehouse, models, prediction=LOUDNESS):
    """Train and score once; return what came of the training and the result's counts."""
    with warehouse.connect() as connection:
        row = train_and_score(connection, prediction, models)
        return row, scoring.count_result(connection, prediction)


@pytest.mark.parametrize("prediction", PREDICTIONS, ids=lambda prediction: prediction.NAME)
def test_dbt_is_told_the_columns_that_are_written(prediction):
    """The source's description and the result agree in names, order and types."""
    path = DBT_PROJECT / "models" / "staging" / "ml" / "ml__sources.yml"
    tables = yaml.safe_load(path.read_text())["sources"][0]["tables"]
    told = next(table["columns"] for table in tables if table["name"] == prediction.NAME)

    written = [
        (name, scoring.SQL_TYPES[column.dtype]) for name, column in prediction.RESULT.items()
    ]
    assert [(column["name"], column["data_type"]) for column in told] == written


def test_a_prediction_goes_all_the_way(warehouse, tmp_path):
    """Version, digest and result are in the warehouse, the parameters as JSON in the store."""
    row, counts = run(warehouse, tmp_path / "models")

    folder = tmp_path / "models" / "loudness" / "2026-11-01-mean"
    assert row["status"] == "evidence"
    assert counts == {"rows": 3, "keys": 3, "valid": 3}
    assert (folder / "model.json").exists()
    assert (folder / "card.md").read_text().startswith("# loudness\n")
    with warehouse.connect(read_only=True) as connection:
        stored = connection.execute("select distinct volume, model_version from ml.loudness")
        training = predicting.read_training(connection, "loudness")
    assert stored == [(4.0, "2026-11-01-mean")]
    assert training["sha256"] == row["sha256"]


def test_the_strongest_three_reasons_come_from_the_version_that_scored(warehouse, tmp_path):
    """One customer's rows are read; a version that is gone explains nothing, and fails nobody."""
    run(warehouse, tmp_path / "models")

    with warehouse.connect(read_only=True) as connection:
        reasons, none = (
            predicting.explain(
                connection, LOUDNESS, tmp_path / "models", entity_id="b", version=version
            )
            for version in ("2026-11-01-mean", "2020-01-01-mean")
        )

    assert [(reason.subject, reason.value) for reason in reasons] == [
        ("Noise 0", 4.0), ("Noise 1", 4.0), ("Noise 2", 4.0)
    ]  # fmt: skip
    assert none == ()


class Echo(Loudness):
    """The same of rooms: no customer anywhere."""

    NAME = "echo"
    KEY = ("room_id",)
    TRAINING: ClassVar = {"noises": Input("insight.rooms", ("room_id", "volume"))}
    SCORING: ClassVar = TRAINING
    RESULT: ClassVar = {
        "room_id": Column("str"),
        **{name: one for name, one in Loudness.RESULT.items() if name != "customer_id"},
    }

    def predict(self, model, frames, *, scored_at):
        """Return the mean for every room."""
        rooms = frames["noises"].rename(columns={"room_id": "customer_id"})
        found = LOUDNESS.predict(model, {"noises": rooms}, scored_at=scored_at)
        return found.rename(columns={"customer_id": "room_id"})


def test_a_prediction_may_be_about_something_else_than_customers(warehouse, tmp_path):
    """The first column of its key is what is stored, counted and asked for."""
    with warehouse.connect() as connection:
        connection.execute(
            "create table insight.rooms as "
            "select customer_id as room_id, volume from insight.noises"
        )
    echo, models = Echo(), tmp_path / "models"
    row, counts = run(warehouse, models, echo)

    with warehouse.connect(read_only=True) as connection:
        reasons = predicting.explain(
            connection, echo, models, entity_id="c", version=row["model_version"]
        )

    assert counts == {"rows": 4, "valid": 4, "keys": 4}
    assert reasons[0].value == 9.0


def test_the_same_clock_is_one_training_and_one_result(warehouse, tmp_path):
    """A second run on a day replaces what the first one wrote."""
    run(warehouse, tmp_path / "models")
    _, counts = run(warehouse, tmp_path / "models")

    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from ml.trainings") == [(1,)]
    assert counts["rows"] == 3


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_leave_nobody_out_and_take_nobody_twice(warehouse, tmp_path, size):
    """Whatever the size of a batch, every customer is scored once, at one moment."""
    with warehouse.connect() as connection:
        train_and_score(connection, LOUDNESS, tmp_path / "models", batch_customers=size)
        stored = connection.execute(
            "select customer_id, count(distinct scored_at) over () "
            "from ml.loudness order by customer_id"
        )
        frames = list(
            scoring.score(connection, LOUDNESS, tmp_path / "models", batch_customers=size)
        )

    assert stored == [("a", 1), ("b", 1), ("c", 1)]
    assert all(len(frame) for frame in frames)
    assert sum(len(frame) for frame in frames) == 3
    assert len(frames) <= -(-3 // size)


def test_training_takes_a_sample_and_says_so(warehouse, tmp_path, monkeypatch):
    """Beyond a limit the same customers are drawn each time, all their rows with them."""
    monkeypatch.setattr(predicting, "MOST_CUSTOMERS", 100)
    with warehouse.connect() as connection:
        connection.execute(
            "insert into insight.noises select md5(cast(range % 1000 as varchar)), 2.0, 'x' "
            "from range(3000)"
        )
        first, second = (predicting.train(connection, Counted()) for _ in range(2))

    count = first.champion.parts["customers"]
    assert 70 <= count <= 130
    assert first.champion.parts["rows"] == pytest.approx(3 * count, abs=2)
    assert first.report["sampled"] == {"customers": 100, "of": 1004}
    assert second.champion.parts == first.champion.parts


def test_what_is_about_nobody_is_not_sampled(warehouse, monkeypatch):
    """A calendar has no customers to draw from."""
    monkeypatch.setattr(predicting, "MOST_CUSTOMERS", 2)
    counting, seen = Counted(), {}
    counting.TRAINING = {**counting.TRAINING, "days": Input("raw.clock", ("as_of",))}
    refused = Refused("loudness", 30, pd.Timestamp("2026-11-02"), ("Seen.",))
    monkeypatch.setattr(counting, "fit", lambda frames, **_: seen.update(frames) or refused)
    with warehouse.connect() as connection:
        predicting.train(connection, counting)

    assert len(seen["days"]) == 1
    assert len(seen["noises"]) < 4


def test_who_counts_people_gets_them_all(warehouse, monkeypatch):
    """A sample would make volumes too small."""
    monkeypatch.setattr(predicting, "MOST_CUSTOMERS", 2)
    counting = Counted()
    counting.COUNTS_PEOPLE = True
    with warehouse.connect() as connection:
        outcome = predicting.train(connection, counting)

    assert outcome.champion.parts == {"rows": 4, "customers": 4}
    assert "sampled" not in outcome.report


def test_a_refusal_empties_the_result_and_says_why(warehouse, tmp_path):
    """Old scores do not outlive the data they came from."""
    run(warehouse, tmp_path / "models")
    with warehouse.connect() as connection:
        connection.execute("delete from insight.noises where customer_id <> 'a'")

    row, counts = run(warehouse, tmp_path / "models")

    assert (row["status"], row["reasons"]) == ("refused", '["1 noises."]')
    assert counts == {"rows": 0, "keys": 0, "valid": 0}


def test_a_missing_column_is_a_refusal_with_its_name(warehouse, tmp_path):
    """A model of the warehouse that lacks a column stops this prediction, not the run."""
    with warehouse.connect() as connection:
        connection.execute("alter table insight.noises drop column volume")

    row, _ = run(warehouse, tmp_path / "models")

    assert row["status"] == "refused"
    assert "insight.noises has no column volume. Add it to the model." in row["reasons"]


class Picky(Loudness):
    """Finds that its frame breaks the contract."""

    def fit(self, frames, *, as_of, seed=0):
        """Say what is wrong, and what to do."""
        raise FeatureError("Column volume is infinite in 2 rows. Guard the division.")


def test_a_frame_that_breaks_its_contract_is_a_refusal_with_the_remedy(warehouse, tmp_path):
    """The run goes on, nobody is scored, and the reason is that of the error."""
    row, counts = run(warehouse, tmp_path / "models", Picky())

    assert row["status"] == "refused"
    assert json.loads(row["reasons"]) == [
        "Column volume is infinite in 2 rows. Guard the division."
    ]
    assert counts == {"rows": 0, "keys": 0, "valid": 0}


class Deaf(Loudness):
    """Finds in some batches that they break the contract."""

    def predict(self, model, frames, *, scored_at):
        """Refuse the batch with customer 7."""
        if (frames["noises"]["customer_id"] == "7").any():
            raise FeatureError("Column volume is infinite in 2 rows. Guard the division.")
        return super().predict(model, frames, scored_at=scored_at)


def score_again(warehouse, models, prediction=LOUDNESS):
    """Score without training; return why not, and how many rows there are now."""
    with warehouse.connect() as connection:
        results = scoring.score(connection, prediction, models, batch_customers=2_500)
        with scoring.spooled(results, prediction, models) as scored:
            scoring.replace_result(connection, prediction, scored.rows)
        return scored.refusal, scoring.count_rows(connection, prediction)[0]


@pytest.mark.parametrize("is_pinned", [True, False])
def test_a_column_that_is_gone_when_scoring_is_a_refusal_with_the_remedy(
    warehouse, tmp_path, is_pinned
):
    """Nobody keeps a score of yesterday; of a pinned version it is said how to let go of it."""
    models = tmp_path / "models"
    run(warehouse, models)
    with warehouse.connect() as connection:
        if is_pinned:
            model_versions.roll_back(
                connection, "loudness", models, version="2026-11-01-mean", reason=""
            )
        connection.execute("alter table insight.noises drop column volume")

    refusal, count = score_again(warehouse, models)

    assert count == 0
    assert "insight.noises has no column volume. Add it to the model." in refusal
    assert ("regulars rollback loudness --release" in refusal) == is_pinned


def test_what_breaks_off_half_way_scores_nobody(warehouse, tmp_path):
    """Batches before the one that breaks the contract are not half a result."""
    with warehouse.connect() as connection:
        connection.execute(
            "insert into insight.noises select cast(i as varchar), 3.0, 'x' from range(9000) as "
            "numbers (i)"
        )
    models = tmp_path / "models"
    run(warehouse, models)

    assert score_again(warehouse, models)[1] > 9_000
    refusal, count = score_again(warehouse, models, Deaf())

    assert (refusal, count) == ("Column volume is infinite in 2 rows. Guard the division.", 0)


@pytest.mark.parametrize("size", [1_000, 2_048, 5_000])
def test_rows_of_a_customer_stay_together_in_whatever_order_they_lie(warehouse, size):
    """Each input is read once, in batches of the same customers; strangers are left out."""
    with warehouse.connect() as connection:
        connection.execute(
            "create table insight.many as select md5(cast(i as varchar)) as customer_id, i as size "
            "from range(9000) as numbers (i)"
        )
        connection.execute(
            "create table insight.acts as select md5(cast(i * 7 % 12000 as varchar)) as "
            "customer_id, i as act from range(36000) as numbers (i)"
        )
        many = Input("insight.many", ("customer_id", "size"))
        acts = Input("insight.acts", ("customer_id", "act"))
        both = list(batched(connection, {"many": many, "acts": acts}, "customer_id", size))
        alone = list(batched(connection, {"many": many}, "customer_id", size))
        nobody = Input("insight.acts", ("customer_id", "act"), "act < 0")
        none = list(batched(connection, {"many": many, "acts": nobody}, "customer_id", size))

    seen = [set(frames["many"]["customer_id"]) for frames in both]
    assert sum(len(one) for one in seen) == len(set().union(*seen)) == 9_000
    assert len(both) > 1
    for customers, frames in zip(seen, both, strict=True):
        known = frames["acts"][frames["acts"]["customer_id"].isin(customers)]
        assert (known.groupby("customer_id").size() == 3).all()
        assert set(known["customer_id"]) == customers
    assert sorted(pd.concat([one["many"] for one in alone])["size"]) == list(range(9_000))
    assert all(list(frames["acts"].columns) == ["customer_id", "act"] for frames in none)
    assert sum(len(frames["acts"]) for frames in none) == 0


def test_a_scoring_that_breaks_off_leaves_nothing_open(warehouse, tmp_path):
    """What was read ahead is let go, and the warehouse can be written to."""
    with warehouse.connect() as connection:
        connection.execute(
            "insert into insight.noises select md5(cast(i as varchar)), 2.0, 'x' from range(9000) "
            "as numbers (i)"
        )
        train_and_score(connection, LOUDNESS, tmp_path / "models")
        results = scoring.score(connection, LOUDNESS, tmp_path / "models", batch_customers=2_500)
        next(results)
        results.close()

        connection.execute("delete from insight.noises")

        assert connection.execute("select count(*) from insight.noises") == [(0,)]


def test_a_result_beyond_its_limits_is_not_valid(warehouse, tmp_path):
    """The check that follows sees values that cannot be."""
    with warehouse.connect() as connection:
        connection.execute("update insight.noises set volume = volume * 10")

    _, counts = run(warehouse, tmp_path / "models")

    assert counts == {"rows": 4, "keys": 4, "valid": 0}


def test_a_result_table_of_another_shape_is_replaced(warehouse, tmp_path):
    """A column more in a new version of a prediction needs no migration."""
    with warehouse.connect() as connection:
        connection.execute("create schema ml")
        connection.execute("create table ml.loudness (customer_id varchar)")

    _, counts = run(warehouse, tmp_path / "models")

    assert counts["valid"] == 3


def train_on(warehouse, models, day):
    """Let the clock go on to a day and train once more."""
    with warehouse.connect() as connection:
        connection.execute(
            f"create or replace table raw.clock as select timestamp '{day}' as as_of"
        )
        connection.execute("update insight.noises set volume = volume * 1.1")
    run(warehouse, models)


def in_use(warehouse):
    """Return the version that scored last, and the volume it expects."""
    with warehouse.connect(read_only=True) as connection:
        return connection.execute("select distinct model_version, volume from ml.loudness")[0]


def test_a_roll_back_holds_until_it_is_released(warehouse, tmp_path):
    """An earlier version scores, also after newer trainings; released, the newest one does."""
    models = tmp_path / "models"
    run(warehouse, models)
    first = in_use(warehouse)
    train_on(warehouse, models, "2026-11-02")
    assert in_use(warehouse)[0] == "2026-11-02-mean"

    with warehouse.connect() as connection:
        chosen = model_versions.roll_back(
            connection, "loudness", models, version=None, reason="too loud"
        )
    train_on(warehouse, models, "2026-11-03")

    assert chosen == "2026-11-01-mean"
    assert in_use(warehouse) == first
    with warehouse.connect() as connection:
        trainings = model_versions.list_trainings(connection, "loudness")
        assert [(one.version, one.is_used, one.is_pinned) for one in trainings] == [
            ("2026-11-03-mean", False, False),
            ("2026-11-02-mean", False, False),
            ("2026-11-01-mean", True, True),
        ]
        pin = model_versions.read_pin(connection, "loudness")
        assert (pin.version, pin.reason) == ("2026-11-01-mean", "too loud")
        assert model_versions.release(connection, "loudness")
        assert not model_versions.release(connection, "loudness")
    run(warehouse, models)
    assert in_use(warehouse)[0] == "2026-11-03-mean"


def test_a_pinned_version_scores_where_training_is_refused(warehouse, tmp_path):
    """Whoever pins a version wants its scores, however thin the data has become."""
    models = tmp_path / "models"
    run(warehouse, models)
    with warehouse.connect() as connection:
        model_versions.roll_back(
            connection, "loudness", models, version="2026-11-01-mean", reason=""
        )
        connection.execute("delete from insight.noises where customer_id in ('a', 'd')")

    row, counts = run(warehouse, models)

    assert row["status"] == "refused"
    assert counts["rows"] == 2


@pytest.mark.parametrize(
    ("version", "message"),
    [(None, "no version before the one in use"), ("2020-01-01-mean", "no version 2020-01-01-mean")],
)
def test_what_is_not_there_cannot_be_rolled_back_to(warehouse, tmp_path, version, message):
    """The error names what there is, and nothing is pinned."""
    run(warehouse, tmp_path / "models")

    with warehouse.connect() as connection:
        with pytest.raises(VersionNotFound, match=message) as caught:
            model_versions.roll_back(
                connection, "loudness", tmp_path / "models", version=version, reason=""
            )
        assert model_versions.read_pin(connection, "loudness") is None
    assert "2026-11-01-mean" in str(caught.value)


def test_a_changed_file_is_not_rolled_back_to(warehouse, tmp_path):
    """The digest in the warehouse decides."""
    models = tmp_path / "models"
    run(warehouse, models)
    file = models / "loudness" / "2026-11-01-mean" / "model.json"
    file.write_text(file.read_text().replace("4.0", "5.0"))

    with warehouse.connect() as connection, pytest.raises(VersionCorrupt):
        model_versions.roll_back(
            connection, "loudness", models, version="2026-11-01-mean", reason=""
        )


def test_a_training_goes_on_from_the_newest_version_there_is(warehouse, tmp_path):
    """A refused training in between is passed over; without a version, or its file, nothing is."""
    models, remembering = tmp_path / "models", Remembering()

    def reason():
        with warehouse.connect() as connection:
            outcome = predicting.train(connection, remembering)
            return predicting.inherit(connection, remembering, outcome, models).report["reason"]

    assert reason() == ""
    run(warehouse, models)
    assert reason() == "2026-11-01-mean"

    refused = Refused("loudness", 30, pd.Timestamp("2026-11-02"), ("Too few.",))
    with warehouse.connect() as connection:
        predicting.replace_training(connection, predicting.remember(refused, models))
        assert predicting.inherit(connection, remembering, refused, models) is refused
    assert reason() == "2026-11-01-mean"
    shutil.rmtree(models)
    assert reason() == ""
