"""Against the sandbox's strict platforms every destination ends with the desired members."""

import hashlib
from dataclasses import replace

import httpx
import pytest

from activation.destinations import settings_for
from activation.erasure import REMOVED as ERASED
from activation.erasure import erase_at
from activation.pacing import Patience
from activation.recipients import find_holders, remembered_syncs
from activation.reconcile import Size, reconcile_sync
from activation.spec import Field
from activation.syncs import run_sync
from sandbox.platforms.server import running
from sandbox.platforms.webhook import secret_of
from tests.activation.world import AS_OF, FCM, KEYS, KLAVIYO, world_at

ADS = ("ads_user_data", "ads_personalisation")


def sync(destination, surface, *names):
    """Return an ads sync with some fields."""
    return replace(
        KLAVIYO,
        name=f"{destination}__buyers",
        destination=destination,
        surface=surface,
        target="RG 01",
        purposes=ADS,
        channel="ads",
        fields=tuple(Field(name, "varchar") for name in names),
    )


BREVO = replace(
    KLAVIYO,
    name="brevo__win_back",
    relation="activation.sync_brevo__win_back",
    destination="brevo",
    fields=(Field("email", "varchar"), Field("first_name", "varchar"), Field("phone", "varchar")),
)

HUBSPOT = replace(
    BREVO,
    name="hubspot__win_back",
    relation="activation.sync_hubspot__win_back",
    destination="hubspot",
)

SYNCS = {
    "brevo": BREVO,
    "hubspot": HUBSPOT,
    "klaviyo": KLAVIYO,
    "google": sync(
        "google_customer_match",
        "user_list",
        "email",
        "phone",
        "first_name",
        "last_name",
        "country_code",
        "postal_code",
    ),
    "meta": sync(
        "meta_custom_audiences", "custom_audience", "external_id", "email", "phone", "first_name"
    ),
    "fcm": FCM,
    "webhook": replace(
        KLAVIYO,
        name="webhook__buyers",
        destination="webhook",
        surface="rows",
        target="RG 01",
        fields=tuple(
            Field(name, "varchar") for name in ("customer_id", "email", "phone", "first_name")
        ),
    ),
}
REMOVED = dict.fromkeys(SYNCS, 2) | {"webhook": 3}
"""A row that takes over another's address takes its place, but for those who know only keys."""

READABLE = {"brevo": 505, "hubspot": 120, "klaviyo": 120}
"""Vendors that tell who is on a list, with more members than their page holds."""


@pytest.fixture(scope="module")
def platforms(tmp_path_factory):
    """Run the sandbox's platforms."""
    with running(tmp_path_factory.mktemp("platforms") / "p.sqlite", port=0, rate_factor=50) as url:
        yield url


@pytest.fixture
def client():
    """Return a client to look at the platforms with."""
    with httpx.Client() as one:
        yield one


@pytest.fixture(autouse=True)
def fresh(platforms, client):
    """Empty the platforms before every test."""
    client.post(f"{platforms}/_reset").raise_for_status()


def settings(url, name):
    """Return the settings that lead to the sandbox."""
    return settings_for(
        name,
        {
            "REGULARS_BREVO_API_KEY": "sandbox-token",
            "REGULARS_BREVO_BASE_URL": f"{url}/brevo",
            "REGULARS_HUBSPOT_ACCESS_TOKEN": "sandbox-token",
            "REGULARS_HUBSPOT_BASE_URL": f"{url}/hubspot",
            "REGULARS_KLAVIYO_API_KEY": "sandbox-token",
            "REGULARS_KLAVIYO_BASE_URL": f"{url}/klaviyo",
            "REGULARS_GOOGLE_ACCESS_TOKEN": "sandbox-token",
            "REGULARS_GOOGLE_CUSTOMER_ID": "1234567890",
            "REGULARS_GOOGLE_BASE_URL": f"{url}/google",
            "REGULARS_META_ACCESS_TOKEN": "sandbox-token",
            "REGULARS_META_AD_ACCOUNT_ID": "17",
            "REGULARS_META_BASE_URL": f"{url}/meta",
            "REGULARS_FCM_ACCESS_TOKEN": "sandbox-token",
            "REGULARS_FCM_PROJECT_ID": "project",
            "REGULARS_FCM_BASE_URL": f"{url}/fcm",
            "REGULARS_WEBHOOK_URL": f"{url}/webhook/hooks/shop",
            "REGULARS_WEBHOOK_SECRET": secret_of("sandbox-token"),
            "REGULARS_WEBHOOK_ALLOW_LOOPBACK": "true",
        },
    )


def row(spec, number, push="", **overrides):
    """Return one row of a sync model; `push` is its token if not the usual one."""
    whole = {
        "customer_id": f"c{number}",
        "contact_point_id": f"p{number}",
        "email": f"person{number}@example.com",
        "phone": f"+46701{number:06d}",
        "first_name": "Zoë",
        "last_name": "O'Neil",
        "country_code": "SE",
        "postal_code": "111 22",
        "external_id": f"c{number}",
        "token": push or f"token-{number}",
        "property_spend": 3.5,
        **overrides,
    }
    names = {"customer_id", "contact_point_id", *(field.name for field in spec.fields)}
    return {name: value for name, value in whole.items() if name in names}


def members(client, url, vendor):
    """Return what identifies each member of the only audience."""
    audiences = client.get(f"{url}/_state/{vendor}/audiences").json()["audiences"]
    (audience,) = [one for one in audiences if one["name"] != "profiles"]
    found = client.get(f"{url}/_state/{vendor}/audiences/{audience['id']}/members").json()
    return sorted(_identifier(vendor, member) for member in found["members"])


def _identifier(vendor, member):
    if vendor == "google":
        (email,) = [i for i in member["identifiers"] if i.startswith("emailAddress:")]
        return email.removeprefix("emailAddress:")
    if vendor == "webhook":
        return member["values"]["email"]
    return member[{"meta": "EMAIL", "fcm": "token"}.get(vendor, "email")]


def identifiers(vendor, rows):
    """Return how the platform shows these rows."""
    if vendor == "fcm":
        return sorted(one["token"] for one in rows)
    emails = [one["email"] for one in rows]
    if vendor not in ("google", "meta"):
        return sorted(emails)
    return sorted(hashlib.sha256(email.encode()).hexdigest() for email in emails)


def run(world, url, **options):
    """Run the sync."""
    mine = settings(url, world.spec.destination)
    return run_sync(
        world.connection,
        world.spec,
        mine,
        as_of=AS_OF,
        keys=KEYS,
        patience=Patience(first_wait=0.01, longest_poll=0.01),
        **options,
    )


def changed(client, url):
    """Return how many requests changed a platform's state."""
    return client.get(f"{url}/_requests/summary").json()["changed_state"]


@pytest.mark.parametrize("vendor", SYNCS)
def test_platform_holds_exactly_the_desired_members(tmp_path, platforms, client, vendor):
    """Added, changed, merged and removed rows; the run after it changes nothing."""
    spec = SYNCS[vendor]
    address = "token" if vendor == "fcm" else "email"
    with world_at(tmp_path / "w.duckdb", spec) as world:
        rows = [row(spec, number) for number in range(8)]
        world.desire(rows)
        world.allow(rows[:6], address)
        first = run(world, platforms)
        assert members(client, platforms, vendor) == identifiers(vendor, rows[:6])

        then = [
            row(spec, 0),
            row(spec, 1, email="new@example.com", push="token-new", phone="+46702000001"),
            row(spec, 2, first_name="Ada", phone="+46702000002"),
            row(spec, 9, email="person3@example.com", push="token-3", phone="+46701000003"),
        ]
        world.desire(then)
        world.allow(then, address)
        second = run(world, platforms)
        before = changed(client, platforms)
        third = run(world, platforms)

    assert members(client, platforms, vendor) == identifiers(vendor, then)
    assert (first.added, first.blocked_by_reason) == (6, {"no_contact_point": 2})
    assert (second.delivered, second.removed) == (second.planned, REMOVED[vendor])
    assert (third.planned, third.requests) == (0, 0)
    assert changed(client, platforms) == before


@pytest.mark.parametrize("vendor", READABLE)
def test_a_list_reads_back_as_it_was_sent(tmp_path, platforms, client, vendor):
    """Over more than one page, and with nobody missing or foreign."""
    spec, count = SYNCS[vendor], READABLE[vendor]
    with world_at(tmp_path / "w.duckdb", spec) as world:
        rows = [row(spec, number) for number in range(count)]
        world.desire(rows)
        world.allow(rows)
        run(world, platforms)
        mine = settings(platforms, vendor)
        drift = reconcile_sync(world.connection, world.spec, mine, keys=KEYS)

    assert (drift.held, drift.listed, drift.missing, drift.foreign) == (count, count, 0, 0)


@pytest.mark.parametrize("vendor", SYNCS)
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 502, "body": "<html>bad gateway</html>"},
        {"drop_connection": True},
        {"status": 500, "when": "after"},
        {"drop_connection": True, "when": "after"},
    ],
    ids=["503", "429", "html", "dropped", "500-after", "dropped-after"],
)
def test_faults_do_not_change_the_end(tmp_path, platforms, client, vendor, fault):
    """Two spoiled answers in a row cost time, not members."""
    spec = SYNCS[vendor]
    with world_at(tmp_path / "w.duckdb", spec) as world:
        rows = [row(spec, number) for number in range(3)]
        world.desire(rows)
        world.allow(rows, "token" if vendor == "fcm" else "email")
        client.post(f"{platforms}/_faults", json={"vendor": vendor, "times": 2, **fault})
        summary = run(world, platforms)

    assert summary.delivered == 3
    assert members(client, platforms, vendor) == identifiers(vendor, rows)


def test_rejected_rows_are_named_by_every_platform_that_can(tmp_path, platforms, client):
    """A dead token is rejected by its code; the others are subscribed."""
    with world_at(tmp_path / "w.duckdb", FCM) as world:
        rows = [row(FCM, 1), row(FCM, 2, push="x-unregistered"), row(FCM, 3)]
        world.desire(rows)
        world.allow(rows, "token")
        summary = run(world, platforms)
        codes = world.connection.execute("select row_key, code from ledger.rejections")

    assert (summary.delivered, summary.rejected) == (2, 1)
    assert codes == [("p2", "unregistered")]
    assert members(client, platforms, "fcm") == ["token-1", "token-3"]


@pytest.mark.parametrize("vendor", SYNCS)
def test_an_erased_person_is_gone_from_every_platform(tmp_path, platforms, client, vendor):
    """Who is on the list and who left it, by the ledger alone, after the sync itself is gone."""
    spec = SYNCS[vendor]
    address = "token" if vendor == "fcm" else "email"
    with world_at(tmp_path / "w.duckdb", spec) as world:
        rows = [row(spec, number) for number in range(5)]
        world.desire(rows)
        world.allow(rows, address)
        run(world, platforms)
        world.desire(rows[:4])
        run(world, platforms)
        connection, gone = world.connection, ["c1", "c4"]
        (holder,) = find_holders(connection, gone)
        remembered = remembered_syncs(connection)[holder.sync, holder.account]
        connection.execute(f"drop table {spec.relation}")

        mine = settings(platforms, spec.destination)
        receipt = erase_at(connection, holder, remembered, mine, gone, as_of=AS_OF, keys=KEYS)

        erases = spec.capabilities.erases
        assert (receipt.outcome, receipt.rows) == (ERASED, 2 if erases else 1)
        assert members(client, platforms, vendor) == identifiers(vendor, [rows[0], *rows[2:4]])
        assert find_holders(connection, gone) == []
        assert {key for key, *_ in world.ledger()}.isdisjoint({"c1", "c4", "p1", "p4"})
        for number in (1, 4):
            assert not erases or not has_contact(client, platforms, vendor, number)
        assert not erases or has_contact(client, platforms, vendor, 2)


@pytest.mark.parametrize("vendor", SYNCS)
def test_a_withdrawal_reaches_a_sync_that_was_switched_off(tmp_path, platforms, client, vendor):
    """One person withdrew and is gone; another left the audience and a third joined: both wait."""
    spec = SYNCS[vendor]
    address = "token" if vendor == "fcm" else "email"
    with world_at(tmp_path / "w.duckdb", spec) as world:
        rows = [row(spec, number) for number in range(6)]
        world.allow(rows, address)
        world.desire(rows[:5])
        run(world, platforms)
        world.spec = replace(spec, is_enabled=False)
        world.desire(rows[1:])
        world.connection.execute(
            "update privacy.consents set is_allowed = false, reason = 'withdrawn'"
            " where contact_point_id in ('p2', 'p5')"
        )

        summary = run(world, platforms)
        before = changed(client, platforms)
        again = run(world, platforms)

    assert (summary.removed, summary.delivered) == (1, 1)
    assert members(client, platforms, vendor) == identifiers(vendor, [*rows[:2], *rows[3:5]])
    assert (again.planned, again.requests) == (0, 0)
    assert changed(client, platforms) == before


def has_contact(client, url, vendor, number):
    """Say whether a vendor's account knows an address, on whatever list."""
    email = f"person{number}@example.com"
    if vendor == "klaviyo":
        found = client.get(f"{url}/_state/klaviyo/audiences/profiles/members").json()["members"]
        return email in {one["email"] for one in found}
    if vendor == "brevo":
        headers = {"api-key": "sandbox-token"}
        answer = client.get(f"{url}/brevo/v3/contacts/{email}", headers=headers)
        return answer.status_code == 200
    wanted = {"inputs": [{"id": email}], "idProperty": "email", "properties": ["email"]}
    answer = client.post(
        f"{url}/hubspot/crm/v3/objects/contacts/batch/read",
        json={**wanted, "propertiesWithHistory": []},
        headers={"authorization": "Bearer sandbox-token"},
    )
    return bool(answer.json().get("results"))


def test_what_another_person_has_too_stays_at_the_platform(tmp_path, platforms, client):
    """A shared address is removed for nobody; the ledger forgets the erased person's row."""
    spec = SYNCS["meta"]
    with world_at(tmp_path / "w.duckdb", spec) as world:
        rows = [row(spec, 1), row(spec, 2, email="person1@example.com")]
        world.desire(rows)
        world.allow(rows)
        run(world, platforms)
        (holder,) = find_holders(world.connection, ["c1"])

        mine = settings(platforms, spec.destination)
        receipt = erase_at(world.connection, holder, spec, mine, ["c1"], as_of=AS_OF, keys=KEYS)

        assert receipt.outcome == ERASED
        assert identifiers("meta", rows[1:])[0] in members(client, platforms, "meta")
        world.desire(rows[1:])
        assert run(world, platforms).removed == 0


def test_an_account_that_cannot_be_asked_is_told_of(tmp_path, platforms):
    """Nobody knows the sync any more, or the credentials are missing or another account's."""
    spec = SYNCS["klaviyo"]
    with world_at(tmp_path / "w.duckdb", spec) as world:
        world.desire([row(spec, 1)])
        world.allow([row(spec, 1)])
        run(world, platforms)
        (holder,) = find_holders(world.connection, ["c1"])
        options = {"as_of": AS_OF, "keys": KEYS}

        mine = settings(platforms, "klaviyo")
        unknown = erase_at(world.connection, holder, None, None, ["c1"], **options)
        without = replace(mine, api_key="")
        keyless = erase_at(world.connection, holder, spec, without, ["c1"], **options)
        other = replace(mine, base_url="https://klaviyo.example")
        foreign = erase_at(world.connection, holder, spec, other, ["c1"], **options)

        receipts = (unknown, keyless, foreign)
        assert {receipt.outcome for receipt in receipts} == {"not reached"}
        assert all(receipt.reason for receipt in receipts)
        assert "REGULARS_KLAVIYO_API_KEY" in keyless.reason
        assert world.ledger() == [("c1", "acknowledged", True)]


@pytest.mark.parametrize("vendor", ["google", "meta"])
def test_a_list_that_cannot_be_read_is_counted(tmp_path, platforms, client, vendor):
    """The ledger beside the platform's own count; nothing is sent for a difference."""
    spec = SYNCS[vendor]
    with world_at(tmp_path / "w.duckdb", spec) as world:
        rows = [row(spec, number) for number in range(7)]
        world.desire(rows)
        world.allow(rows)
        run(world, platforms)
        mine = settings(platforms, spec.destination)
        before = reconcile_sync(world.connection, world.spec, mine, keys=KEYS)
        world.connection.execute("update ledger.sync_rows set is_held = false where row_key = 'c6'")
        after = reconcile_sync(world.connection, world.spec, mine, keys=KEYS)

        assert before == Size(spec.name, 7, 7, 7)
        assert after == Size(spec.name, 6, 7, 7)
        assert world.connection.execute(
            "select count(*) from ledger.sync_rows where state = 'unknown'"
        ) == [(0,)]
