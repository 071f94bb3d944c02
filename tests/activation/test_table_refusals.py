"""What a Postgres refuses is one clear error, and nobody is lost for it."""

from dataclasses import replace

import psycopg
import pytest

from activation.destinations import DESTINATIONS, settings_for
from activation.destinations.table import TableSettings
from activation.errors import (
    AuthenticationRefused,
    MissingSetting,
    PlatformRefused,
    PlatformUnreachable,
    TargetMissing,
)
from activation.syncs import diff_sync
from tests.activation.postgres import PASSWORD
from tests.activation.table_world import (
    CONTENT,
    ROWS,
    SCORES,
    TABLE,
    make_table,
    run,
    score,
    scores_at,
)
from tests.activation.world import AS_OF, KEYS, world_at


def test_a_refused_row_does_not_keep_the_others_out(tmp_path, server):
    """The batch is undone as a whole, then halved until the row is found."""
    make_table(server, TABLE.replace("stage text", "stage varchar(8)"))
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(n, stage="much too long" if n == 5 else "active") for n in range(20)])
        summary = run(world, settings)
        codes = world.connection.execute("select row_key, code from ledger.rejections")

    assert (summary.delivered, summary.rejected) == (19, 1)
    assert codes == [("c5", "sql_22001")]
    assert len(server.run(CONTENT)) == 19


def test_a_text_no_database_takes_is_invalid(tmp_path, server):
    """NUL is found before anything is asked."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1), score(2, stage="a\0b")])
        summary = run(world, settings)

    assert (summary.delivered, summary.invalid) == (1, 1)


def test_the_table_is_made_on_request_only(tmp_path, server):
    """Without the request the message holds the statement, and that statement will do."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1)])
        with pytest.raises(TargetMissing, match="REGULARS_TABLE_CREATE=yes") as caught:
            run(world, replace(settings, creates=""))
        nothing = server.run("select count(*) from pg_tables where schemaname = 'shop'")
        make_table(server, str(caught.value).partition("make it: ")[2])
        summary = run(world, replace(settings, creates=""))

    assert nothing == [(0,)]
    assert summary.delivered == 1


def test_a_missing_column_stops_before_anything_is_written(tmp_path, server):
    """Removals included; the message names the columns and the statement that adds them."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(n) for n in range(5)])
        run(world, settings)
        server.run("alter table shop.customer_scores drop column stage, drop column score")
        before = server.run(ROWS)
        world.desire([score(0, stage="lapsed"), score(9)])
        with pytest.raises(PlatformRefused, match="no column stage, score") as caught:
            run(world, settings)
        unchanged = server.run(ROWS)
        server.run(str(caught.value).partition("missing: ")[2])
        summary = run(world, settings)

    assert unchanged == before
    assert summary.delivered == 6
    assert server.run(CONTENT) == [("c0", "lapsed"), ("c9", "active")]


def test_a_table_without_its_key_stops_before_anything_is_written(tmp_path, server):
    """Without a unique key there is no telling rows apart."""
    make_table(server, TABLE.replace(" primary key", ""))
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1)])
        with pytest.raises(PlatformRefused, match="primary key or a unique index"):
            run(world, settings)


def test_another_type_stops_before_anything_is_written(tmp_path, server):
    """The contract's type must fit the column."""
    make_table(server, TABLE.replace("stage text", "stage integer"))
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1)])
        with pytest.raises(PlatformRefused, match='column "stage" is of type integer'):
            run(world, settings)


@pytest.mark.parametrize("privilege", ["insert", "update", "delete", "select"])
def test_a_missing_privilege_stops_before_anything_is_written(tmp_path, server, privilege):
    """Also one that only a later run would need."""
    make_table(server)
    server.run(f"revoke {privilege} on shop.customer_scores from writer")
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1)])
        with pytest.raises(PlatformRefused, match="Grant the user"):
            run(world, settings)

    assert server.run(CONTENT) == []


@pytest.mark.parametrize(
    ("change", "error", "remedy"),
    [
        ({"password": "wrong-secret"}, AuthenticationRefused, "valid user and password"),
        ({"user": "nobody-here"}, AuthenticationRefused, "valid user and password"),
        ({"database": "no-such"}, PlatformRefused, "Name an existing database"),
    ],
)
def test_a_login_that_is_refused_is_one_clear_error(tmp_path, server, change, error, remedy):
    """The next run with the right address delivers."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1)])
        wrong = replace(settings, base_url=server.url(**change))
        with pytest.raises(error, match=remedy) as caught:
            run(world, wrong)
        summary = run(world, settings)

    assert "REGULARS_TABLE_URL" in str(caught.value)
    shown = f"{caught.value!r} {caught.value.__context__!r} {wrong!r}"
    assert not any(secret in shown for secret in ("wrong-secret", PASSWORD, "correct%20horse"))
    assert summary.delivered == 1


@pytest.mark.parametrize(
    ("change", "restore", "error"),
    [
        (
            "revoke connect on database crm from public",
            "grant connect on database crm to public",
            PlatformRefused,
        ),
        (
            "revoke temporary on database crm from public",
            "grant temporary on database crm to public",
            PlatformRefused,
        ),
        ("alter role writer nologin", "alter role writer login", AuthenticationRefused),
        (
            "alter role writer connection limit 0",
            "alter role writer connection limit 9",
            PlatformUnreachable,
        ),
    ],
)
def test_a_door_that_is_closed_is_one_clear_error(tmp_path, server, change, restore, error):
    """A full house passes by itself, a missing right does not."""
    make_table(server)
    server.run(change)
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1)])
        with pytest.raises(error):
            run(world, settings)
        server.run(restore)
        summary = run(world, settings)

    assert summary.delivered == 1


@pytest.mark.parametrize(
    "url", ["postgresql://u:secret@127.0.0.1:1/crm", "postgresql://u:secret@nowhere.invalid/crm"]
)
def test_a_server_that_is_not_there_is_unreachable(tmp_path, url):
    """Refused connections and unknown hosts; trying again can help."""
    with world_at(tmp_path / "w.duckdb", SCORES) as world:
        world.desire([score(1)])
        with pytest.raises(PlatformUnreachable, match="REGULARS_TABLE_URL") as caught:
            run(world, TableSettings(url))

    assert "secret" not in f"{caught.value!r} {caught.value.__context__!r}"


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "host=h password=secret", "http://[", "x"])
def test_an_address_of_something_else_is_refused(tmp_path, url):
    """No part of it is shown, and none is kept."""
    with world_at(tmp_path / "w.duckdb", SCORES) as world:
        world.desire([score(1)])
        with pytest.raises(PlatformRefused, match=r"postgresql://user:password@host") as caught:
            run(world, TableSettings(url))
        plan = diff_sync(world.connection, world.spec, TableSettings(url), as_of=AS_OF, keys=KEYS)

    assert DESTINATIONS["table"](TableSettings(url)).account == ""
    assert "secret" not in f"{caught.value!r} {caught.value.__context__!r}"
    assert plan.counts == {"add": 1}


def test_the_variable_is_named_when_it_is_not_set(world):
    """As for every destination."""
    with pytest.raises(MissingSetting, match="REGULARS_TABLE_URL is not set"):
        run(replace_spec(world), settings_for("table", {}))


def replace_spec(world):
    """Return the world with the scores' sync."""
    world.spec = SCORES
    return world


def test_a_connection_that_is_lost_is_opened_again(tmp_path, server):
    """The server ends the session in the middle of a batch; the rows arrive all the same."""
    make_table(server)
    server.run(
        "create sequence shop.times; grant usage on shop.times to writer;"
        "create function shop.fail() returns trigger security definer language plpgsql as $$"
        " begin if nextval('shop.times') = 3 then"
        " perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$;"
        "create trigger fail before insert on shop.customer_scores"
        " for each row execute function shop.fail()"
    )
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(n) for n in range(5)])
        summary = run(world, settings)

    assert (summary.delivered, len(server.run(CONTENT))) == (5, 5)


def test_a_busy_table_stops_the_run_before_anything_is_planned(tmp_path, server):
    """Somebody holds a lock; the next run delivers."""
    make_table(server)
    server.run("alter role writer set statement_timeout = '200ms'")
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1)])
        with psycopg.connect(server.url()) as other:
            other.execute("lock table shop.customer_scores in share mode")
            with pytest.raises(PlatformUnreachable, match="the next run tries again"):
                run(world, settings)
        summary = run(world, settings)

    assert summary.delivered == 1


@pytest.mark.parametrize(("failures", "delivered"), [(1, 3), (2, 0)])
def test_a_conflict_with_others_is_tried_again(tmp_path, server, failures, delivered):
    """What passes by itself rejects nobody; what does not pass in time waits for the next run."""
    make_table(server)
    server.run(
        "create sequence shop.times; grant usage on shop.times to writer;"
        "create function shop.fail() returns trigger language plpgsql as $$"
        f" begin if nextval('shop.times') <= {failures} then"
        " raise exception using errcode = '40001'; end if; return new; end $$;"
        "create trigger fail before insert on shop.customer_scores"
        " for each row execute function shop.fail()"
    )
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(n) for n in range(3)])
        summary = run(world, settings)
        after = run(world, settings)

    assert (summary.delivered, summary.unknown) == (delivered, 3 - delivered)
    assert after.delivered == 3 - delivered
    assert len(server.run(CONTENT)) == 3
