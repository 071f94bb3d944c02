"""A sync that is switched off adds and changes nothing, and takes back whom nobody may hold."""

from dataclasses import replace

import pytest

from activation.errors import EmptySource, FailedTests, MassRemoval, StaleModel
from activation.recipients import remembered_syncs
from activation.spec import Field
from activation.syncs import ModelState, diff_sync, run_sync
from activation.withdrawals import find_retired
from tests.activation.world import AS_OF, KEYS, people, person, world_at

WITHDRAWN = "update privacy.consents set is_allowed = false, reason = 'withdrawn'"


@pytest.fixture
def off(world, settings, klaviyo):
    """A world whose ten persons were delivered before the sync was switched off."""
    return switch_off(world, settings, klaviyo, 10)


def switch_off(world, settings, klaviyo, count):
    """Deliver some persons, then switch the sync off and take its model away."""
    world.allow(people(count))
    world.desire(people(count))
    run(world, settings, klaviyo)
    world.spec = replace(world.spec, is_enabled=False)
    world.connection.execute(f"drop table {world.spec.relation}")
    return world


def run(world, settings, klaviyo, **options):
    """Run the sync against the stub."""
    client = klaviyo.client()
    return run_sync(
        world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, client=client, **options
    )


def look(world, settings):
    """Return what a run would do."""
    return diff_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS)


def emails(*missing, count=10):
    """Return the addresses of all delivered persons but some."""
    return [f"person{number}@example.com" for number in range(count) if number not in missing]


LOSSES = {
    "consent_withdrawn": f"{WITHDRAWN} where contact_point_id = 'p3'",
    "consent_expired": "update privacy.consents set expires_at = '2026-10-31'"
    " where contact_point_id = 'p3'",
    "objection": "insert into privacy.suppressions values ('x', 'c3', 'all', 'objected', null)",
    "suppressed": "insert into privacy.suppressions values ('x', 'c3', 'all', 'blocked', null)",
    "erased": "insert into privacy.suppressions values ('x', 'c3', 'all', 'erased', null)",
    "no_contact_point": "delete from contact.contact_points where contact_point_id = 'p3'",
}


@pytest.mark.parametrize("reason", LOSSES)
def test_whoever_may_not_be_held_any_more_is_taken_back(off, settings, klaviyo, reason):
    """The plan says so beforehand, with its reason; everybody else stays, and then all is done."""
    off.connection.execute(LOSSES[reason])

    foreseen = look(off, settings)
    summary = run(off, settings, klaviyo)
    again = run(off, settings, klaviyo)

    assert foreseen.is_switched_off
    assert summary.is_switched_off
    assert foreseen.counts == {"remove": 1}
    assert [(row.row_key, row.reason) for row in foreseen.rows] == [("c3", reason)]
    assert summary.blocked_by_reason == {reason: 1}
    assert (summary.added, summary.changed, summary.removed, summary.delivered) == (0, 0, 1, 1)
    assert sorted(klaviyo.emails()) == emails(3)
    assert (again.planned, again.requests, again.acknowledged) == (0, 0, 9)


def test_nothing_is_added_changed_or_removed_for_any_other_reason(world, settings, klaviyo):
    """New people, new values and leavers are the business of a sync that is switched on."""
    world.allow(people(12))
    world.desire(people(10))
    run(world, settings, klaviyo)
    on, world.spec = world.spec, replace(world.spec, is_enabled=False)
    world.desire([person(2, first_name="Grace"), *people(12)[3:]])

    off = run(world, settings, klaviyo)
    held = sorted(klaviyo.emails())
    world.spec = on
    resumed = run(world, settings, klaviyo)

    assert (off.planned, off.requests, held) == (0, 0, emails())
    assert (resumed.added, resumed.changed, resumed.removed) == (2, 1, 2)


def test_neither_failed_tests_nor_a_stale_model_keep_anybody_held(off, settings, klaviyo):
    """The guards on the model do not count: it is not read. An empty model is no model either."""
    off.connection.execute(LOSSES["objection"])
    model = ModelState(frozenset({off.spec.model, *off.spec.upstream}), AS_OF.replace(year=2020))

    summary = run(off, settings, klaviyo, model=model)

    assert summary.removed == 1


FAILED = ModelState(frozenset({"lifecycle_stages"}))
STALE = ModelState(as_of=AS_OF.replace(year=2020))


@pytest.mark.parametrize(
    ("model", "rows", "error"),
    [(FAILED, 10, FailedTests), (STALE, 10, StaleModel), (ModelState(), 0, EmptySource)],
)
def test_a_refused_run_takes_back_whom_the_law_forbids(
    world, settings, klaviyo, model, rows, error
):
    """The model is wrong, the gate is not: nothing else happens, and the refusal stands."""
    world.allow(people(10))
    world.desire(people(10))
    run(world, settings, klaviyo)
    world.connection.execute(LOSSES["consent_withdrawn"])
    world.desire([person(number, first_name="Grace") for number in range(rows)])

    with pytest.raises(error, match="1 rows that may not be held any more were taken back"):
        run(world, settings, klaviyo, model=model)
    with pytest.raises(error) as again:
        run(world, settings, klaviyo, model=model)

    assert "taken back" not in str(again.value)
    assert sorted(klaviyo.emails()) == emails(3)
    assert {one["first_name"] for one in klaviyo.profiles.values()} == {"Ada"}


def test_a_gate_whose_models_failed_takes_nobody_back(world, settings, klaviyo):
    """Nobody knows who is forbidden."""
    world.allow(people(10))
    world.desire(people(10))
    run(world, settings, klaviyo)
    world.connection.execute(LOSSES["consent_withdrawn"])
    world.spec = replace(world.spec, upstream=frozenset({"contact_points"}))

    with pytest.raises(FailedTests):
        run(world, settings, klaviyo, model=ModelState(frozenset({"contact_points"})))

    assert sorted(klaviyo.emails()) == emails()


def test_a_former_customer_is_judged_as_whom_they_are_now(off, settings, klaviyo):
    """An objection counts after a merge, and so does one of whoever has the address by now."""
    connection = off.connection
    connection.execute(
        "create table core.customer_aliases (former_customer_id varchar, customer_id varchar,"
        " retired_at timestamp)"
    )
    connection.execute("insert into core.customer_aliases values ('c1', 'merged', null)")
    connection.execute(
        "update contact.contact_points set customer_id = 'heir' where contact_point_id = 'p2'"
    )
    connection.execute(
        "insert into privacy.suppressions values ('x', 'merged', 'all', 'objected', null),"
        " ('y', 'heir', 'all', 'objected', null)"
    )

    summary = run(off, settings, klaviyo)

    assert summary.blocked_by_reason == {"objection": 2}
    assert sorted(klaviyo.emails()) == emails(1, 2)


def test_many_removals_wait_for_a_person_who_names_the_plan(world, settings, klaviyo):
    """A source of consents that vanished must not empty a list that nobody fills again."""
    switch_off(world, settings, klaviyo, 60)
    world.connection.execute(f"{WITHDRAWN} where contact_point_id > 'p3'")

    with pytest.raises(MassRemoval, match="all of them forbidden by the gate"):
        run(world, settings, klaviyo)
    foreseen = look(world, settings)
    held = len(klaviyo.emails())
    summary = run(world, settings, klaviyo, named=foreseen.digest)

    assert "all of them forbidden" in foreseen.refused_because
    assert held == 60
    assert summary.removed == foreseen.counts["remove"] == 60 - len(klaviyo.emails())


def test_a_shared_identifier_stays_for_who_may_be_held(tmp_path, settings, klaviyo):
    """One address in two rows: the objection of one person does not remove the other's."""
    with world_at(tmp_path / "shared.duckdb") as world:
        rows = [person(1, email="both@example.com"), person(2, email="both@example.com")]
        world.desire(rows)
        world.allow(rows)
        run(world, settings, klaviyo)
        world.spec = replace(world.spec, is_enabled=False)
        world.connection.execute(
            "insert into privacy.suppressions values ('x', 'c1', 'all', 'objected', null)"
        )

        summary = run(world, settings, klaviyo)

        assert (summary.removed, summary.acknowledged) == (1, 1)
        assert klaviyo.emails() == {"both@example.com"}


def test_what_the_ledger_keeps_no_address_of_is_judged_by_its_contact_point(tmp_path):
    """A row of a table is known by its key alone; that is no reason to remove all of them."""
    changes = {"destination": "table", "surface": "rows", "target": "public.people"}
    fields = (Field("customer_id", "varchar"), Field("email", "varchar"))
    with world_at(tmp_path / "w.duckdb", **changes, fields=fields, is_enabled=False) as world:
        from activation.gate import gate_for

        world.allow(people(2))
        world.add_consent("p1", "marketing", is_allowed=False, reason="withdrawn")
        kept = "(select 'c' || i as customer_id, 'p' || i as contact_point_id, '{}' as payload"
        judged = gate_for(world.connection, world.spec, AS_OF).judged(
            f"{kept} from range(2) r (i))", are_held=True
        )

        found = world.connection.execute(
            f"select customer_id, block_reason from ({judged}) as judged order by 1"
        )

        assert found == [("c0", None), ("c1", "consent_withdrawn")]


def test_the_ledger_tells_which_syncs_nobody_looks_after(off):
    """By name and by account; the sync is remembered as it ran, and is switched off."""
    (holder,) = [one.holder for one in find_retired(off.connection, ())]
    remembered = remembered_syncs(off.connection)[holder.sync, holder.account]

    assert (holder.sync, holder.rows) == (off.spec.name, 10)
    assert (remembered.purposes, remembered.is_enabled) == (off.spec.purposes, False)
    assert find_retired(off.connection, [(holder.sync, holder.account)]) == []
    assert len(find_retired(off.connection, [(holder.sync, "another account")])) == 1


@pytest.mark.parametrize("changed", ["destination", "surface"])
def test_a_destination_that_is_no_more_is_told_like_a_sync_nobody_remembers(off, changed):
    """An upgrade may take one away; what it held must still be told of."""
    off.connection.execute(
        f'update ledger.syncs set spec = regexp_replace(spec, \'"{changed}":"[a-z]+"\','
        f' \'"{changed}":"pigeon"\')'
    )

    (retired,) = find_retired(off.connection, ())

    assert (retired.spec, retired.holder.rows) == (None, 10)
