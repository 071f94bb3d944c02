"""A list that was edited by hand is noticed, and mended without taking anything from others."""

import pytest

from activation.destinations import settings_for
from activation.destinations.base import Target
from activation.destinations.fcm import Fcm
from activation.errors import NotReadable
from activation.ledger_schema import create_tables
from activation.reconcile import Drift, reconcile_sync
from activation.syncs import run_sync
from activation.targets import remember_target
from tests.activation.world import AS_OF, FCM, KEYS, people, world_at


@pytest.fixture
def delivered(world, settings, klaviyo):
    """A world whose five persons were delivered."""
    world.desire(people(5))
    world.allow(people(5))
    run(world, settings, klaviyo)
    return world


def run(world, settings, klaviyo):
    """Run the sync against the stub."""
    options = {"as_of": AS_OF, "keys": KEYS, "client": klaviyo.client()}
    return run_sync(world.connection, world.spec, settings, **options)


def reconcile(world, settings, klaviyo):
    """Compare the stub's list with the ledger."""
    client = klaviyo.client()
    return reconcile_sync(world.connection, world.spec, settings, keys=KEYS, client=client)


def test_a_list_that_was_left_alone_has_no_drift(delivered, settings, klaviyo):
    """Comparing changes nothing and sends nothing, over several pages."""
    assert reconcile(delivered, settings, klaviyo) == Drift("klaviyo__win_back", 5, 5, 0, 0)
    assert run(delivered, settings, klaviyo).planned == 0


def test_who_was_taken_off_by_hand_is_put_back(delivered, settings, klaviyo):
    """The warehouse says who belongs to the audience; who was added by others stays."""
    (members,) = klaviyo.members.values()
    members -= {"Pperson1@example.com", "Pperson3@example.com"}
    klaviyo.profiles["Pguest@example.com"] = {"email": "guest@example.com"}
    members.add("Pguest@example.com")

    drift = reconcile(delivered, settings, klaviyo)
    mended = run(delivered, settings, klaviyo)

    assert drift == Drift("klaviyo__win_back", 5, 4, 2, 1)
    assert (mended.retried, mended.planned) == (2, 2)
    assert klaviyo.emails() == {"guest@example.com"} | {f"person{n}@example.com" for n in range(5)}
    assert reconcile(delivered, settings, klaviyo).missing == 0


def test_one_known_identifier_is_enough(delivered, settings, klaviyo):
    """Somebody who changed the address at the platform is still on the list."""
    klaviyo.profiles["Pperson1@example.com"] |= {"email": "other@example.com"}

    assert reconcile(delivered, settings, klaviyo).missing == 0


def test_platforms_that_do_not_tell_are_named(tmp_path, world, settings, klaviyo):
    """No list yet, or none that can be read."""
    fcm = settings_for(
        "fcm", {"REGULARS_FCM_ACCESS_TOKEN": "secret", "REGULARS_FCM_PROJECT_ID": "project"}
    )
    with pytest.raises(NotReadable, match="nothing was sent yet"):
        reconcile(world, settings, klaviyo)
    with world_at(tmp_path / "push.duckdb", FCM) as push:
        create_tables(push.connection)
        topic = Target("topic", push.spec.target)
        remember_target(push.connection, push.spec, Fcm(fcm).account, topic)
        with pytest.raises(NotReadable, match="does not tell who is in a target"):
            reconcile_sync(push.connection, push.spec, fcm, keys=KEYS)
