"""Conversations with the sandbox's HubSpot that other platforms do not have."""

from dataclasses import replace

import httpx
import pytest

from activation.errors import PlatformRefused, TargetMissing
from activation.spec import Field
from activation.syncs import diff_sync
from sandbox.platforms.server import running
from tests.activation.world import AS_OF, KEYS, world_at
from tests.contracts.test_sandbox import HUBSPOT, members, row, run, settings

API = {"Authorization": "Bearer sandbox-token"}


@pytest.fixture(scope="module")
def platforms(tmp_path_factory):
    """Run the sandbox's platforms."""
    with running(tmp_path_factory.mktemp("platforms") / "p.sqlite", port=0, rate_factor=50) as url:
        yield url


@pytest.fixture
def client(platforms):
    """Return a client, over platforms that know nothing yet."""
    with httpx.Client() as one:
        one.post(f"{platforms}/_reset").raise_for_status()
        yield one


@pytest.fixture
def world(tmp_path):
    """Return a warehouse with the HubSpot sync, without guards on sizes."""
    spec = replace(HUBSPOT, max_removal_share=1.0, max_size_change=100.0)
    with world_at(tmp_path / "w.duckdb", spec) as fresh:
        yield fresh


def desire(world, rows):
    """Make the model hold these rows, all of them allowed."""
    world.desire(rows)
    world.allow(rows)


def fault(client, platforms, **described):
    """Let something go wrong at HubSpot."""
    client.post(f"{platforms}/_faults", json={"vendor": "hubspot", **described}).raise_for_status()


def codes(world):
    """Return why rows were refused."""
    return world.connection.execute("select row_key, code from ledger.rejections order by 1")


def test_a_wrong_row_is_named_and_the_others_are_on_the_list(world, platforms, client):
    """207: one address that HubSpot does not take stops nobody else."""
    desire(world, [row(HUBSPOT, 1), row(HUBSPOT, 2, email="no-dot@example"), row(HUBSPOT, 3)])

    summary = run(world, platforms)

    assert codes(world) == [("c2", "invalid_email")]
    assert (summary.delivered, summary.rejected) == (2, 1)
    assert members(client, platforms, "hubspot") == ["person1@example.com", "person3@example.com"]


def test_a_batch_refused_as_a_whole_goes_without_the_row_it_names(world, platforms, client):
    """400: the message holds the address; the second request is without it."""
    desire(world, [row(HUBSPOT, number) for number in (1, 2, 3)])
    text = 'Property values were not valid: [{"message":"Email address person2@example.com is'
    body = {"status": "error", "category": "VALIDATION_ERROR", "message": f'{text} invalid"}}]'}
    fault(client, platforms, path_contains="upsert", status=400, body=body)

    summary = run(world, platforms)

    assert codes(world) == [("c2", "validation_error")]
    assert (summary.delivered, summary.rejected) == (2, 1)
    assert members(client, platforms, "hubspot") == ["person1@example.com", "person3@example.com"]


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        ("/batch/upsert", {"drop_connection": True, "when": "after"}),
        ("/batch/upsert", {"status": 502, "body": "<html>bad gateway</html>"}),
        ("/batch/read", {"status": 200, "body": "<html>hello</html>"}),
        ("/batch/read", {"drop_connection": True, "status": 200}),
        (
            "/add-and-remove",
            {"status": 429, "headers": {"X-HubSpot-RateLimit-Interval-Milliseconds": "10"}},
        ),
        ("/add-and-remove", {"drop_connection": True, "when": "after"}),
    ],
)
def test_no_step_is_lost_to_a_fault(world, platforms, client, path, trouble):
    """A change of address is a lookup, a removal, an upsert and an addition."""
    desire(world, [row(HUBSPOT, number) for number in range(3)])
    run(world, platforms)
    then = [row(HUBSPOT, 0, email="new@example.com"), row(HUBSPOT, 1)]
    desire(world, then)
    fault(client, platforms, path_contains=path, times=2, **trouble)

    summary = run(world, platforms)

    assert (summary.delivered, summary.removed, summary.unknown) == (summary.planned, 1, 0)
    assert members(client, platforms, "hubspot") == ["new@example.com", "person1@example.com"]
    assert client.get(f"{platforms}/_faults").json()["faults"] == []
    assert run(world, platforms).planned == 0


def test_a_list_whose_making_was_not_answered_is_found(world, platforms, client):
    """The second attempt is refused because of the name; the list is there."""
    desire(world, [row(HUBSPOT, 1)])
    fault(client, platforms, path_contains="/v3/lists", method="POST", when="after", status=500)

    assert run(world, platforms).delivered == 1
    assert members(client, platforms, "hubspot") == ["person1@example.com"]


def test_a_missing_property_stops_the_run(tmp_path, platforms, client):
    """The remedy names it; with the property the value arrives as a text."""
    fields = (Field("email", "varchar"), Field("property_spend", "double"))
    with world_at(tmp_path / "s.duckdb", replace(HUBSPOT, fields=fields)) as world:
        desire(world, [row(world.spec, 1)])
        with pytest.raises(PlatformRefused, match="spend"):
            run(world, platforms)
        made = {"name": "spend", "label": "Spend", "type": "number", "fieldType": "number"}
        path = f"{platforms}/hubspot/crm/v3/properties/contacts"
        client.post(path, headers=API, json={**made, "groupName": "g"}).raise_for_status()

        summary = run(world, platforms)

    assert summary.delivered == 1
    (audience,) = client.get(f"{platforms}/_state/hubspot/audiences").json()["audiences"]
    found = client.get(f"{platforms}/_state/hubspot/audiences/{audience['id']}/members").json()
    assert found["members"][0]["properties"] == {"spend": "3.5"}


def test_a_deleted_list_is_made_anew(world, platforms, client):
    """The run that finds it gone says so; the next one fills another."""
    rows = [row(HUBSPOT, number) for number in range(3)]
    desire(world, rows)
    run(world, platforms)
    (audience,) = client.get(f"{platforms}/_state/hubspot/audiences").json()["audiences"]
    path = f"{platforms}/hubspot/crm/v3/lists/{audience['id']}"
    client.delete(path, headers=API).raise_for_status()
    desire(world, [*rows, row(HUBSPOT, 9)])

    with pytest.raises(TargetMissing):
        run(world, platforms)
    summary = run(world, platforms)

    assert summary.delivered == 4
    assert len(members(client, platforms, "hubspot")) == 4


def test_two_customers_may_share_an_address(world, platforms, client):
    """One contact stands for both; it leaves the list with the last of them."""
    shared = [row(HUBSPOT, 1), row(HUBSPOT, 2, email="person1@example.com")]
    desire(world, shared)
    assert run(world, platforms).delivered == 2
    desire(world, shared[:1])
    run(world, platforms)
    assert members(client, platforms, "hubspot") == ["person1@example.com"]
    desire(world, [row(HUBSPOT, 5)])

    run(world, platforms)

    assert members(client, platforms, "hubspot") == ["person5@example.com"]


def test_requests_and_minutes_are_told_beforehand(world, platforms, client):
    """Looking at a plan sends nothing, and counts what follows each request."""
    rows = [row(HUBSPOT, 1), row(HUBSPOT, 2, email="no address")]
    desire(world, rows)

    mine = settings(platforms, "hubspot")
    looked = diff_sync(world.connection, world.spec, mine, as_of=AS_OF, keys=KEYS).estimate

    assert (looked.requests, looked.minutes) == (2, pytest.approx(1 / 300))
    assert looked.invalid_by_code == {"invalid_email": 1}
    assert client.get(f"{platforms}/_requests").json()["requests"] == []
