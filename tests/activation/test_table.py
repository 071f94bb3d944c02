"""A table in a real Postgres is kept in step: whole batches, own rows only."""

from activation.reconcile import reconcile_sync
from activation.spec import Field
from activation.syncs import diff_sync
from tests.activation.table_world import CONTENT, make_table, run, score, scores_at
from tests.activation.world import AS_OF, KEYS


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
