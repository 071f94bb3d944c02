"""What is older than its clock goes, from files and tables; what the platform needs stays."""

import json
import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.contracts import read_contracts
from orchestration.landing import discover
from orchestration.loading import load
from orchestration.retention.clocks import (
    LONGEST_LOOK_BACK,
    LOOKED_AT,
    InvalidClocks,
    check_clocks,
    read_clocks,
)
from orchestration.retention.process import Retention
from orchestration.runs import prepare_instance
from orchestration.settings import read_settings
from orchestration.warehouse import Connection

CONTRACTS = read_contracts(Path(__file__).parents[2] / "dbt_project")
AS_OF = datetime(2026, 11, 1)
DAYS = dict.fromkeys(
    ("web_behaviour", "mail_behaviour", "usage", "service_cases", "purchases", "quarantine"), 100
) | {
    "logs": 30, "exports": 30, "model_versions": 400, "run_history": 90, "former_recipients": None,
}  # fmt: skip
LOGINS = """
select anonymous_id, customer_id, min(occurred_at), max(occurred_at) from raw.web__events
where anonymous_id is not null and customer_id is not null
group by 1, 2 order by 1, 2
"""


@dg.op
def nothing():
    """Do nothing."""


@dg.job
def noop():
    """Do one thing."""
    nothing()


def ago(days):
    """Return a moment so many days before the clock, as text."""
    return f"{AS_OF - timedelta(days=days):%Y-%m-%d %H:%M:%S}"


def event(name, days, device="d1", account=""):
    """Return one line of web events."""
    return f"{name},page_view,{ago(days)},{device},{account}\n"


@pytest.fixture
def state(tmp_path):
    """Return a state folder with landed files of every format, old and new."""
    landing = tmp_path / "landing"
    for day, rows in {
        "2026-05-01": [
            event("old", 184), event("first", 183, account="C1"),
            event("middle", 182, account="C1"), event("last", 181, account="C1"),
            event("only", 180, "d2", "C2"), "broken,x,never,d1,\n",
        ],
        "2026-06-01": [event("older", 150)],
        "2026-10-01": [event("late", 140), event("edge", 100), event("new", 31)],
    }.items():  # fmt: skip
        folder = landing / f"web/events/arrived_on={day}"
        folder.mkdir(parents=True)
        header = "event_id,event_type,occurred_at,anonymous_id,customer_id\n"
        (folder / "part.csv").write_text(header + "".join(rows))
    (landing / "mail").mkdir()
    responses = [
        {"response_id": kind, "send_id": "S", "response_type": kind, "occurred_at": ago(150)}
        for kind in ("open", "click", "bounce_hard", "unsubscribe", "complaint", "bounce_soft")
    ]
    lines = "".join(f"{json.dumps(one)}\n" for one in responses)
    (landing / "mail/responses.jsonl").write_text(lines)
    (landing / "shop").mkdir()
    orders = {"order_id": ["O1"], "ordered_at": [AS_OF - timedelta(days=150)], "net_amount": ["9"]}
    pq.write_table(pa.table(orders), landing / "shop/orders.parquet")
    return read_settings({"REGULARS_HOME": str(tmp_path)})


@pytest.fixture
def connection(state):
    """Yield a warehouse in memory that has loaded all of it."""
    with duckdb.connect() as raw:
        raw.execute("set TimeZone = 'UTC'")
        connection = Connection(raw)
        load_all(connection, state)
        yield connection


def load_all(connection, state):
    """Bring raw in step with the landing folder."""
    files, _ = discover(state.landing, CONTRACTS)
    load(connection, CONTRACTS.values(), files, AS_OF)


def retention(connection, state, **days):
    """Return the retention of a state, by clocks of a hundred days."""
    clocks = check_clocks({**DAYS, **days}, CONTRACTS.values())
    return Retention(connection, state, CONTRACTS, clocks, AS_OF, datetime.now())  # noqa: DTZ005


def events(connection):
    """Return the ids of all loaded events."""
    return {one for (one,) in connection.execute("select event_id from raw.web__events")}


def by_store(found):
    """Return rows due and deleted, for stores that hold something."""
    return {one.store: (one.count_due, one.count_deleted) for one in found if one.count_rows}


def test_old_rows_go_from_files_and_tables_and_stay_away(connection, state):
    """Counting deletes nothing; deleting deletes what was counted; the loader brings none back."""
    logins = connection.execute(LOGINS)
    counted = by_store(retention(connection, state).count())
    before = events(connection)

    done = by_store(retention(connection, state).enforce())
    load_all(connection, state)
    again = by_store(retention(connection, state).count())

    assert counted["web/events"] == (4, 0)
    assert done["web/events"] == (4, 4)
    assert before - events(connection) == {"old", "middle", "older", "late"}
    assert again["web/events"] == (0, 0)
    assert connection.execute(LOGINS) == logins
    texts = "".join(path.read_text() for path in state.landing.rglob("*.csv"))
    assert not any(f"{name}," in texts for name in ("old", "middle", "older", "late", "broken"))
    assert not (state.landing / "web/events/arrived_on=2026-06-01/part.csv").exists()


def test_a_no_is_kept_for_good(connection, state):
    """Opens and clicks are behaviour; an opt-out, a complaint and a dead address are not."""
    done = by_store(retention(connection, state).enforce())

    left = connection.execute("select response_type from raw.mail__responses order by 1")
    assert [one for (one,) in left] == ["bounce_hard", "complaint", "unsubscribe"]
    assert done["mail/responses"] == (3, 3)
    assert len((state.landing / "mail/responses.jsonl").read_text().splitlines()) == 3


def test_purchases_are_counted_and_stay(connection, state):
    """The books and a customer's history are a person's decision."""
    landed = (state.landing / "shop/orders.parquet").read_bytes()

    done = by_store(retention(connection, state).enforce())

    assert done["shop/orders"] == (1, 0)
    assert connection.execute("select count(*) from raw.shop__orders") == [(1,)]
    assert (state.landing / "shop/orders.parquet").read_bytes() == landed


def test_a_killed_run_is_finished_by_the_next(connection, state):
    """Wherever it stops, the same rows are gone in the end, and every deletion is written down."""

    class Killed(BaseException):
        """The process dies."""

    def die(store):
        if store == "web/events":
            raise Killed

    with pytest.raises(Killed):
        retention(connection, state).enforce(die)
    load_all(connection, state)
    retention(connection, state).enforce()

    assert events(connection) == {"first", "last", "only", "edge", "new"}
    found = connection.execute(
        "select store, sum(count_deleted) from raw.retention_runs group by 1"
    )
    assert {"web/events": 4, "mail/responses": 3}.items() <= dict(found).items()


def test_a_run_killed_between_the_files_and_the_table_goes_on(connection, state):
    """A file is already short and forgotten by the loader; the table still has its rows."""
    path = state.landing / "web/events/arrived_on=2026-10-01/part.csv"
    path.write_text(path.read_text().replace(event("late", 140), ""))
    connection.execute("delete from raw.loaded_files where file like '%2026-10-01%'")

    retention(connection, state).enforce()
    load_all(connection, state)

    assert events(connection) == {"first", "last", "only", "edge", "new"}


def test_a_file_that_was_never_loaded_is_left_alone(connection, state):
    """An old export that came today: its logins are not known yet."""
    folder = state.landing / "web/events/arrived_on=2026-04-01"
    folder.mkdir()
    header = "event_id,event_type,occurred_at,anonymous_id,customer_id\n"
    (folder / "late.csv").write_text(header + event("before", 200, "d9", "C9"))

    retention(connection, state).enforce()
    load_all(connection, state)
    retention(connection, state).enforce()
    load_all(connection, state)

    assert "before" in events(connection)


def test_a_category_without_a_clock_is_kept(connection, state):
    """Null is a decision, too."""
    done = by_store(retention(connection, state, web_behaviour=None).enforce())

    assert done["web/events"] == (0, 0)
    assert len(events(connection)) == 9


def test_old_quarantine_logs_and_exports_go(connection, state):
    """A quarantined row is as old as its file; files and folders as their last change."""
    state.create_folders()
    for name in ("exports/c1", "exports/c2"):
        (state.home / name).mkdir(parents=True)
    paths = [state.logs / "old.log", state.exports / "c1/all.json"]
    for path in [*paths, state.logs / "new.log", state.exports / "c2/all.json"]:
        path.write_text("x")
    for path in [*paths, state.exports / "c1"]:
        os.utime(path, (1_600_000_000, 1_600_000_000))
    quarantined = connection.execute("select count(*) from raw.quarantine")[0][0]

    done = by_store(retention(connection, state).enforce())

    assert quarantined == 1
    assert connection.execute("select count(*) from raw.quarantine") == [(0,)]
    assert (done["logs/"], done["exports/"]) == ((1, 1), (1, 1))
    assert [path.name for path in sorted(state.logs.iterdir())] == ["new.log"]
    assert [path.name for path in state.exports.iterdir()] == ["c2"]


def test_old_versions_of_models_go_but_for_those_in_use(connection, state):
    """What scores, is pinned, has an alias or was trained lately stays, however old."""
    connection.execute(
        "create schema ml; create table ml.trainings as select 'next_order' as model_name,"
        " 'v' || i as model_version, timestamp '2026-01-01' + to_days(i) as as_of,"
        " now()::timestamp as trained_at, 'published' as status, '{}' as report, '' as sha256"
        " from range(8) as r (i);"
        "create table ml.pins as select 'next_order' as model_name, 'v1' as model_version,"
        " '' as sha256, '' as reason, now()::timestamp as pinned_at"
    )
    folder = state.models / "next_order"
    for number in range(8):
        (folder / f"v{number}").mkdir(parents=True)
        os.utime(folder / f"v{number}", (1_600_000_000, 1_600_000_000))
    (folder / "v2b").mkdir()  # young, although nobody knows of it
    (folder / "aliases.json").write_text('{"champion": "v7", "challenger": "v3"}')

    done = by_store(retention(connection, state).enforce())

    left = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert left == ["v1", "v2b", "v3", "v5", "v6", "v7"]
    assert done["models/"] == (3, 3)


@pytest.mark.filterwarnings("ignore:Handling yaml-defined logging configuration")
def test_old_runs_leave_dagsters_history(connection, state):
    """With their events; a young one stays. A state in which nothing ran has none."""
    found = {one.store: one.count_rows for one in retention(connection, state).count()}
    assert found["dagster/"] == 0
    prepare_instance(state)
    with dg.DagsterInstance.from_config(str(state.dagster)) as instance:
        runs = [noop.execute_in_process(instance=instance).run_id for _ in range(2)]
    with sqlite3.connect(state.dagster / "history/runs.db") as history:
        history.execute(
            "update runs set update_timestamp = '2020-01-01 00:00:00' where run_id = ?", runs[:1]
        )
    history.close()

    done = by_store(retention(connection, state).enforce())

    assert done["dagster/"] == (1, 1)
    with dg.DagsterInstance.from_config(str(state.dagster)) as instance:
        assert [run.run_id for run in instance.get_runs()] == runs[1:]
        assert instance.all_logs(runs[0]) == []
        assert instance.all_logs(runs[1])


def test_former_recipients_stay_until_somebody_decides(connection, state):
    """Without them nobody could be deleted at the platform; a clock says what it costs."""
    connection.execute(
        "create schema ledger; create table ledger.former_rows as"
        " select 's' as sync, 'a' as account, 'k' || i as row_key, 'c' as customer_id,"
        " 'p' as contact_point_id, 'x' as identifiers,"
        " now()::timestamp - to_days(i) as removed_at from range(0, 200, 40) as r (i)"
    )

    kept = by_store(retention(connection, state).enforce())
    short = retention(connection, state, former_recipients=100).enforce()

    assert kept["ledger.former_rows"] == (0, 0)
    assert by_store(short)["ledger.former_rows"] == (2, 2)
    assert connection.execute("select count(*) from ledger.former_rows") == [(3,)]
    assert any("cannot be deleted at the platform" in one.note for one in short)


def test_the_clocks_of_the_project_are_complete_and_long_enough_to_learn_from():
    """Every category has one; none makes features of past dates count less than there was."""
    clocks = read_clocks(CONTRACTS.values())

    assert all((clocks[name].days or 0) >= LONGEST_LOOK_BACK for name in LOOKED_AT)
    assert not any(clock.note for clock in clocks.values())
    short = check_clocks({**DAYS, "web_behaviour": 400}, CONTRACTS.values())["web_behaviour"]
    assert "shorter than the 451 days" in short.note


@pytest.mark.parametrize(
    ("change", "words"),
    [({"webb": 3}, "webb is no category"), ({"logs": 0}, "logs is no number of days"),
     ({"logs": True}, "logs is no number of days"), ({"logs": "30"}, "logs is no number of days")],
)  # fmt: skip
def test_a_clock_that_cannot_be_meant_is_refused(change, words):
    """A misspelt category would be kept for ever."""
    with pytest.raises(InvalidClocks, match=words):
        check_clocks({**DAYS, **change}, CONTRACTS.values())


def test_a_category_must_have_a_clock():
    """Forgetting one is no way to keep it."""
    with pytest.raises(InvalidClocks, match="usage has no clock"):
        check_clocks({k: v for k, v in DAYS.items() if k != "usage"}, CONTRACTS.values())
