"""Refused rows are tried again less and less often, and then wait where a person sees them."""

from dataclasses import dataclass, replace

import httpx
import pytest

from activation.attempts import MOST_ATTEMPTS
from activation.comparison import Comparison
from activation.destinations.capabilities import Surface
from activation.explain import explain_sync
from activation.gate import gate_for
from activation.ledger_schema import create_tables
from activation.pacing import Patience
from activation.plan import seal
from activation.release import Released, release_rows
from activation.spec import SyncSpec
from activation.syncs import run_sync
from tests.activation.world import AS_OF, KEYS, KLAVIYO, people, person, world_at


def run(world, settings, klaviyo):
    """Run the sync against the stub."""
    return run_sync(
        world.connection,
        world.spec,
        settings,
        as_of=AS_OF,
        keys=KEYS,
        client=klaviyo.client(),
        patience=Patience(first_wait=0.001),
    )


@pytest.fixture
def refusing(world, klaviyo):
    """A world of three persons, one of whom the platform refuses."""
    world.desire(people(3))
    world.allow(people(3))
    klaviyo.rejected = frozenset({"person1@example.com"})
    return world


def test_a_refused_row_is_tried_less_and_less_often_and_then_parked(refusing, settings, klaviyo):
    """In the next run, after two, four and eight more; what it waits for is told every time."""
    told = [run(refusing, settings, klaviyo) for _ in range(18)]

    assert [number for number, one in enumerate(told) if one.rejected] == [0, 1, 3, 7, 15]
    assert told[2].blocked_by_reason == {"retry_later": 1}
    assert told[16].blocked_by_reason == told[17].blocked_by_reason == {"parked": 1}
    assert all(one.acknowledged == 2 for one in told)
    assert refusing.connection.execute(
        "select state, code, attempts from ledger.sync_rows where row_key = 'c1'"
    ) == [("rejected", "invalid", MOST_ATTEMPTS)]
    explained = explain_sync(refusing.connection, refusing.spec, "c1", as_of=AS_OF)
    assert "last sending rejected (invalid)" in explained.sentence


def test_a_refusal_that_passes_costs_one_run(refusing, settings, klaviyo):
    """The platform's trouble is over: the row is delivered and forgotten as refused."""
    run(refusing, settings, klaviyo)
    klaviyo.rejected = frozenset()

    again = run(refusing, settings, klaviyo)

    assert (again.retried, again.delivered, again.acknowledged) == (1, 1, 3)
    assert run(refusing, settings, klaviyo).planned == 0
    assert refusing.connection.execute("select max(attempts) from ledger.sync_rows") == [(0,)]


def test_new_values_of_a_parked_row_are_tried_at_once(refusing, settings, klaviyo):
    """The refusal was about the values; the count begins anew."""
    for _ in range(17):
        run(refusing, settings, klaviyo)
    refusing.desire([person(0), person(1, first_name="Grace"), person(2)])

    refused = run(refusing, settings, klaviyo)
    klaviyo.rejected = frozenset()
    delivered = run(refusing, settings, klaviyo)

    assert (refused.added, refused.rejected) == (1, 1)
    assert (delivered.retried, delivered.acknowledged) == (1, 3)


def test_a_parked_row_is_tried_again_when_a_person_says_so(refusing, settings, klaviyo):
    """Whoever mended the platform's side need not wait, nor change the values; the count begins
    anew, and nothing is sent by the command itself."""
    for _ in range(17):
        run(refusing, settings, klaviyo)
    sent = len(klaviyo.requests)

    released = release_rows(refusing.connection, refusing.spec, settings, keys=KEYS)
    sent_since = len(klaviyo.requests) - sent
    told = [run(refusing, settings, klaviyo) for _ in range(4)]
    klaviyo.rejected = frozenset()
    release_rows(refusing.connection, refusing.spec, settings, keys=KEYS)
    delivered = run(refusing, settings, klaviyo)

    assert released == Released(refusing.spec.name, refused=1, doubtful=0, left=0)
    assert sent_since == 0
    assert [number for number, one in enumerate(told) if one.rejected] == [0, 1, 3]
    assert (delivered.retried, delivered.acknowledged) == (1, 3)


def test_a_refused_change_takes_the_former_address_out_when_it_succeeds(world, settings, klaviyo):
    """Until then the ledger knows what the platform may still hold."""
    world.desire(people(1))
    world.allow(people(1))
    run(world, settings, klaviyo)
    moved = person(0, email="new@example.com", contact_point_id="pn")
    world.desire([moved])
    world.allow([moved])
    klaviyo.rejected = frozenset({"new@example.com"})
    run(world, settings, klaviyo)
    next(iter(klaviyo.members.values())).add("Pperson0@example.com")
    klaviyo.rejected = frozenset()

    run(world, settings, klaviyo)

    assert klaviyo.emails() == {"new@example.com"}


def test_an_address_left_to_a_row_that_is_refused_is_not_forgotten(world, settings, klaviyo):
    """It stays on the list for that row; when nobody wants it any more it is taken off."""
    world.allow(people(4))
    world.desire([person(0), person(1)])
    run(world, settings, klaviyo)
    moved = {"email": "person1@example.com", "contact_point_id": "p1", "external_id": None}
    world.desire([person(0) | moved, person(1, email="person2@example.com", contact_point_id="p2")])
    klaviyo.rejected = frozenset({"person1@example.com"})

    run(world, settings, klaviyo)
    left = klaviyo.emails()
    klaviyo.rejected = frozenset()
    world.desire([])
    world.spec = replace(world.spec, max_removal_share=1.0)
    run(world, settings, klaviyo)

    assert left == {"person1@example.com", "person2@example.com"}
    assert (klaviyo.emails(), world.ledger()) == (set(), [])


def test_an_address_that_was_taken_over_at_last_is_held_once(world, settings, klaviyo):
    """The row that kept it in between is gone as soon as the other one has it."""
    moved = {"email": "person1@example.com", "contact_point_id": "p1"}
    world.allow(people(4))
    world.desire([person(0), person(1)])
    run(world, settings, klaviyo)
    second = person(1, email="person2@example.com", contact_point_id="p2")
    world.desire([person(0, external_id=None, **moved), second])
    klaviyo.rejected = frozenset({"person1@example.com"})
    run(world, settings, klaviyo)
    between = len(world.ledger())
    klaviyo.rejected = frozenset()

    run(world, settings, klaviyo)

    assert (between, [key for key, _, _ in world.ledger()]) == (3, ["c0", "c1"])
    assert klaviyo.emails() == {"person1@example.com", "person2@example.com"}


def test_a_refused_removal_is_tried_in_every_run(world, settings, klaviyo):
    """Who has to leave must leave: no row is parked where it may not be."""
    world.desire(people(1))
    world.allow(people(1))
    run(world, settings, klaviyo)
    world.connection.execute("delete from privacy.consents")
    klaviyo.interfere = lambda request: (
        httpx.Response(400, json={"errors": []}) if request.url.path == "/api/profiles" else None
    )

    removals = [run(world, settings, klaviyo) for _ in range(MOST_ATTEMPTS + 2)]
    klaviyo.interfere = lambda request: None
    last = run(world, settings, klaviyo)

    assert {(one.removed, one.rejected) for one in removals} == {(1, 1)}
    assert (last.delivered, klaviyo.emails()) == (1, set())


@dataclass(frozen=True)
class MessageSpec(SyncSpec):
    """A sync whose surface takes messages: to send one twice is not the same as once."""

    @property
    def capabilities(self):
        """Return Klaviyo's capabilities with a surface for messages."""
        surfaces = {"list": Surface("message", resends_unknown=False)}
        return replace(super().capabilities, surfaces=surfaces)


def test_a_message_without_an_answer_is_never_sent_again_blindly(tmp_path):
    """Nobody knows whether it arrived, so it waits for a person, even with new values."""
    spec = MessageSpec(**vars(KLAVIYO))
    with world_at(tmp_path / "w.duckdb", spec) as world:
        world.desire(people(2))
        world.allow(people(2))
        gate = gate_for(world.connection, spec, AS_OF)
        comparison = Comparison(world.connection, spec, gate, "here", KEYS)
        hold_in_doubt(world, "c0")

        counts = seal(comparison, "run")

    assert counts.by_action == {"add": 1, "blocked": 1}
    assert counts.blocked_by_reason == {"outcome_unknown": 1}


def hold_in_doubt(world, key):
    """Write a ledger row whose sending got no answer."""
    create_tables(world.connection)
    world.connection.execute(
        "insert into ledger.sync_rows (sync, account, row_key, row_hash, identifiers, state,"
        " is_held) values (?, 'here', ?, 'x', '{}', 'unknown', true)",
        (world.spec.name, key),
    )
