"""Delivery commits every outcome, stops with a clear error and never loses or doubles a row."""

import logging
import threading
import time
from dataclasses import replace

import httpx
import pytest

from activation.delivery import Backlog
from activation.destinations import settings_for
from activation.errors import (
    AuthenticationRefused,
    PlatformBusy,
    PlatformRefused,
    PlatformUnreachable,
    TargetMissing,
)
from activation.http_sender import http_client
from activation.pacing import Patience
from activation.syncs import run_sync
from tests.activation.stub_klaviyo import StubKlaviyo
from tests.activation.world import AS_OF, FCM, KEYS, people, person, world_at

IMPORT = "profile-bulk-import-jobs"


# Enough attempts to get over what the tests put in the way, without waiting for it.
HASTE = Patience(first_wait=0.001, narrowings=8)


def run(world, settings, stub, **options):
    """Run the sync against the stub."""
    client = stub.client() if isinstance(stub, StubKlaviyo) else stub
    return run_sync(
        world.connection,
        world.spec,
        settings,
        as_of=AS_OF,
        keys=KEYS,
        client=client,
        patience=HASTE,
        **options,
    )


def states(world):
    """Return how many rows of the last plan are in each state."""
    rows = world.connection.execute(
        "select state, count(*) from ledger.plan_rows where run_id ="
        " (select run_id from ledger.runs order by plan_number desc limit 1) group by state"
    )
    return dict(rows)


def last_run(world):
    """Return status and reason of the last run."""
    return world.connection.execute(
        "select status, stopped_by from ledger.runs order by plan_number desc limit 1"
    )[0]


def answer(status, *, times=1, part=IMPORT, **content):
    """Return a hook that answers some requests in its own way, and the stub the others."""
    left = [times]

    def hook(request):
        if part in request.url.path and left[0] > 0:
            left[0] -= 1
            return httpx.Response(status, **content)
        return None

    return hook


def filled(world, count):
    """Desire some persons, all allowed."""
    world.desire(people(count))
    world.allow(people(count))


def test_second_run_sends_nothing(world, settings, klaviyo):
    """With nothing changed there is nothing to plan and nothing to ask the platform."""
    filled(world, 3)
    run(world, settings, klaviyo)
    before = len(klaviyo.requests)

    summary = run(world, settings, klaviyo)

    assert (summary.planned, summary.requests, summary.acknowledged) == (0, 0, 3)
    assert len(klaviyo.requests) == before


def test_target_is_looked_up_once(world, settings, klaviyo):
    """The list's identifier is remembered in the ledger."""
    filled(world, 1)
    run(world, settings, klaviyo)
    filled(world, 2)
    run(world, settings, klaviyo)

    assert klaviyo.sent("GET", "/api/lists") == 1
    assert klaviyo.sent("POST", "/api/lists") == 1


def test_existing_list_is_used(world, settings, klaviyo):
    """A list of that name is not made a second time."""
    klaviyo.lists, klaviyo.members = {"L7": "Win back"}, {"L7": set()}
    filled(world, 1)

    run(world, settings, klaviyo)

    assert klaviyo.sent("POST", "/api/lists") == 0
    assert klaviyo.emails() == {"person0@example.com"}


def test_refused_credentials_stop_the_run_and_name_the_variable(world, settings, klaviyo):
    """A wrong key is an error for a person, not for a retry; the key itself is not shown."""
    filled(world, 2)

    with pytest.raises(AuthenticationRefused, match="REGULARS_KLAVIYO_API_KEY") as caught:
        run(world, replace(settings, api_key="wrong-key"), klaviyo)

    assert "wrong-key" not in str(caught.value)
    assert len(klaviyo.requests) == 1
    assert last_run(world) == ("stopped", "AuthenticationRefused")
    assert states(world) == {"unknown": 2}


def test_credentials_that_expire_midway_keep_what_was_acknowledged(world, settings, klaviyo):
    """Rows delivered before the stop stay delivered; the rest is sent by the next run."""
    filled(world, 3)
    run(world, settings, klaviyo)
    world.desire(people(6))
    world.allow(people(6)[3:])
    klaviyo.interfere = answer(401)

    with pytest.raises(AuthenticationRefused):
        run(world, settings, klaviyo)
    summary = run(world, settings, klaviyo)

    assert (summary.retried, summary.added, summary.acknowledged) == (3, 0, 6)
    assert len(klaviyo.emails()) == 6


def test_unreachable_platform_is_a_clear_transient_error(world, settings):
    """No connection leaves the plan open for the next run."""
    filled(world, 2)

    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    with (
        httpx.Client(transport=httpx.MockTransport(refuse)) as client,
        pytest.raises(PlatformUnreachable, match="REGULARS_KLAVIYO_BASE_URL"),
    ):
        run(world, settings, client)
    stub = StubKlaviyo()
    summary = run(world, settings, stub)

    assert (summary.added, summary.retried) == (2, 0)
    assert len(stub.emails()) == 2


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_trouble_is_retried(world, settings, klaviyo, status):
    """What may work the next time is tried again within the run."""
    filled(world, 1)
    klaviyo.interfere = answer(status, times=2)

    summary = run(world, settings, klaviyo)

    assert (summary.delivered, summary.unknown) == (1, 0)


def test_lost_answer_is_retried(world, settings, klaviyo):
    """A broken connection after sending is retried: the operation is the same twice."""
    filled(world, 1)
    broken = [True]

    def hook(request):
        if IMPORT in request.url.path and broken:
            broken.clear()
            raise httpx.ReadError("broken", request=request)

    klaviyo.interfere = hook

    assert run(world, settings, klaviyo).delivered == 1


@pytest.mark.parametrize("content", [b"<html>busy</html>", b"", b"[]", b'{"data": 7}'])
def test_garbled_answer_is_not_taken_for_success(world, settings, klaviyo, content):
    """An answer that cannot be read is asked for again."""
    filled(world, 1)
    klaviyo.interfere = answer(202, content=content)

    summary = run(world, settings, klaviyo)

    assert summary.delivered == 1
    assert klaviyo.sent("POST", IMPORT) == 2


def test_lasting_trouble_leaves_rows_unknown_and_the_next_run_retries(world, settings, klaviyo):
    """A batch that keeps failing does not lose its rows."""
    filled(world, 2)
    klaviyo.interfere = answer(500, times=100)

    summary = run(world, settings, klaviyo)
    klaviyo.interfere = lambda request: None
    again = run(world, settings, klaviyo)

    assert (summary.unknown, summary.acknowledged) == (2, 0)
    assert (again.retried, again.delivered) == (2, 2)


def test_row_in_doubt_that_is_not_desired_any_more_is_removed(world, settings, klaviyo):
    """What the platform may hold must not stay there."""
    filled(world, 2)
    klaviyo.interfere = lambda request: None

    def deliver_but_fail(request):
        if request.method == "POST" and IMPORT in request.url.path:
            klaviyo._route(request)
            return httpx.Response(500)
        return None

    klaviyo.interfere = deliver_but_fail
    run(world, settings, klaviyo)
    klaviyo.interfere = lambda request: None
    world.desire(people(1))
    summary = run(world, settings, klaviyo)

    assert (summary.retried, summary.removed) == (1, 1)
    assert klaviyo.emails() == {"person0@example.com"}


def test_wait_longer_than_a_run_may_take_stops_the_run(world, settings, klaviyo):
    """A platform that asks for an hour gets it, in the next run."""
    filled(world, 1)
    klaviyo.interfere = answer(429, headers={"retry-after": "3600"})

    with pytest.raises(PlatformBusy, match="3600 s"):
        run(world, settings, klaviyo)


def test_rejections_are_recorded_by_code(world, settings, klaviyo):
    """Each rejected row is in the ledger with its code, and without its values."""
    filled(world, 2)
    klaviyo.rejected = frozenset({"person1@example.com"})

    run(world, settings, klaviyo)

    rows = world.connection.execute("select row_key, state, code from ledger.rejections")
    assert rows == [("c1", "rejected", "invalid")]


def test_malformed_row_is_invalid_and_the_others_are_sent(world, settings, klaviyo):
    """A row that cannot be sent does not hold the batch up."""
    rows = [person(0), person(1, email="no address", contact_point_id="px")]
    world.desire(rows)
    world.allow(rows)

    summary = run(world, settings, klaviyo)

    assert (summary.delivered, summary.invalid) == (1, 1)
    assert run(world, settings, klaviyo).planned == 0


def test_batch_refused_as_a_whole_is_halved_down_to_the_culprit(world, settings, klaviyo):
    """One poisonous row costs itself alone, even when the platform does not name it."""
    filled(world, 9)

    def refuse_person_five(request):
        if request.method == "POST" and b"person5@" in request.content:
            return httpx.Response(400, json={"errors": [{"code": "odd", "source": {}}]})
        return None

    klaviyo.interfere = refuse_person_five
    summary = run(world, settings, klaviyo)

    assert (summary.delivered, summary.rejected) == (8, 1)
    assert len(klaviyo.emails()) == 8


def test_rows_named_in_a_refusal_are_dropped_and_the_rest_is_sent(world, settings, klaviyo):
    """A refusal that names rows costs one more request, not a search."""
    filled(world, 5)
    pointers = [f"/data/attributes/profiles/data/{index}/attributes/email" for index in (1, 3)]
    errors = [{"code": "invalid", "source": {"pointer": pointer}} for pointer in pointers]
    klaviyo.interfere = answer(400, json={"errors": errors})

    summary = run(world, settings, klaviyo)

    assert (summary.delivered, summary.rejected) == (3, 2)
    assert klaviyo.sent("POST", IMPORT) == 2


def test_platform_that_refuses_every_row_stops_the_run(world, settings, klaviyo):
    """A mistake in the model is one error, not thousands of rejected rows."""
    filled(world, 100)
    klaviyo.interfere = answer(400, times=10_000, json={"errors": []})

    with pytest.raises(PlatformRefused, match="refuses every row"):
        run(world, settings, klaviyo)

    assert len(klaviyo.requests) < 15
    assert states(world) == {"unknown": 100}


def test_deleted_list_is_made_anew_and_filled_by_the_next_run(world, settings, klaviyo):
    """Somebody deleted the list by hand: nothing the ledger says about it is true any more."""
    filled(world, 3)
    run(world, settings, klaviyo)
    klaviyo.lists.clear()
    filled(world, 4)

    with pytest.raises(TargetMissing, match="next run"):
        run(world, settings, klaviyo)
    summary = run(world, settings, klaviyo)

    assert summary.retried == 4
    assert len(klaviyo.emails()) == 4


def test_consent_withdrawn_between_plan_and_dispatch_blocks(world, settings, klaviyo):
    """The gate is asked again for every batch."""
    filled(world, 2)

    def withdraw(request):
        if request.url.path == "/api/lists" and request.method == "POST":
            world.connection.execute("delete from privacy.consents where contact_point_id = 'p1'")

    klaviyo.interfere = withdraw
    summary = run(world, settings, klaviyo)

    assert (summary.delivered, summary.blocked_at_dispatch) == (1, 1)
    assert klaviyo.emails() == {"person0@example.com"}


def test_every_planned_row_ends_in_one_state(world, settings, klaviyo):
    """Delivered, rejected, invalid, blocked and unknown add up to the plan."""
    rows = [*people(4), person(9, email="no address", contact_point_id="px")]
    world.desire(rows)
    world.allow(rows)
    klaviyo.rejected = frozenset({"person2@example.com"})

    summary = run(world, settings, klaviyo)

    final = (summary.delivered, summary.rejected, summary.invalid, summary.unknown)
    assert final == (3, 1, 1, 0)
    assert sum(final) + summary.blocked_at_dispatch == summary.planned


def test_values_are_purged_when_the_run_ends(world, settings, klaviyo):
    """The plan's history holds keys and states, not what was sent."""
    filled(world, 2)
    run(world, settings, klaviyo)

    assert world.connection.execute(
        "select count(payload), count(held_identifiers) from ledger.plan_rows"
    ) == [(0, 0)]
    kept = world.connection.execute("select identifiers from ledger.sync_rows where row_key = 'c0'")
    assert "Ada" not in kept[0][0]


def test_progress_is_told_after_every_batch(world, settings, klaviyo):
    """The caller learns how many rows are settled."""
    filled(world, 3)
    told = []

    run(world, settings, klaviyo, progress=lambda done, planned: told.append((done, planned)))

    assert told == [(3, 3)]


def test_rows_are_told_by_the_million_and_every_minute():
    """A fast platform costs few tellings, and with a slow one the ledger is a minute behind."""
    clock = [100.0]
    backlog = Backlog(lambda: clock[0])
    backlog.rows += 999_999
    assert not backlog.is_due()
    backlog.rows += 1
    assert backlog.is_due()

    backlog.clear()
    clock[0] = 160.0
    assert not backlog.is_due()
    clock[0] = 160.1
    assert backlog.is_due()
    backlog.clear()

    assert not backlog.is_due()


def test_batches_in_flight_are_bounded(tmp_path):
    """Never more requests at once than the destination's capabilities say, but more than one."""
    at_once, most, lock = [0], [0], threading.Lock()

    def watched(request):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.002)
        with lock:
            at_once[0] -= 1
        return httpx.Response(200, json={})

    fcm = settings_for(
        "fcm", {"REGULARS_FCM_ACCESS_TOKEN": "secret", "REGULARS_FCM_PROJECT_ID": "project"}
    )
    with world_at(tmp_path / "w.duckdb", FCM) as world:
        subscribe_many(world, 2_000)
        with httpx.Client(transport=httpx.MockTransport(watched)) as client:
            summary = run(world, fcm, client)

    assert summary.delivered == 2_000
    assert 1 < most[0] <= FCM.capabilities.in_flight


def subscribe_many(world, count):
    """Desire many push tokens, all allowed."""
    execute = world.connection.execute
    execute(
        f"insert into {world.spec.relation} (customer_id, contact_point_id, token)"
        f" select 'c' || i, 'p' || i, 'token-' || i from range({count}) r (i)"
    )
    execute(
        "insert into contact.contact_points select contact_point_id, customer_id, 'push_token',"
        f" 'push', token, true from {world.spec.relation}"
    )
    execute(
        "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
        f" select contact_point_id, 'marketing', 'push', true, 'allowed' from {world.spec.relation}"
    )


def test_redirects_are_not_followed(world, settings, klaviyo):
    """Personal data goes to the configured address or nowhere."""
    filled(world, 1)
    klaviyo.interfere = answer(307, headers={"location": "https://elsewhere.example.com"})

    with pytest.raises(PlatformRefused, match="base URL"):
        run(world, settings, klaviyo)


def test_logs_hold_no_secret_and_no_personal_value(world, settings, klaviyo, caplog):
    """Even with everything logged, nobody reads addresses or keys there."""
    filled(world, 2)

    with caplog.at_level(logging.DEBUG):
        run(world, settings, klaviyo)
        world.desire(people(1))
        run(world, settings, klaviyo)

    assert klaviyo.sent("GET", "/api/profiles") == 1
    assert "person" not in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("base_url", ["localhost:9", "ftp://example.com", "http://127.0.0.1:1"])
def test_unusable_base_url_is_a_clear_error(world, settings, base_url):
    """A slip in the address is not taken for a platform that lost an answer."""
    filled(world, 1)

    with (
        http_client(None) as client,
        pytest.raises(PlatformUnreachable, match="REGULARS_KLAVIYO_BASE_URL"),
    ):
        run(world, replace(settings, base_url=base_url), client)
