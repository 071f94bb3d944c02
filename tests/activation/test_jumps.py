"""A sync whose audience jumped waits for a person; what the law asks for does not wait."""

import base64
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from activation.destinations.webhook import WebhookSettings
from activation.spec import Field
from activation.syncs import diff_sync, run_sync
from tests.activation.world import AS_OF, KEYS, people, person, world_at

DEVIATIONS = """
create schema if not exists insight;
create or replace table insight.segment_deviations (
    segment varchar, is_current boolean, is_deviating boolean, deviating_since timestamp,
    count_members bigint, usual_count double, verdict varchar);
"""

SECRET = "whsec_" + base64.b64encode(b"a secret for tests alone, 32 byt").decode()


@pytest.fixture
def world(tmp_path):
    """Return a fresh warehouse whose sync may remove as many as it likes."""
    with world_at(tmp_path / "warehouse.duckdb", max_removal_share=1.0) as fresh:
        yield fresh


@pytest.fixture
def delivered(world, settings, klaviyo):
    """A world whose hundred persons were delivered."""
    allow(world, 100)
    world.desire(people(100))
    run(world, settings, klaviyo)
    return world


def allow(world, count):
    """Give many persons a deliverable address and consent."""
    numbers = f"from range({count}) r (i)"
    world.connection.execute(
        "insert into contact.contact_points select 'p' || i, 'c' || i, 'email', 'email',"
        f" 'person' || i || '@example.com', true {numbers}"
    )
    world.connection.execute(
        "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
        f" select 'p' || i, 'marketing', 'email', true, 'allowed' {numbers}"
    )


def run(world, settings, klaviyo, as_of=AS_OF, **options):
    """Run the sync against the stub."""
    client = klaviyo.client()
    return run_sync(
        world.connection, world.spec, settings, as_of=as_of, keys=KEYS, client=client, **options
    )


def digest(world, settings, as_of=AS_OF):
    """Return the digest of the plan of now."""
    return diff_sync(world.connection, world.spec, settings, as_of=as_of, keys=KEYS).digest


def deviate(world, since, **values):
    """Say that the sync's segment deviates since a moment."""
    world.spec = replace(world.spec, segments=frozenset({"win_back"}))
    row = {"segment": "win_back", "is_current": True, "is_deviating": True, "verdict": "deviating"}
    row |= {"deviating_since": since, "count_members": 90, "usual_count": 100.0, **values}
    world.connection.execute(DEVIATIONS)
    marks = ", ".join("?" for _ in row)
    world.connection.execute(
        f"insert into insight.segment_deviations ({', '.join(row)}) values ({marks})",
        list(row.values()),
    )


def test_an_audience_that_lost_two_fifths_is_not_touched(delivered, settings, klaviyo):
    """Nothing is removed, added or changed; the plan says so before, the summary afterwards."""
    delivered.desire([person(0, first_name="Grace"), *people(60)[1:]])

    foreseen = diff_sync(delivered.connection, delivered.spec, settings, as_of=AS_OF, keys=KEYS)
    summary = run(delivered, settings, klaviyo)

    assert "from 100 to 60 rows (-40%), more than 30%" in summary.paused_because
    assert foreseen.paused_because == summary.paused_because
    assert foreseen.counts == {"blocked": 41}
    assert foreseen.blocked_by_reason == summary.blocked_by_reason == {"size_jumped": 41}
    assert (summary.planned, summary.requests, summary.acknowledged) == (0, 0, 100)
    assert len(klaviyo.emails()) == 100


def test_a_paused_sync_stays_paused_until_a_person_allows_it(delivered, settings, klaviyo):
    """Running again does not make the smaller audience usual; one conscious run does."""
    delivered.desire(people(60))
    run(delivered, settings, klaviyo)

    again = run(delivered, settings, klaviyo)
    allowed = run(delivered, settings, klaviyo, named=digest(delivered, settings))
    after = run(delivered, settings, klaviyo)

    assert again.paused_because
    assert (allowed.paused_because, allowed.removed) == (None, 40)
    assert (after.paused_because, after.planned) == (None, 0)
    assert len(klaviyo.emails()) == 60


def test_a_paused_sync_still_removes_whom_the_gate_forbids(delivered, settings, klaviyo):
    """A withdrawal counts for who is in the audience and for who dropped out of it."""
    delivered.desire(people(60))
    delivered.connection.execute(
        "update privacy.consents set is_allowed = false, reason = 'withdrawn'"
        " where contact_point_id in ('p7', 'p77')"
    )

    summary = run(delivered, settings, klaviyo)

    assert summary.paused_because
    assert (summary.removed, summary.delivered) == (2, 2)
    assert summary.blocked_by_reason == {"consent_withdrawn": 2, "size_jumped": 39}
    assert {f"person{n}@example.com" for n in range(100)} - set(klaviyo.emails()) == {
        "person7@example.com", "person77@example.com",
    }  # fmt: skip


def test_an_audience_that_grew_is_held_back(delivered, settings, klaviyo):
    """A filter that was lost adds people who were never meant."""
    world = delivered
    world.connection.execute("delete from contact.contact_points")
    world.connection.execute("delete from privacy.consents")
    allow(world, 140)
    world.desire(people(140))

    summary = run(world, settings, klaviyo)

    assert "(+40%)" in summary.paused_because
    assert summary.blocked_by_reason == {"size_jumped": 40}
    assert len(klaviyo.emails()) == 100


@pytest.mark.parametrize(("before", "after"), [(100, 70), (100, 80), (20, 40), (20, 1), (0, 90)])
def test_small_and_allowed_changes_go_through(world, settings, klaviyo, before, after):
    """Up to the limit, up to twenty rows, and out of nothing."""
    allow(world, 100)
    world.desire(people(before))
    run(world, settings, klaviyo)
    world.desire(people(after))

    assert run(world, settings, klaviyo).paused_because is None
    assert len(klaviyo.emails()) == after


def test_a_sync_may_have_a_limit_of_its_own(delivered, settings, klaviyo):
    """An audience that is meant to move has a wider limit in its twin."""
    delivered.spec = replace(delivered.spec, max_size_change=0.5)
    delivered.desire(people(60))

    assert run(delivered, settings, klaviyo).paused_because is None


def test_a_first_run_may_have_any_size(world, settings, klaviyo):
    """There is nothing to compare with, even where the segment deviates."""
    deviate(world, AS_OF)
    allow(world, 100)
    world.desire(people(100))

    assert run(world, settings, klaviyo).paused_because is None


def test_a_segment_that_began_to_deviate_pauses_its_syncs(delivered, settings, klaviyo):
    """A tenth less is within the limit of the sync, but not what the segment usually does."""
    deviate(delivered, AS_OF + timedelta(days=1))
    delivered.desire(people(90))

    summary = run(delivered, settings, klaviyo, AS_OF + timedelta(days=1))

    assert "segment win_back has 90 members, usual are 100" in summary.paused_because
    assert len(klaviyo.emails()) == 100


def test_a_deviation_that_was_allowed_once_does_not_pause_again(delivered, settings, klaviyo):
    """It lasts for weeks in the segment's statistics; the person has decided."""
    tomorrow, later = AS_OF + timedelta(days=1), AS_OF + timedelta(days=2)
    deviate(delivered, tomorrow)
    delivered.desire(people(90))
    run(delivered, settings, klaviyo, tomorrow)

    allowed = run(
        delivered, settings, klaviyo, tomorrow, named=digest(delivered, settings, tomorrow)
    )
    after = run(delivered, settings, klaviyo, later)

    assert (allowed.paused_because, allowed.removed) == (None, 10)
    assert after.paused_because is None


@pytest.mark.parametrize(
    "values",
    [
        {"segment": "loyal"},
        {"is_current": False},
        {"is_deviating": False},
        {"deviating_since": AS_OF - timedelta(days=1)},
    ],
)
def test_other_deviations_are_no_obstacle(delivered, settings, klaviyo, values):
    """Of another segment, of the past, ended, or known when the audience was last delivered."""
    deviate(delivered, AS_OF + timedelta(days=1), **values)
    delivered.desire(people(90))

    assert run(delivered, settings, klaviyo).paused_because is None


def test_a_norm_set_by_hand_pauses_without_a_history(delivered, settings, klaviyo):
    """Nobody knows what is usual, but somebody has said what is not."""
    tomorrow = AS_OF + timedelta(days=1)
    deviate(delivered, tomorrow, verdict="outside_norm", usual_count=None)

    summary = run(delivered, settings, klaviyo, tomorrow)

    assert "win_back has 90 members, outside its norm" in summary.paused_because


def test_the_limit_counts_from_the_last_delivery(world, settings, klaviyo):
    """Slow change is no jump, however far it leads; a paused run is no delivery."""
    allow(world, 100)
    for count in (100, 75, 54):
        world.desire(people(count))
        assert run(world, settings, klaviyo).paused_because is None

    for count in (30, 20):
        world.desire(people(count))
        assert f"from 54 to {count} rows" in run(world, settings, klaviyo).paused_because

    assert world.connection.execute(
        "select status, stopped_by from ledger.runs order by plan_number desc limit 1"
    ) == [("paused", "size_jumped")]


def test_an_audience_that_loses_over_a_tenth_is_held_back(tmp_path, settings, klaviyo):
    """By default more than a tenth and more than twenty rows wait for a person."""
    with world_at(tmp_path / "w.duckdb") as world:
        allow(world, 100)
        world.desire(people(100))
        run(world, settings, klaviyo)
        world.desire(people(79))

        summary = run(world, settings, klaviyo)

    assert "removes 21 of 100 held rows, more than 10%" in summary.paused_because
    assert (summary.planned, len(klaviyo.emails())) == (0, 100)


def test_a_paused_sync_keeps_leavers_whose_address_the_ledger_does_not_know(tmp_path):
    """A webhook's receiver knows a row by its key: that is no reason to take everybody back."""
    fields = (Field("customer_id", "varchar"), Field("email", "varchar"))
    change = {"destination": "webhook", "surface": "rows", "fields": fields}
    settings = WebhookSettings(base_url="https://example.com/hook", secret=SECRET)
    taken = httpx.MockTransport(lambda _: httpx.Response(200))
    options = {"as_of": AS_OF, "keys": KEYS, "client": httpx.Client(transport=taken)}
    with world_at(tmp_path / "w.duckdb", **change) as world:
        rows = [
            {name: one[name] for name in ("customer_id", "contact_point_id", "email")}
            for one in people(100)
        ]
        allow(world, 100)
        world.desire(rows)
        run_sync(world.connection, world.spec, settings, **options)
        world.desire(rows[:60])
        world.connection.execute(
            "update privacy.consents set is_allowed = false, reason = 'withdrawn'"
            " where contact_point_id = 'p77'"
        )

        summary = run_sync(world.connection, world.spec, settings, **options)

    assert summary.paused_because
    assert (summary.removed, summary.acknowledged) == (1, 99)
