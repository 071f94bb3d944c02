"""A table in a real Postgres is kept in step: whole batches, own rows only, clear refusals."""

from contextlib import contextmanager
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
from activation.pacing import Patience
from activation.reconcile import reconcile_sync
from activation.spec import Field
from activation.syncs import diff_sync, run_sync
from tests.activation.postgres import PASSWORD, postgres
from tests.activation.world import AS_OF, KEYS, KLAVIYO, world_at

SCORES = replace(
    KLAVIYO,
    name="table__customer_scores",
    destination="table",
    surface="rows",
    target="shop.customer_scores",
    purposes=("internal_reporting",),
    channel="table",
    fields=(
        Field("customer_id", "varchar"),
        Field("stage", "varchar"),
        Field("probability", "decimal(5,4)"),
        Field("count_orders", "integer"),
        Field("is_lapsed", "boolean"),
        Field("last_ordered_at", "timestamp"),
        Field("score", "double"),
    ),
    has_contact_point=False,
    max_removal_share=1.0,
    max_size_change=100.0,
)
BRIEF = Patience(first_wait=0.01, attempts=2)
ROWS = "select * from shop.customer_scores order by customer_id"
CONTENT = "select customer_id, stage from shop.customer_scores order by customer_id"
TABLE = """
create table shop.customer_scores (
    customer_id text primary key, stage text, probability numeric(5,4), count_orders integer,
    is_lapsed boolean, last_ordered_at timestamp with time zone, score double precision,
    regulars_sync text, regulars_digest text)
"""


@pytest.fixture(scope="module")
def running():
    """Run one server for all tests of this file."""
    with postgres() as server:
        yield server


@pytest.fixture
def server(running):
    """Return the server with an empty database."""
    running.renew()
    return running


@contextmanager
def scores_at(tmp_path, server, **changes):
    """Open a world with the scores' sync, and settings that let it make its table."""
    with world_at(tmp_path / "w.duckdb", SCORES, **changes) as world:
        yield world, TableSettings(server.url(), "yes")


def score(number, **overrides):
    """Return one row of the scores."""
    values = {"stage": "active", "probability": 0.25, "count_orders": number, "is_lapsed": False}
    times = {"last_ordered_at": "2026-10-31 23:30:00", "score": 1 / 3}
    return {"customer_id": f"c{number}", **values, **times, **overrides}


def run(world, settings, **options):
    """Run the sync."""
    options = {"patience": BRIEF, **options}
    return run_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, **options)


def make_table(server, definition=TABLE):
    """Make the table as its owner would, for the user that writes."""
    server.run(definition)
    server.run("grant all on all tables in schema shop to writer")


def test_rows_arrive_with_their_types_owner_and_digest(tmp_path, server):
    """Nulls, truths, numbers, moments in UTC and strange texts are the same there as here."""
    strange = 'O\'Neil, "Zoë" %s \\ {}\n🛒'
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1), score(2, stage=strange, probability=None, is_lapsed=True)])
        summary = run(world, settings)

    one, two = server.run(
        "select customer_id, stage, probability::text, count_orders, is_lapsed,"
        " (last_ordered_at at time zone 'UTC')::text, score, regulars_sync,"
        " length(regulars_digest) from shop.customer_scores order by customer_id"
    )
    moment, owner = "2026-10-31 23:30:00", "table__customer_scores"
    assert one == ("c1", "active", "0.2500", 1, False, moment, 0.333333333, owner, 64)
    assert two[1:5] == (strange, None, 2, True)
    assert (summary.added, summary.delivered, summary.acknowledged) == (2, 2, 2)


KINDS = {
    "tiny": ("tinyint", "7", "smallint", "7"),
    "large": ("hugeint", "7", "numeric", "7"),
    "big": ("bigint", "9007199254740993", "bigint", "9007199254740993"),
    "money": ("decimal(18,2)", "1234567890123.45", "numeric", "1234567890123.45"),
    "day": ("date", "date '2026-02-28'", "date", "2026-02-28"),
    "zoned": (
        "timestamp with time zone",
        "timestamptz '2026-02-28 12:00:00+05'",
        "timestamp with time zone",
        "2026-02-28 07:00:00+00",
    ),
    "listed": ("varchar[]", "['a', 'b']", "jsonb", '["a", "b"]'),
    "nested": ("json", """'{"a": 1}'""", "jsonb", '{"a": 1}'),
    "same": ("uuid", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "uuid", None),
    "empty": ("varchar", "''", "text", ""),
}


def test_every_type_of_a_contract_has_a_type_there(tmp_path, server):
    """The made table has it, and the value is the same."""
    fields = (Field("customer_id", "varchar"), *(Field(n, k[0]) for n, k in KINDS.items()))
    with scores_at(tmp_path, server, fields=fields) as (world, settings):
        values = ", ".join(kind[1] for kind in KINDS.values())
        world.connection.execute(f"insert into {world.spec.relation} select 'c1', null, {values}")
        summary = run(world, settings)

    server.run("alter role postgres set timezone = 'UTC'", database="postgres")
    names = ", ".join(f"{name}::text, pg_typeof({name})::text" for name in KINDS)
    (row,) = server.run(f"select {names} from shop.customer_scores")
    found = dict(zip(KINDS, zip(row[::2], row[1::2], strict=True), strict=True))
    wanted = {
        name: (text if text is not None else value.strip("'"), there)
        for name, (_, value, there, text) in KINDS.items()
    }
    assert found == wanted
    assert summary.delivered == 1


def test_second_run_writes_nothing(tmp_path, server):
    """Not even the same values again."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(n) for n in range(5)])
        run(world, settings)
        before = server.run("select xmin::text, * from shop.customer_scores")
        summary = run(world, settings)

    assert summary.planned == 0
    assert server.run("select xmin::text, * from shop.customer_scores") == before


def test_rows_sent_twice_are_left_as_they_are(tmp_path, server):
    """A ledger that knows nothing finds every row in step."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with scores_at(tmp_path / name, server) as (world, settings):
            world.desire([score(n) for n in range(5)])
            summary = run(world, settings)
        written = server.run("select count(distinct xmin::text) from shop.customer_scores")
        assert (summary.delivered, written) == (5, [(1,)])


def test_changes_and_removals_are_followed(tmp_path, server):
    """Leavers and erased persons are gone, changed rows changed, the others not touched."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(n) for n in range(5)])
        run(world, settings)
        world.connection.execute(
            "insert into privacy.suppressions values (null, 'c3', 'all', 'erased', null)"
        )
        world.desire([score(0), score(1, stage="lapsed"), score(3), score(7)])
        summary = run(world, settings)

    assert server.run(CONTENT) == [("c0", "active"), ("c1", "lapsed"), ("c7", "active")]
    assert (summary.added, summary.changed, summary.removed) == (1, 1, 3)


def test_keys_that_differ_in_case_are_different_rows(tmp_path, server):
    """A leaver is removed although a row with a similar key stays."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1), score(1, customer_id="C1")])
        run(world, settings)
        world.desire([score(1)])
        run(world, settings)

    assert server.run(CONTENT) == [("c1", "active")]


def test_a_merged_customer_moves_to_the_new_key(tmp_path, server):
    """The former key does not stay behind."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(1), score(2)])
        run(world, settings)
        world.connection.execute(
            "create table core.customer_aliases (former_customer_id varchar, customer_id varchar)"
        )
        world.connection.execute("insert into core.customer_aliases values ('c1', 'c9')")
        world.desire([score(9), score(2)])
        run(world, settings)
        again = run(world, settings)

    assert [key for key, _ in server.run(CONTENT)] == ["c2", "c9"]
    assert again.planned == 0


def test_rows_of_others_are_neither_changed_nor_removed(tmp_path, server):
    """A row without our name under a wanted key is refused, by itself."""
    make_table(server)
    server.run("insert into shop.customer_scores values ('c1', 'theirs'), ('x', 'theirs')")
    server.run(
        "insert into shop.customer_scores (customer_id, stage, regulars_sync, regulars_digest)"
        " values ('c2', 'of another sync', 'table__other', '')"
    )
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(n) for n in range(4)])
        summary = run(world, settings)
        codes = world.connection.execute("select code, count(*) from ledger.rejections group by 1")
        world.desire([score(0)])
        after = run(world, settings)

    assert codes == [("foreign_row", 2)]
    assert (summary.delivered, summary.rejected, after.removed) == (2, 2, 1)
    theirs = [("c1", "theirs"), ("c2", "of another sync"), ("x", "theirs")]
    assert server.run(CONTENT) == [("c0", "active"), *theirs]


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


def test_an_emptied_or_dropped_table_is_filled_again(tmp_path, server):
    """The ledger is not believed when nothing of the sync is there any more."""
    with scores_at(tmp_path, server) as (world, settings):
        world.desire([score(n) for n in range(3)])
        run(world, settings)
        server.run("truncate shop.customer_scores")
        emptied = run(world, settings)
        server.run("drop table shop.customer_scores")
        dropped = run(world, settings)

    assert (emptied.retried, dropped.retried) == (3, 3)
    assert len(server.run(CONTENT)) == 3


def test_rows_that_were_removed_by_hand_are_found_and_put_back(tmp_path, server):
    """Over several pages of keys; rows of others do not count."""
    with scores_at(tmp_path, server) as (world, settings):
        world.connection.execute(
            f"insert into {world.spec.relation} (customer_id, count_orders)"
            " select 'c' || i, i from range(20500) r (i)"
        )
        run(world, settings)
        server.run("delete from shop.customer_scores where count_orders in (5, 20000)")
        server.run(
            "insert into shop.customer_scores (customer_id, regulars_sync, regulars_digest)"
            " values ('theirs', 'table__other', ''), ('lost', 'table__customer_scores', '')"
        )
        drift = reconcile_sync(world.connection, world.spec, settings, keys=KEYS)
        summary = run(world, settings)
        again = reconcile_sync(world.connection, world.spec, settings, keys=KEYS)

    assert (drift.held, drift.listed, drift.missing, drift.foreign) == (20_500, 20_499, 2, 1)
    assert (summary.retried, again.missing) == (2, 0)


def test_more_rows_than_one_transaction_takes_all_arrive(tmp_path, server):
    """And the plan said how many requests that takes."""
    with scores_at(tmp_path, server) as (world, settings):
        world.connection.execute(
            f"insert into {world.spec.relation} (customer_id, count_orders)"
            " select 'c' || i, i from range(12001) r (i)"
        )
        plan = diff_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS)
        summary = run(world, settings)

    assert plan.estimate.requests == 3
    assert summary.delivered == 12_001
    assert server.run("select count(*), sum(count_orders) from shop.customer_scores") == [
        (12_001, 12_000 * 12_001 // 2)
    ]


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
