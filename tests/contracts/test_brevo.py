"""Conversations with the sandbox's Brevo that other platforms do not have."""

from dataclasses import replace

import httpx
import pytest

from activation.errors import PlatformRefused, TargetMissing
from activation.spec import Field
from activation.syncs import diff_sync
from sandbox.platforms.server import running
from tests.activation.world import AS_OF, KEYS, world_at
from tests.contracts.test_sandbox import BREVO, members, row, run, settings

API = {"api-key": "sandbox-token"}


@pytest.fixture(scope="module")
def platforms(tmp_path_factory):
    """Run the sandbox's platforms."""
    database = tmp_path_factory.mktemp("platforms") / "p.sqlite"
    with running(database, port=0, rate_factor=50, polls=0) as url:
        yield url


@pytest.fixture
def client(platforms):
    """Return a client, over platforms that know nothing yet."""
    with httpx.Client() as one:
        one.post(f"{platforms}/_reset").raise_for_status()
        yield one


@pytest.fixture
def world(tmp_path):
    """Return a warehouse with the Brevo sync, without guards on sizes."""
    spec = replace(BREVO, max_removal_share=1.0, max_size_change=100.0)
    with world_at(tmp_path / "w.duckdb", spec) as fresh:
        yield fresh


def desire(world, rows):
    """Make the model hold these rows, all of them allowed."""
    world.desire(rows)
    world.allow(rows)


def contact(client, platforms, email):
    """Return one contact as the platform shows it."""
    answer = client.get(f"{platforms}/brevo/v3/contacts/{email}", headers=API)
    return answer.raise_for_status().json()


def test_rows_a_report_names_are_rejected_and_the_others_delivered(world, platforms, client):
    """Read from an address that must not be sent the key; refused rows are not on the list."""
    rows = [
        row(BREVO, 1),
        row(BREVO, 2, email="no-dot@example"),
        row(BREVO, 3, phone="+46701000001"),
        row(BREVO, 4),
    ]
    desire(world, rows)

    summary = run(world, platforms)

    codes = world.connection.execute("select row_key, code from ledger.rejections order by 1")
    assert codes == [("c2", "invalid_email"), ("c3", "duplicate_phone_id")]
    assert (summary.delivered, summary.rejected) == (2, 2)
    assert members(client, platforms, "brevo") == ["person1@example.com", "person4@example.com"]


def test_a_lost_report_is_asked_for_by_sending_again(world, platforms, client):
    """Who was refused is unknown without it; the next run tells."""
    desire(world, [row(BREVO, 1), row(BREVO, 2, email="no-dot@example")])
    fault = {"vendor": "brevo", "path_contains": "/reports/", "status": 404}
    client.post(f"{platforms}/_faults", json=fault).raise_for_status()

    first, second = run(world, platforms), run(world, platforms)

    assert (first.delivered, first.unknown) == (0, 2)
    assert (second.delivered, second.rejected, second.unknown) == (1, 1, 0)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/contacts/import", {"drop_connection": True, "when": "after"}),
        ("/contacts/import", {"status": 502, "body": "<html>bad gateway</html>"}),
        ("/contacts/attributes", {"status": 200, "body": "<html>hello</html>"}),
        ("/processes/", {"status": 429, "headers": {"x-sib-ratelimit-reset": "0"}}),
        ("/processes/", {"drop_connection": True, "status": 200}),
        ("/contacts/remove", {"drop_connection": True, "when": "after"}),
        ("/contacts/remove", {"status": 500, "when": "after"}),
    ],
)
def test_no_step_is_lost_to_a_fault(world, platforms, client, path, fault):
    """A change of address is a removal and an import; both survive two spoiled answers."""
    desire(world, [row(BREVO, number) for number in range(3)])
    run(world, platforms)
    then = [row(BREVO, 0, email="new@example.com", phone="+46702000001"), row(BREVO, 1)]
    desire(world, then)
    trouble = {"vendor": "brevo", "path_contains": path, "times": 2, **fault}
    client.post(f"{platforms}/_faults", json=trouble).raise_for_status()

    summary = run(world, platforms)

    assert (summary.delivered, summary.removed, summary.unknown) == (summary.planned, 1, 0)
    assert members(client, platforms, "brevo") == ["new@example.com", "person1@example.com"]
    assert client.get(f"{platforms}/_faults").json()["faults"] == []
    assert run(world, platforms).planned == 0


def test_the_blocklist_is_never_touched(world, platforms, client):
    """Whoever is blocked stays so when sent again; whoever leaves the list is not blocked."""
    desire(world, [row(BREVO, 1), row(BREVO, 2)])
    run(world, platforms)
    person = f"{platforms}/brevo/v3/contacts/person1@example.com"
    client.put(person, headers=API, json={"emailBlacklisted": True}).raise_for_status()

    desire(world, [row(BREVO, 1, first_name="Ada")])
    run(world, platforms)

    blocked = contact(client, platforms, "person1@example.com")
    assert (blocked["emailBlacklisted"], blocked["attributes"]["FIRSTNAME"]) == (True, "Ada")
    left = contact(client, platforms, "person2@example.com")
    assert (left["emailBlacklisted"], left["listIds"]) == (False, [])


def test_null_clears_an_attribute(world, platforms, client):
    """The sent columns are what the warehouse says, also when it says nothing."""
    desire(world, [row(BREVO, 1)])
    run(world, platforms)
    desire(world, [row(BREVO, 1, first_name=None, phone=None)])

    run(world, platforms)

    assert contact(client, platforms, "person1@example.com")["attributes"] == {}


def test_a_missing_attribute_stops_the_run_before_anything_is_sent(tmp_path, platforms, client):
    """Brevo would drop the values without a word; with the attribute they arrive."""
    fields = (Field("email", "varchar"), Field("attribute_spend", "double"))
    with world_at(tmp_path / "s.duckdb", replace(BREVO, fields=fields)) as world:
        desire(world, [{**row(world.spec, 1), "attribute_spend": 12.5}])
        with pytest.raises(PlatformRefused, match="SPEND"):
            run(world, platforms)
        assert members(client, platforms, "brevo") == []
        path = f"{platforms}/brevo/v3/contacts/attributes/normal/SPEND"
        client.post(path, headers=API, json={"type": "float"}).raise_for_status()

        summary = run(world, platforms)

    assert summary.delivered == 1
    assert contact(client, platforms, "person1@example.com")["attributes"] == {"SPEND": 12.5}


def test_a_deleted_list_is_made_anew(world, platforms, client):
    """The run that finds it gone says so; the next one fills another."""
    rows = [row(BREVO, number) for number in range(3)]
    desire(world, rows)
    run(world, platforms)
    (audience,) = client.get(f"{platforms}/_state/brevo/audiences").json()["audiences"]
    path = f"{platforms}/brevo/v3/contacts/lists/{audience['id']}"
    client.delete(path, headers=API).raise_for_status()
    desire(world, [*rows, row(BREVO, 9)])

    with pytest.raises(TargetMissing):
        run(world, platforms)
    summary = run(world, platforms)

    assert summary.delivered == 4
    assert len(members(client, platforms, "brevo")) == 4


def test_two_customers_may_share_an_address(world, platforms, client):
    """One contact stands for both; it leaves the list with the last of them."""
    shared = [row(BREVO, 1), row(BREVO, 2, email="person1@example.com", phone=None)]
    desire(world, shared)
    assert run(world, platforms).delivered == 2
    desire(world, shared[:1])
    run(world, platforms)
    assert members(client, platforms, "brevo") == ["person1@example.com"]
    desire(world, [row(BREVO, 5)])

    run(world, platforms)

    assert members(client, platforms, "brevo") == ["person5@example.com"]


def test_requests_and_minutes_are_told_beforehand(world, platforms, client):
    """Looking at a plan sends nothing, and counts what follows each request."""
    rows = [row(BREVO, 1), row(BREVO, 2, email="no address")]
    desire(world, rows)

    mine = settings(platforms, "brevo")
    looked = diff_sync(world.connection, world.spec, mine, as_of=AS_OF, keys=KEYS).estimate

    assert (looked.requests, looked.minutes) == (3, pytest.approx(1 / (100 / 60)))
    assert looked.invalid_by_code == {"invalid_email": 1}
    assert client.get(f"{platforms}/_requests").json()["requests"] == []
