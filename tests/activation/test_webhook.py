"""Signed webhooks: the published vector, ids that repeat when they must, and the sandbox's rows."""

import base64
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import orjson
import pytest

from activation.destinations import settings_for
from activation.destinations.base import Batch, Narrow, Response, Row, Settled, Stop, Target
from activation.destinations.webhook import Webhook, WebhookSettings, keys, signature
from activation.errors import (
    ActivationError,
    AuthenticationRefused,
    PlatformRefused,
    ReceiverGone,
    UnusableSetting,
)
from activation.pacing import Patience
from activation.release import release_rows
from activation.spec import Field
from activation.syncs import diff_sync, run_sync
from sandbox.platforms.server import running_in_thread
from sandbox.platforms.vendor import Settings
from sandbox.platforms.webhook import secret_of
from tests.activation.world import AS_OF, KEYS, KLAVIYO, person, world_at

PUBLISHED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()
URL = "https://hooks.example.com/in?tenant=7"
SPEC = replace(
    KLAVIYO,
    name="webhook__people",
    destination="webhook",
    surface="rows",
    target="people",
    max_removal_share=1.0,
    fields=tuple(Field(name, "varchar") for name in ("customer_id", "email", "first_name")),
)


def webhook(**changes):
    """Return a destination with a public address and the published secret."""
    return Webhook(replace(WebhookSettings(URL, PUBLISHED), **changes))


def batch(operation="upsert", version="v1", **values):
    """Return a batch of one row."""
    row = Row(1, {"customer_id": "c1", **values}, key="c1", version=version)
    return Batch(operation, (row,), Target("people", "people"), run_id="run")


def row_ids(prepared):
    """Return the ids of the rows in all messages."""
    documents = [orjson.loads(request.body) for request in prepared.requests]
    return [row["id"] for document in documents for row in document["data"]["rows"]]


class TestMessage:
    """What goes over the wire."""

    def test_published_vector(self):
        """Standard Webhooks names secret, id, time, body and signature."""
        (key,) = keys(PUBLISHED)
        identifier, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'

        signed = signature(key, identifier, "1614265330", body)

        assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_every_secret_signs_and_every_attempt_has_its_own_time(self):
        """While a secret changes the receiver knows either; the id of the message stays."""
        destination = webhook(secret=f"{PUBLISHED} {OTHER}")
        (request,) = destination.requests(batch()).requests

        first = destination.sealed(request, datetime(2026, 11, 1, tzinfo=UTC)).headers
        second = destination.sealed(request, datetime(2026, 11, 2, tzinfo=UTC)).headers

        stamp = str(int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()))
        expected = [
            signature(key, first["webhook-id"], stamp, request.body)
            for key in (*keys(PUBLISHED), *keys(OTHER))
        ]
        assert first["webhook-timestamp"] == stamp
        assert first["webhook-signature"] == " ".join(expected)
        assert first["webhook-id"] == second["webhook-id"]
        assert first["webhook-signature"] != second["webhook-signature"]

    def test_rows_stand_in_one_message_and_the_query_of_the_address_is_kept(self):
        """Type, target, and per row its id, key and values."""
        (request,) = webhook().requests(batch(email="ada@example.com")).requests
        document = orjson.loads(request.body)

        assert (webhook().base_url, request.path) == ("https://hooks.example.com", "/in?tenant=7")
        assert (document["type"], document["data"]["target"]) == ("rows.upserted", "people")
        (row,) = document["data"]["rows"]
        assert row.pop("id").startswith("row_")
        assert row == {"key": "c1", "values": {"customer_id": "c1", "email": "ada@example.com"}}

    def test_a_removal_names_the_key_alone(self):
        """Whoever has left is not described once more."""
        (request,) = webhook().requests(batch("remove", email="ada@example.com")).requests
        document = orjson.loads(request.body)

        assert document["type"] == "rows.removed"
        assert [set(row) for row in document["data"]["rows"]] == [{"id", "key"}]

    def test_ids_repeat_for_the_same_sending_and_for_no_other(self):
        """Equal values meant anew, other values and removals are other events."""
        same = batch(email="a@example.com")
        others = [
            batch(version="v2", email="a@example.com"),
            batch(email="b@example.com"),
            batch("remove", email="a@example.com"),
            replace(same, target=Target("other", "other")),
        ]

        assert row_ids(webhook().requests(same)) == row_ids(webhook().requests(same))
        ids = {tuple(row_ids(webhook().requests(one))) for one in (same, *others)}
        assert len(ids) == 5

    def test_a_row_larger_than_a_message_is_invalid_and_stops_nobody(self):
        """It is named; the others are sent."""
        wide = Row(2, {"customer_id": "c2", "email": "x" * 600_000}, key="c2", version="v1")
        prepared = webhook().requests(replace(batch(), rows=(*batch().rows, wide)))

        assert prepared.invalid == {2: "too_large"}
        assert [request.rows for request in prepared.requests] == [(1,)]

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_any_success_delivers(self, status):
        """The specification gives the body no meaning."""
        (request,) = webhook().requests(batch()).requests

        assert webhook().classify(request, Response(status, body=b"<html>")) == Settled((1,))

    @pytest.mark.parametrize("status", [400, 409, 413, 422])
    def test_a_refused_message_is_narrowed_down_to_its_rows(self, status):
        """One row must not hold the others back."""
        (request,) = webhook().requests(batch()).requests

        assert webhook().classify(request, Response(status)) == Narrow(f"http_{status}")

    @pytest.mark.parametrize(
        ("status", "told"), [(410, "gone"), (404, "refused"), (308, "address")]
    )
    def test_an_address_without_receiver_stops_the_sync(self, status, told):
        """No row is to blame."""
        (request,) = webhook().requests(batch()).requests
        outcome = webhook().classify(request, Response(status))

        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, PlatformRefused)
        assert told in str(outcome.error)


class TestSettings:
    """What is wrong is told before anything is sent."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
            {"secret": "whsec_"},
            {"secret": "whsec_no base64"},
            {"secret": "whsec_c2hvcnQ="},
            {"secret": f"{PUBLISHED} nonsense"},
            {"secret": " "},
            {"base_url": "http://hooks.example.com"},
            {"base_url": "https://ada:word@hooks.example.com"},
            {"base_url": "https://192.168.0.7/hook"},
            {"base_url": "http://127.0.0.1:8000/hook"},
            {"base_url": "http://10.0.0.1/hook", "allow_loopback": "true"},
            {"base_url": "http://127.0.0.1:8000/hook", "allow_loopback": "1"},
        ],
    )
    def test_unusable_settings_name_their_variable_and_no_value(self, changes):
        """The remedy is told; a secret is not."""
        with pytest.raises(UnusableSetting, match="REGULARS_WEBHOOK_") as refused:
            webhook(**changes).settings.check()

        assert not any(value in str(refused.value) for value in changes.values() if len(value) > 6)

    def test_usable_settings_pass(self):
        """Several secrets; this machine where that is said."""
        webhook(secret=f"{PUBLISHED}\n{OTHER}").settings.check()
        webhook(base_url="http://127.0.0.1:8000/hook", allow_loopback="True").settings.check()

    def test_the_account_tells_receivers_apart_and_no_secret(self):
        """Addresses of receivers often are secrets themselves."""
        one = webhook(base_url="https://hooks.example.com/T0/secret-path")
        other = webhook(base_url="https://hooks.example.com/T1/secret-path")

        assert one.account != other.account
        assert "secret-path" not in one.account + repr(one)


@pytest.fixture(scope="module")
def platforms(tmp_path_factory):
    """Run the sandbox's platforms."""
    database = tmp_path_factory.mktemp("platforms") / "p.sqlite"
    with running_in_thread(database, Settings(rate_factor=1_000)) as url:
        yield url


@pytest.fixture
def receiver(platforms):
    """Open the view behind the curtain, over a receiver that knows nothing yet."""
    with httpx.Client(base_url=platforms) as client:
        client.post("/_reset").raise_for_status()
        yield client


@pytest.fixture
def world(tmp_path):
    """Open a warehouse with the webhook's sync."""
    with world_at(tmp_path / "w.duckdb", SPEC) as one:
        yield one


def settings(url, **changes):
    """Return the settings that lead to the sandbox."""
    values = {
        "REGULARS_WEBHOOK_URL": f"{url}/webhook/hooks/shop",
        "REGULARS_WEBHOOK_SECRET": secret_of("sandbox-token"),
        "REGULARS_WEBHOOK_ALLOW_LOOPBACK": "true",
    }
    return settings_for("webhook", {**values, **changes})


def row(number, **overrides):
    """Return one row of the sync's model."""
    whole = person(number, **overrides)
    return {name: value for name, value in whole.items() if not name.startswith(("ext", "prop"))}


def run(world, receiver, rows, attempts=3, **changes):
    """Desire rows and run the sync."""
    world.desire(rows)
    world.allow(rows)
    return run_sync(
        world.connection,
        world.spec,
        settings(str(receiver.base_url).rstrip("/"), **changes),
        as_of=AS_OF,
        keys=KEYS,
        patience=Patience(first_wait=0.001, attempts=attempts),
    )


def held(receiver):
    """Return the first name under each key that the receiver holds."""
    audiences = receiver.get("/_state/webhook/audiences").json()["audiences"]
    if not audiences:
        return {}
    found = receiver.get(f"/_state/webhook/audiences/{audiences[0]['id']}/members").json()
    return {member["key"]: member["values"]["first_name"] for member in found["members"]}


def fault(receiver, **described):
    """Let the receiver's next answer go wrong."""
    receiver.post("/_faults", json={"vendor": "webhook", **described}).raise_for_status()


def changes_made(receiver):
    """Return how many messages changed something at the receiver."""
    return receiver.get("/_requests/summary").json()["vendors"]["webhook"]["changed_state"]


class TestReceiver:
    """Against the sandbox, which verifies signatures and keeps the rows."""

    def test_rows_come_change_and_go_and_nothing_is_sent_twice(self, world, receiver):
        """The receiver holds what the model says; a second run makes no request."""
        run(world, receiver, [row(1), row(2), row(3)])
        assert held(receiver) == {"c1": "Ada", "c2": "Ada", "c3": "Ada"}

        run(world, receiver, [row(1, first_name="Grace"), row(3)])
        again = run(world, receiver, [row(1, first_name="Grace"), row(3)])

        assert held(receiver) == {"c1": "Grace", "c3": "Ada"}
        assert (again.planned, again.requests) == (0, 0)

    def test_the_plan_tells_requests_beforehand(self, world, receiver):
        """One message for the removals and one for the rest."""
        run(world, receiver, [row(1), row(2)])
        world.desire([row(2, first_name="Grace")])
        mine = settings(str(receiver.base_url).rstrip("/"))
        difference = diff_sync(world.connection, world.spec, mine, as_of=AS_OF, keys=KEYS)

        assert difference.counts == {"change": 1, "remove": 1}
        assert difference.estimate.requests == 2

    def test_a_message_whose_answer_is_lost_is_applied_once(self, world, receiver):
        """Within the run the message repeats its id, so the receiver skips it."""
        fault(receiver, drop_connection=True, when="after")
        summary = run(world, receiver, [row(1)])

        assert (summary.delivered, summary.requests, held(receiver)) == (1, 2, {"c1": "Ada"})
        assert changes_made(receiver) == 1

    def test_a_row_sent_again_by_a_later_run_is_applied_once(self, world, receiver):
        """In another message with another row; its own id tells the receiver."""
        fault(receiver, drop_connection=True, when="after")
        first = run(world, receiver, [row(1)], attempts=1)
        before = receiver.get("/_requests").json()["last_id"]
        second = run(world, receiver, [row(1)], attempts=1)

        assert (first.unknown, second.retried, second.delivered) == (1, 1, 1)
        logged = receiver.get("/_requests", params={"since": before}).json()["requests"]
        assert [(one["status"], one["changed_state"]) for one in logged] == [(204, False)]
        assert world.ledger() == [("c1", "acknowledged", True)]

    def test_values_that_come_back_are_not_taken_for_a_repetition(self, world, receiver):
        """Ada, Grace, Ada; and one who leaves and returns as before."""
        for name in ("Ada", "Grace", "Ada"):
            run(world, receiver, [row(1, first_name=name), row(2)])
        assert held(receiver) == {"c1": "Ada", "c2": "Ada"}

        run(world, receiver, [row(2)])
        run(world, receiver, [row(1), row(2)])

        assert held(receiver) == {"c1": "Ada", "c2": "Ada"}

    def test_one_who_returns_after_a_removal_without_answer_is_held(self, world, receiver):
        """The receiver did take the row out; its first sending must not count as this one."""
        run(world, receiver, [row(1), row(2)])
        fault(receiver, drop_connection=True, when="after")
        with suppress(ActivationError):
            run(world, receiver, [row(2)], attempts=1)
        assert held(receiver) == {"c2": "Ada"}

        run(world, receiver, [row(1), row(2)])

        assert held(receiver) == {"c1": "Ada", "c2": "Ada"}

    def test_a_ledger_from_before_versions_goes_on(self, world, receiver):
        """It gets the column by itself, and nothing is sent again."""
        run(world, receiver, [row(1), row(2)])
        for table in ("sync_rows", "plan_rows"):
            world.connection.execute(f"alter table ledger.{table} drop column version")

        assert run(world, receiver, [row(1), row(2)]).planned == 0
        assert run(world, receiver, [row(2, first_name="Grace")]).delivered == 2
        assert held(receiver) == {"c2": "Grace"}

    def test_an_answer_that_cannot_be_decoded_is_no_answer(self, world, receiver):
        """Whatever a receiver sends back, the run goes on."""
        fault(receiver, status=200, body="garbage", headers={"content-encoding": "gzip"})
        summary = run(world, receiver, [row(1)])

        assert (summary.delivered, summary.requests, held(receiver)) == (1, 2, {"c1": "Ada"})

    def test_a_new_secret_beside_the_old_one_is_understood(self, world, receiver):
        """The receiver needs only one that it knows."""
        both = f"{OTHER} {secret_of('sandbox-token')}"

        assert run(world, receiver, [row(1)], REGULARS_WEBHOOK_SECRET=both).delivered == 1

    def test_a_wrong_secret_stops_the_sync(self, world, receiver):
        """The message names the variable."""
        with pytest.raises(AuthenticationRefused, match="REGULARS_WEBHOOK_SECRET"):
            run(world, receiver, [row(1)], REGULARS_WEBHOOK_SECRET=OTHER)

        assert held(receiver) == {}

    def test_a_receiver_that_is_gone_is_not_asked_again(self, world, receiver):
        """Until it has another address, or a person says that it is back at the same one."""
        fault(receiver, status=410)
        with pytest.raises(ReceiverGone, match="REGULARS_WEBHOOK_URL"):
            run(world, receiver, [row(1)])
        before = receiver.get("/_requests").json()["last_id"]
        with pytest.raises(ReceiverGone, match="regulars retry webhook__people"):
            run(world, receiver, [row(1)])
        assert receiver.get("/_requests").json()["last_id"] == before
        url = f"{str(receiver.base_url).rstrip('/')}/webhook/hooks/other"

        assert run(world, receiver, [row(1)], REGULARS_WEBHOOK_URL=url).delivered == 1
        release_rows(
            world.connection, world.spec, settings(str(receiver.base_url).rstrip("/")), keys=KEYS
        )
        assert run(world, receiver, [row(1)]).delivered == 1

    def test_a_receiver_that_has_moved_stops_the_sync(self, world, receiver):
        """A redirect is not followed; the next run begins where this one ended."""
        fault(receiver, status=308, headers={"location": "/webhook/hooks/x"})
        with pytest.raises(PlatformRefused):
            run(world, receiver, [row(1)])
        assert held(receiver) == {}

        assert run(world, receiver, [row(1)]).delivered == 1

    def test_this_machine_is_not_written_to_unless_that_is_allowed(self, world, receiver):
        """Neither by its address nor by a name that leads there."""
        port = receiver.base_url.port
        for host in ("127.0.0.1", "localhost"):
            url = f"https://{host}:{port}/webhook/hooks/shop"
            with pytest.raises((UnusableSetting, PlatformRefused), match="not on the public"):
                run(
                    world,
                    receiver,
                    [row(1)],
                    REGULARS_WEBHOOK_URL=url,
                    REGULARS_WEBHOOK_ALLOW_LOOPBACK="",
                )

        assert receiver.get("/_requests").json()["requests"] == []
