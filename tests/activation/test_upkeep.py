"""The ledger grows with the audience and not with the number of runs; an older one still serves."""

from activation.destinations.klaviyo import Klaviyo
from activation.ledger import Ledger
from activation.ledger_schema import create_tables
from activation.syncs import run_sync
from activation.upkeep import KEPT_PLANS, KEPT_RUNS, compact
from tests.activation.world import AS_OF, KEYS, people, person

TABLES = ("sync_rows", "plan_rows", "rejections", "targets", "leases", "jobs")


def run(world, settings, klaviyo):
    """Run the sync against the stub."""
    options = {"as_of": AS_OF, "keys": KEYS, "client": klaviyo.client()}
    return run_sync(world.connection, world.spec, settings, **options)


def sizes(world):
    """Return the rows of every table of the ledger but the runs."""
    count = "select count(*) from ledger.{}"
    return {name: world.connection.execute(count.format(name))[0][0] for name in TABLES}


def test_many_runs_take_no_more_room_than_few(world, settings, klaviyo):
    """Every row changes in every run, one is blocked and one refused; only the last plans stay."""
    world.allow(people(9))
    klaviyo.rejected = frozenset({"person1@example.com"})
    seen = []
    for number in range(12):
        rows = [person(key, first_name=f"Name {number}") for key in range(10)]
        world.desire(rows)
        run(world, settings, klaviyo)
        seen.append(sizes(world))

    assert max(seen, key=lambda one: sum(one.values())) in seen[:3]
    assert seen[-1]["plan_rows"] <= KEPT_PLANS * 10
    assert seen[-1]["sync_rows"] == 9
    assert seen[-1]["rejections"] == KEPT_PLANS
    assert world.connection.execute("select count(*) from ledger.runs") == [(12,)]


def test_runs_of_long_ago_are_forgotten_but_not_the_last_delivery(world, settings, klaviyo):
    """What the guards compare with stays, however long the sync has been paused since."""
    world.desire(people(2))
    world.allow(people(2))
    run(world, settings, klaviyo)
    world.connection.execute(
        "insert into ledger.runs (run_id, sync, account, plan_number, status)"
        " select 'r' || i, sync, account, 1 + i, 'paused' from ledger.runs, range(1, 600) r (i)"
    )
    compact(Ledger(world.connection, world.spec, Klaviyo(settings).account, KEYS))

    assert world.connection.execute(
        "select plan_number, status from ledger.runs order by plan_number limit 2"
    ) == [(1, "finished"), (201, "paused")]
    assert world.connection.execute("select count(*) from ledger.runs") == [(KEPT_RUNS + 1,)]


def test_a_ledger_without_the_newest_columns_gets_them(world, settings, klaviyo):
    """An upgrade keeps what was acknowledged; its rows are compared anew, and nobody is removed."""
    world.desire(people(2))
    world.allow(people(2))
    run(world, settings, klaviyo)
    for name in ("key_id", "mapping", "pieces", "attempts", "retry_from"):
        world.connection.execute(f"alter table ledger.sync_rows drop column {name}")
    world.connection.execute("drop table ledger.jobs")

    create_tables(world.connection)
    summary = run(world, settings, klaviyo)

    assert summary.planned == 0
    assert len(klaviyo.emails()) == 2
