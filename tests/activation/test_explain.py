"""A person can be told why a sync holds or blocks them."""

from activation.explain import explain_sync
from activation.syncs import run_sync
from tests.activation.world import AS_OF, KEYS, people, person


def explain(world, customer_id):
    """Explain one customer at the run's clock."""
    return explain_sync(world.connection, world.spec, customer_id, as_of=AS_OF)


def test_customer_outside_the_audience(world):
    """Somebody never desired and never sent, on a warehouse without ledger."""
    assert explain(world, "c1").sentence == "Win back: not in the audience, never sent"


def test_blocked_customer(world):
    """The gate's reason is the one the run would give."""
    world.desire([person(1)])
    world.add_contact_point("p1", "c1", "person1@example.com")

    (row,) = explain(world, "c1").rows

    assert (row.is_desired, row.blocked_reason, row.is_held) == (True, "no_consent", False)
    assert "blocked: no_consent, not held by the platform" in explain(world, "c1").sentence


def test_held_customer_and_leaver(world, settings, klaviyo):
    """What the platform holds is told with its date, desired or not."""
    world.desire(people(2))
    world.allow(people(2))
    run_sync(
        world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, client=klaviyo.client()
    )
    world.desire(people(1))

    (held,), (left,) = explain(world, "c0").rows, explain(world, "c1").rows

    assert (held.is_desired, held.is_held, held.last_state) == (True, True, "acknowledged")
    assert (left.is_desired, left.is_held) == (False, True)
    assert left.held_since is not None
    assert "not in the audience, held by the platform since" in explain(world, "c1").sentence


def test_rejected_customer(world, settings, klaviyo):
    """A refusal of the platform is told with its code."""
    world.desire(people(1))
    world.allow(people(1))
    klaviyo.rejected = frozenset({"person0@example.com"})
    run_sync(
        world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, client=klaviyo.client()
    )

    assert "last sending rejected (invalid)" in explain(world, "c0").sentence
