"""The facade: what a caller gets back, and what it is told when a run cannot go on."""

import threading
from datetime import timedelta

import httpx
import pytest

from activation.destinations import settings_for
from activation.destinations.klaviyo import KlaviyoSettings
from activation.errors import (
    AuthenticationRefused,
    EmptySource,
    FailedTests,
    GuardRefused,
    MassRemoval,
    MissingSetting,
    StaleModel,
    SyncBusy,
)
from activation.pacing import Patience
from activation.syncs import ModelState, diff_sync, run_sync
from orchestration.warehouse import Warehouse
from tests.activation.stub_klaviyo import StubKlaviyo
from tests.activation.world import AS_OF, FCM, KEYS, World, people, person, world_at

HASTE = Patience(first_wait=0.001)


def run(world, settings, stub, **options):
    """Run the sync against the stub."""
    return run_sync(
        world.connection,
        world.spec,
        settings,
        as_of=AS_OF,
        keys=KEYS,
        client=stub.client(),
        patience=HASTE,
        **options,
    )


def filled(world, count):
    """Desire some persons, all allowed."""
    world.desire(people(count))
    world.allow(people(count))


def allowed(world, count):
    """Desire many persons, all allowed."""
    world.desire(people(count))
    numbers = f"from range({count}) r (i)"
    world.connection.execute(
        "insert into contact.contact_points select 'p' || i, 'c' || i, 'email', 'email',"
        f" 'person' || i || '@example.com', true {numbers}"
    )
    world.connection.execute(
        "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
        f" select 'p' || i, 'marketing', 'email', true, 'allowed' {numbers}"
    )


def digest(world, settings):
    """Return the digest of the plan of now."""
    return diff_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS).digest


def last_run(world):
    """Return the last run's number, status and reason."""
    return world.connection.execute(
        "select plan_number, status, stopped_by from ledger.runs order by plan_number desc limit 1"
    )[0]


def test_summary_tells_what_a_marketer_asks(world, settings, klaviyo):
    """Desired, blocked by reason, added, changed, removed, held."""
    filled(world, 3)
    run(world, settings, klaviyo)
    world.desire([person(0, first_name="Grace"), person(1), person(7), person(8)])
    world.allow([person(7)])

    summary = run(world, settings, klaviyo)

    figures = summary.to_dict()
    assert figures["sync"] == "klaviyo__win_back"
    assert (figures["desired"], figures["planned"]) == (4, 3)
    assert (figures["added"], figures["changed"], figures["removed"]) == (1, 1, 1)
    assert figures["blocked_by_reason"] == {"no_contact_point": 1}
    assert (figures["acknowledged"], figures["delivered"], figures["unknown"]) == (3, 3, 0)
    assert last_run(world) == (2, "finished", None)


def test_missing_credentials_are_named_before_anything_happens(world, klaviyo):
    """The variable to set is in the message, and nothing was asked or written."""
    filled(world, 1)

    with pytest.raises(MissingSetting, match="REGULARS_KLAVIYO_API_KEY is not set"):
        run(world, KlaviyoSettings(), klaviyo)

    assert klaviyo.requests == []
    assert not world.connection.table_exists("ledger", "runs")


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (ModelState({"customers"}), FailedTests),
        (ModelState({"sync_klaviyo__win_back"}), FailedTests),
        (ModelState(as_of=AS_OF - timedelta(days=3)), StaleModel),
    ],
)
def test_guards_about_the_model_stop_the_run(world, settings, klaviyo, model, error):
    """A model that cannot be trusted is not sent."""
    filled(world, 1)

    with pytest.raises(error):
        run(world, settings, klaviyo, model=model)

    assert klaviyo.requests == []


def test_empty_model_is_refused_and_recorded(world, settings, klaviyo):
    """Nobody is removed because a build went wrong."""
    filled(world, 3)
    run(world, settings, klaviyo)
    world.desire([])

    with pytest.raises(EmptySource):
        run(world, settings, klaviyo)

    assert last_run(world) == (2, "refused", "EmptySource")
    assert len(klaviyo.emails()) == 3
    assert world.connection.execute("select count(*) from ledger.leases") == [(0,)]


def test_mass_removal_is_refused_until_its_plan_is_named(world, settings, klaviyo):
    """What the gate forbids is no error of the model, but a tenth of an audience is looked at."""
    allowed(world, 150)
    run(world, settings, klaviyo)
    world.connection.execute(
        "insert into decisions.holds select 'c' || i, 'parcel_lost', null, null, true"
        " from range(25) r (i)"
    )

    with pytest.raises(MassRemoval, match="removes 25 of 150"):
        run(world, settings, klaviyo)
    assert len(klaviyo.emails()) == 150
    assert world.connection.execute("select count(*) from ledger.plan_rows") == [(150,)]

    assert run(world, settings, klaviyo, named=digest(world, settings)).removed == 25
    assert len(klaviyo.emails()) == 125


def test_consent_tables_that_vanish_do_not_empty_a_large_audience(world, settings, klaviyo):
    """Closed for lack of proof, and stopped because that would remove everybody."""
    filled(world, 120)
    run(world, settings, klaviyo)
    world.connection.execute("drop table privacy.consents")

    with pytest.raises(GuardRefused):
        run(world, settings, klaviyo)

    assert len(klaviyo.emails()) == 120


def test_two_runs_at_once_do_not_send_twice(tmp_path, settings):
    """The second run is told to wait; nothing was sent by it."""
    stub, entered, leave = StubKlaviyo(), threading.Event(), threading.Event()

    def hold(request):
        entered.set()
        leave.wait(30)

    with world_at(tmp_path / "w.duckdb") as world:
        filled(world, 2)
        stub.interfere = hold
        first = threading.Thread(target=run, args=(world, settings, stub))
        first.start()
        entered.wait(30)
        other = StubKlaviyo()
        with (
            Warehouse(tmp_path / "w.duckdb").connect() as connection,
            pytest.raises(SyncBusy, match="is sending"),
        ):
            run(World(connection, world.spec), settings, other)
        stub.interfere = lambda request: None
        leave.set()
        first.join()

    assert other.requests == []
    assert len(stub.emails()) == 2


def test_changed_address_whose_removal_fails_is_held_back(world, settings, klaviyo):
    """The old address is not forgotten: the change waits until it can be taken out."""
    filled(world, 1)
    run(world, settings, klaviyo)
    moved = person(0, email="new@example.com", contact_point_id="pn")
    world.desire([moved])
    world.allow([moved])

    klaviyo.interfere = lambda request: (
        httpx.Response(500) if request.url.path == "/api/profiles" else None
    )
    failed = run(world, settings, klaviyo)
    assert (failed.changed, failed.unknown) == (1, 1)
    assert klaviyo.emails() == {"person0@example.com"}

    klaviyo.interfere = lambda request: None
    assert run(world, settings, klaviyo).retried == 1
    assert klaviyo.emails() == {"new@example.com"}


def test_change_undone_after_a_stop_between_removal_and_sending(world, settings, klaviyo):
    """The old address was taken out already; when it is wanted again it must be sent again."""
    filled(world, 1)
    run(world, settings, klaviyo)
    moved = person(0, email="new@example.com", contact_point_id="pn")
    world.desire([moved])
    world.allow([moved])
    klaviyo.interfere = lambda request: httpx.Response(401) if request.method == "POST" else None
    with pytest.raises(AuthenticationRefused):
        run(world, settings, klaviyo)
    assert klaviyo.emails() == set()

    klaviyo.interfere = lambda request: None
    world.desire(people(1))
    run(world, settings, klaviyo)

    assert klaviyo.emails() == {"person0@example.com"}


def test_change_undone_after_a_stop_among_the_removals(tmp_path):
    """Rows whose old token was taken out, and whose new one never sent, are not taken for held."""
    subscribed, refusing, first_batch_is_out = set(), [False], threading.Event()

    def answer(request):
        name = request.url.path.split("/registrations/")[1].split("/")[0]
        if refusing[0] and name.startswith("old-1"):
            first_batch_is_out.wait(30)
            return httpx.Response(401)
        (subscribed.discard if request.method == "DELETE" else subscribed.add)(name)
        if refusing[0] and len(subscribed) == 100:
            first_batch_is_out.set()
        return httpx.Response(200, json={})

    values = {"REGULARS_FCM_ACCESS_TOKEN": "x", "REGULARS_FCM_PROJECT_ID": "y"}
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        world_at(tmp_path / "w.duckdb", FCM) as world,
    ):
        options = {"as_of": AS_OF, "keys": KEYS, "client": client, "patience": HASTE}
        sync = (world.connection, world.spec, settings_for("fcm", values))
        for prefix in ("old", "new", "old"):
            want_tokens(world, prefix)
            refusing[0] = prefix == "new"
            if refusing[0]:
                with pytest.raises(AuthenticationRefused):
                    run_sync(*sync, **options)
                assert len(subscribed) == 100
            else:
                run_sync(*sync, **options)

    assert subscribed == {f"old-{number:03}" for number in range(200)}


def want_tokens(world, prefix):
    """Desire two hundred tokens with a prefix, all allowed."""
    for table in (world.spec.relation, "contact.contact_points", "privacy.consents"):
        world.connection.execute(f"delete from {table}")
    world.connection.execute(
        f"insert into {world.spec.relation} (customer_id, contact_point_id, token)"
        f" select 'c' || i, 'p' || lpad(cast(i as varchar), 3, '0'),"
        f" '{prefix}-' || lpad(cast(i as varchar), 3, '0') from range(200) r (i)"
    )
    world.connection.execute(
        "insert into contact.contact_points select contact_point_id, customer_id, 'push_token',"
        f" 'push', token, true from {world.spec.relation}"
    )
    world.connection.execute(
        "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
        f" select contact_point_id, 'marketing', 'push', true, 'allowed' from {world.spec.relation}"
    )


def test_removal_without_an_answer_is_undone_when_the_row_is_wanted_again(world, settings, klaviyo):
    """A row that may be gone is sent again, even with unchanged values."""
    filled(world, 2)
    run(world, settings, klaviyo)
    world.desire(people(1))

    def remove_silently(request):
        if request.method == "DELETE":
            klaviyo._route(request)
            return httpx.Response(500)
        return None

    klaviyo.interfere = remove_silently
    assert run(world, settings, klaviyo).unknown == 1
    assert klaviyo.emails() == {"person0@example.com"}

    klaviyo.interfere = lambda request: None
    world.desire(people(2))
    assert run(world, settings, klaviyo).retried == 1
    assert len(klaviyo.emails()) == 2


def test_preview_works_on_a_read_only_copy(tmp_path, settings):
    """An analyst may look at a plan where nothing can be written."""
    with world_at(tmp_path / "w.duckdb") as world:
        filled(world, 2)
        spec = world.spec
    with Warehouse(tmp_path / "w.duckdb").connect(read_only=True) as connection:
        assert diff_sync(connection, spec, settings, as_of=AS_OF, keys=KEYS).counts == {"add": 2}
