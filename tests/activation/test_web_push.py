"""Web Push: the published vector, what a message may be, and that nobody gets one twice."""

import socket
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from activation.destinations import settings_for
from activation.destinations.base import Batch, Response, Retry, Row, Settled, Target
from activation.destinations.web_push import WebPush, WebPushSettings
from activation.destinations.web_push_sealing import MOST_BYTES, MOST_PAYLOAD, decoded, encrypted
from activation.errors import AuthenticationRefused, PlatformUnreachable, UnusableSetting
from activation.pacing import Patience
from activation.spec import Field
from activation.syncs import diff_sync, run_sync
from sandbox.platforms.server import running_in_thread
from sandbox.platforms.vendor import Settings
from sandbox.platforms.web_push_keys import Browser, Undecipherable, decrypt, encode, signer
from tests.activation.world import AS_OF, FCM, KEYS, world_at

# RFC 8291, appendix A.
WATERMELON = b"When I grow up, I want to be a watermelon"
BROWSER_KEY = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
BROWSER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SENDER_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"  # noqa: S105 - published
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6"
    "TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qul"
    "cy4a-fN"
)

ENDPOINT = "https://fcm.googleapis.com/wp/abc"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SPEC = replace(
    FCM,
    name="web_push__news",
    relation="activation.sync_web_push__news",
    destination="web_push",
    surface="messages",
    target="news",
    fields=tuple(
        Field(name, "varchar") for name in ("endpoint", "p256dh", "auth", "payload_title")
    ),
)


def key(text):
    """Return the private key that a text holds."""
    return ec.derive_private_key(int.from_bytes(decoded(text), "big"), ec.SECP256R1())


def web_push(**changes):
    """Return a destination with the key and contact of a shop."""
    return WebPush(replace(WebPushSettings(SENDER_KEY, "mailto:push@example.com"), **changes))


def message(**values):
    """Return a batch of one message."""
    whole = {"endpoint": ENDPOINT, "p256dh": BROWSER, "auth": SECRET, "payload_title": "Hello"}
    return Batch("upsert", (Row(1, {**whole, **values}, key="m1"),), Target("news", "news"))


class TestSealing:
    """What only the browser can read, and only we can have signed."""

    def test_published_vector(self):
        """RFC 8291 names keys, salt, text and body."""
        body = encrypted(
            WATERMELON, decoded(BROWSER), decoded(SECRET), key(SENDER_KEY), decoded(SALT)
        )

        assert body == decoded(SEALED)

    def test_the_sandbox_reads_the_published_vector_and_nothing_else(self):
        """The two share no code, so each proves the other."""
        browser = Browser.read(BROWSER_KEY, decoded(SECRET))
        body = decoded(SEALED)

        assert encode(browser.public) == BROWSER
        assert decrypt(browser, body) == WATERMELON
        with pytest.raises(Undecipherable):
            decrypt(browser, body[:-1] + bytes([body[-1] ^ 1]))
        with pytest.raises(Undecipherable):
            decrypt(Browser.new(), body)

    def test_the_largest_payload_fills_a_message(self):
        """4,096 bytes with keys, delimiter and tag; one byte more is invalid."""
        room = MOST_PAYLOAD - len(orjson.dumps({"title": ""}))
        (request,) = web_push().requests(message(payload_title="x" * room)).requests

        assert len(web_push().sealed(request, NOW).body) == MOST_BYTES
        wide = web_push().requests(message(payload_title="x" * (room + 1)))
        assert (wide.requests, wide.invalid) == ((), {1: "too_large"})

    def test_a_message_is_signed_for_its_service_for_half_a_day_and_sealed_anew_each_time(self):
        """No key is used twice, so nobody sees that two messages are equal."""
        (request,) = web_push().requests(message()).requests
        first, second = (web_push().sealed(request, NOW) for _ in range(2))

        signed = first.headers["authorization"]
        public = key(SENDER_KEY).public_key().public_numbers()
        point = b"\4" + public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big")
        assert signer(signed, "https://fcm.googleapis.com", NOW) == point
        assert signer(signed, "https://other.example.com", NOW) is None
        assert signer(signed, "https://fcm.googleapis.com", NOW.replace(hour=11)) == point
        assert signer(signed, "https://fcm.googleapis.com", NOW.replace(hour=13)) is None
        (odd,) = web_push().requests(message(endpoint="https://FCM.googleapis.com:443/x")).requests
        odd_token = web_push().sealed(odd, NOW).headers["authorization"]
        assert signer(odd_token, "https://fcm.googleapis.com", NOW) == point
        assert first.headers["content-encoding"] == "aes128gcm"
        assert first.body != second.body
        browser = Browser.read(BROWSER_KEY, decoded(SECRET))
        assert [decrypt(browser, one.body) for one in (first, second)] == [b'{"title":"Hello"}'] * 2


class TestRequests:
    """What a row may be."""

    def test_how_long_how_urgent_and_in_place_of_what(self):
        """A message waits a day for its browser unless its row says otherwise."""
        (usual,) = web_push().requests(message()).requests
        (special,) = web_push().requests(message(ttl=60, urgency="high", topic="cart")).requests

        assert usual.headers == {"ttl": "86400", "urgency": "normal"}
        assert special.headers == {"ttl": "60", "urgency": "high", "topic": "cart"}
        assert usual.path == ENDPOINT

    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"endpoint": None}, "address_malformed"),
            ({"endpoint": "https://fcm.googleapis.com/a b"}, "address_malformed"),
            ({"endpoint": "http://fcm.googleapis.com/wp"}, "address_without_tls"),
            ({"endpoint": "https://a:b@fcm.googleapis.com/wp"}, "address_with_credentials"),
            ({"endpoint": "https://169.254.169.254/latest"}, "address_not_public"),
            ({"endpoint": "https://[2606:4700::1111]/wp"}, "address_malformed"),
            ({"endpoint": "https://push.example.com/wp"}, "unknown_push_service"),
            ({"endpoint": "https://evil-fcm.googleapis.com/wp"}, "unknown_push_service"),
            ({"endpoint": "https://push.services.mozilla.com.evil.org/"}, "unknown_push_service"),
            ({"p256dh": "AAAA"}, "malformed_subscription"),
            ({"p256dh": BROWSER[:-4] + "AAAA"}, "malformed_subscription"),
            ({"p256dh": "not base64!"}, "malformed_subscription"),
            ({"auth": None}, "malformed_subscription"),
            ({"auth": "AAAA"}, "malformed_subscription"),
            ({"ttl": -1}, "malformed_ttl"),
            ({"ttl": "soon"}, "malformed_ttl"),
            ({"urgency": "now"}, "malformed_urgency"),
            ({"topic": "x" * 33}, "malformed_topic"),
            ({"topic": "a/b"}, "malformed_topic"),
        ],
    )
    def test_a_row_that_is_no_message_is_invalid_by_code(self, values, code):
        """It is told before anything is sent, and stops nobody else."""
        prepared = web_push().requests(message(**values))

        assert (prepared.requests, prepared.invalid) == ((), {1: code})

    @pytest.mark.parametrize(
        "host", ["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"]
    )
    def test_the_browsers_services_are_known(self, host):
        """And others can be named."""
        endpoint = f"https://{host}/wp"

        assert web_push().requests(message(endpoint=endpoint)).invalid == {}
        other = web_push(services="push.example.com").requests(message(endpoint=endpoint))
        assert other.invalid == {1: "unknown_push_service"}

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            (201, Settled((1,))),
            (202, Settled((1,))),
            (400, Settled(rejected={1: "http_400"})),
            (403, Settled(rejected={1: "other_vapid_key"})),
            (404, Settled(invalid={1: "gone"})),
            (410, Settled(invalid={1: "gone"})),
            (413, Settled(invalid={1: "too_large"})),
            (429, Retry("http_429", 3.0)),
            (503, Retry("http_503", 3.0)),
            (500, Retry("http_500", 3.0, in_doubt=True)),
            (502, Retry("http_502", 3.0, in_doubt=True)),
            (200, Retry("garbled_answer", in_doubt=True)),
        ],
    )
    def test_what_an_answer_means(self, status, outcome):
        """A subscription that is gone is refused for good."""
        (request,) = web_push().requests(message()).requests

        answer = Response(status, {"retry-after": "3"}, b"<html>")
        assert web_push().classify(request, answer) == outcome

    @pytest.mark.parametrize(
        "changes",
        [
            {"private_key": "too-short"},
            {"private_key": "A" * 43},
            {"private_key": "no base64 at all!"},
            {"subject": "push@example.com"},
            {"subject": "http://example.com"},
        ],
    )
    def test_unusable_settings_name_their_variable_and_no_value(self, changes):
        """Before anything is sent."""
        with pytest.raises(UnusableSetting, match="REGULARS_WEB_PUSH_") as refused:
            web_push(**changes).settings.check()

        assert not any(value in str(refused.value) for value in changes.values())


@pytest.fixture(scope="module")
def platforms(tmp_path_factory):
    """Run the sandbox's platforms."""
    database = tmp_path_factory.mktemp("platforms") / "p.sqlite"
    with running_in_thread(database, Settings(rate_factor=1_000)) as url:
        yield url


@pytest.fixture
def service(platforms):
    """Open a push service that knows nothing yet."""
    with httpx.Client(base_url=platforms) as client:
        client.post("/_reset").raise_for_status()
        yield client


@pytest.fixture
def world(tmp_path):
    """Open a warehouse with the messages' sync."""
    with world_at(tmp_path / "w.duckdb", SPEC) as one:
        yield one


def subscribed(service, number, server_key=None):
    """Subscribe a new browser and return its row."""
    body = {"application_server_key": server_key}
    made = service.post("/web_push/subscriptions", json=body).raise_for_status().json()
    return {
        "customer_id": f"c{number}",
        "contact_point_id": f"p{number}",
        "endpoint": made["endpoint"],
        **made["keys"],
        "payload_title": f"Hello {number}",
    }


def run(world, rows, attempts=3, allow=True, client=None, **changes):
    """Desire messages and run the sync."""
    world.desire(rows)
    if allow:
        world.allow(rows, "endpoint")
    return run_sync(
        world.connection,
        world.spec,
        settings(**changes),
        as_of=AS_OF,
        keys=KEYS,
        client=client,
        patience=Patience(first_wait=0.001, attempts=attempts),
    )


def settings(**changes):
    """Return the settings that lead to the sandbox."""
    values = {
        "REGULARS_WEB_PUSH_PRIVATE_KEY": SENDER_KEY,
        "REGULARS_WEB_PUSH_SUBJECT": "mailto:push@example.com",
        "REGULARS_WEB_PUSH_ALLOW_LOOPBACK": "true",
    }
    return settings_for("web_push", {**values, **changes})


def titles(service):
    """Return the titles that browsers showed, in order."""
    found = service.get("/_state/web_push/audiences/messages/members").json()
    return sorted(one["payload"]["title"] for one in found.get("members", []))


def fault(service, **described):
    """Let the service's next answer to a message go wrong."""
    whole = {"vendor": "web_push", "path_contains": "/push/", **described}
    service.post("/_faults", json=whole).raise_for_status()


def codes(world):
    """Return state and code of the ledger's rows."""
    return world.connection.execute(
        "select row_key, state, code from ledger.sync_rows order by row_key"
    )


class TestService:
    """Against the sandbox, whose browsers decrypt what they get."""

    def test_messages_are_read_by_their_browsers_and_never_sent_twice(self, world, service):
        """Also by subscriptions made for our key alone; a second run makes no request."""
        numbers = key(SENDER_KEY).public_key().public_numbers()
        ours = encode(b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))
        rows = [subscribed(service, 1), subscribed(service, 2, ours)]
        first = run(world, rows)
        again = run(world, rows)

        assert (first.delivered, again.planned, again.requests) == (2, 0, 0)
        assert titles(service) == ["Hello 1", "Hello 2"]

    def test_a_delivered_message_is_not_sent_again_whatever_happens_to_its_row(
        self, world, service
    ):
        """Other words, leaving and returning, consent that goes and comes: one message."""
        one, two = subscribed(service, 1), subscribed(service, 2)
        run(world, [one, two])

        planned = [run(world, [one | {"payload_title": "Other"}, two]).planned]
        planned.append(run(world, []).planned)
        planned.append(run(world, [one, two]).planned)
        world.forget("p1")
        planned.append(run(world, [one, two], allow=False).planned)
        planned.append(run(world, [one, two]).planned)

        assert planned == [0] * 5
        assert titles(service) == ["Hello 1", "Hello 2"]

    @pytest.mark.parametrize(
        "trouble",
        [
            {"drop_connection": True, "when": "after"},
            {"status": 500, "when": "after"},
            {"status": 504, "body": "<html>", "when": "after"},
            {"status": 200, "body": "<html>", "when": "after"},
        ],
        ids=["lost", "500", "504", "strange"],
    )
    def test_a_message_that_may_have_arrived_waits_for_a_person(self, world, service, trouble):
        """It is sent once, in this run and in the next, with the same words or others."""
        rows = [subscribed(service, 1)]
        fault(service, **trouble)
        first = run(world, rows)
        second = run(world, [rows[0] | {"payload_title": "Other"}])

        assert (first.unknown, first.requests) == (1, 1)
        assert second.blocked_by_reason == {"outcome_unknown": 1}
        assert titles(service) == ["Hello 1"]

    def test_a_message_under_way_when_the_run_is_interrupted_waits_for_a_person(
        self, world, service
    ):
        """The next run sends the others only."""

        def interrupt(request):
            raise KeyboardInterrupt

        rows = [subscribed(service, number) for number in range(27)]
        world.spec = replace(world.spec, max_size_change=100.0)
        with (
            httpx.Client(transport=httpx.MockTransport(interrupt)) as client,
            pytest.raises(KeyboardInterrupt),
        ):
            run(world, rows[:1], client=client)
        second = run(world, rows)

        assert (second.delivered, second.blocked_by_reason) == (26, {"outcome_unknown": 1})
        assert len(titles(service)) == 26

    @pytest.mark.parametrize(
        "trouble",
        [
            {"status": 429, "headers": {"Retry-After": "0"}},
            {"status": 503},
        ],
    )
    def test_a_service_that_says_not_now_is_asked_again(self, world, service, trouble):
        """It has not taken the message: in this run, or in the next."""
        rows = [subscribed(service, 1)]
        fault(service, times=2, **trouble)
        assert run(world, rows).delivered == 1

        more = [*rows, subscribed(service, 2)]
        fault(service, times=3, **trouble)
        failed = run(world, more)
        assert (failed.planned, failed.unknown) == (1, 1)
        assert run(world, more).delivered == 1
        assert titles(service) == ["Hello 1", "Hello 2"]

    def test_refused_credentials_leave_every_message_to_the_next_run(self, world, service):
        """What was not sent is not in doubt."""
        rows = [subscribed(service, number) for number in range(5)]
        fault(service, status=401, skip=2, times=1)
        with pytest.raises(AuthenticationRefused, match="REGULARS_WEB_PUSH_PRIVATE_KEY"):
            run(world, rows)
        assert len(titles(service)) == 2

        assert run(world, rows).delivered == 3
        assert titles(service) == [f"Hello {number}" for number in range(5)]

    def test_a_subscription_that_is_gone_is_told_and_not_asked_again(self, world, service):
        """The ledger says so, until the row names another subscription."""
        rows = [subscribed(service, 1), subscribed(service, 2)]
        ended = rows[0]["endpoint"].rpartition("/")[2]
        service.delete(f"/web_push/subscriptions/{ended}").raise_for_status()
        first = run(world, rows)
        second = run(world, rows)

        assert (first.delivered, first.invalid) == (1, 1)
        assert (second.planned, second.blocked_by_reason) == (0, {"invalid": 1})
        assert codes(world) == [("p1", "invalid", "gone"), ("p2", "acknowledged", None)]
        assert world.connection.execute("select row_key, code from ledger.rejections") == [
            ("p1", "gone")
        ]
        assert run(world, [subscribed(service, 1), rows[1]]).delivered == 1

    def test_a_subscription_for_another_key_stops_nobody_else(self, world, service):
        """It is tried again less and less often: the former key may come back."""
        other = encode(Browser.new().public)
        summary = run(world, [subscribed(service, 1, other), subscribed(service, 2)])

        assert (summary.delivered, summary.rejected) == (1, 1)
        assert codes(world)[0] == ("p1", "rejected", "other_vapid_key")

    def test_a_service_that_cannot_be_reached_stops_nobody_else(self, world, service):
        """Its messages are not in doubt; its place is asked once and not for every message."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            dead = f"http://127.0.0.1:{free.getsockname()[1]}/wp"
        rows = [subscribed(service, number) for number in range(6)]
        lost = [row | {"endpoint": dead} for row in rows[:4]]
        summary = run(world, [*lost, *rows[4:]])

        assert (summary.delivered, summary.unknown, summary.requests) == (2, 4, 5)
        assert run(world, rows).delivered == 4
        assert titles(service) == [f"Hello {number}" for number in range(6)]

    def test_no_network_ends_the_run_soon(self, world, service):
        """Three batches without a single answer are enough; nothing is in doubt."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            dead = f"http://127.0.0.1:{free.getsockname()[1]}/wp"
        known = subscribed(service, 0)
        rows = [
            known
            | {"contact_point_id": f"p{number}", "customer_id": f"c{number}", "endpoint": dead}
            for number in range(80)
        ]
        with pytest.raises(PlatformUnreachable):
            run(world, rows)

        assert world.ledger() == []

    def test_this_machine_is_not_written_to_unless_that_is_allowed(self, world, service):
        """An endpoint comes out of a stranger's browser."""
        summary = run(world, [subscribed(service, 1)], REGULARS_WEB_PUSH_ALLOW_LOOPBACK="")

        assert (summary.invalid, summary.requests) == (1, 0)
        assert codes(world) == [("p1", "invalid", "address_without_tls")]
        assert titles(service) == []

    def test_a_service_whose_name_leads_home_is_refused_where_it_is_connected_to(
        self, world, service
    ):
        """The answer of the DNS may be another one tomorrow, so the row is tried again later."""
        endpoint = f"https://localhost:{service.base_url.port}/web_push/push/x"
        one = subscribed(service, 1) | {"endpoint": endpoint}
        changes = {"SERVICES": "localhost", "ALLOW_LOOPBACK": ""}
        given = {f"REGULARS_WEB_PUSH_{name}": value for name, value in changes.items()}
        summary = run(world, [one], **given)

        assert (summary.rejected, summary.requests) == (1, 1)
        assert codes(world) == [("p1", "rejected", "address_not_public")]

    def test_the_plan_tells_messages_and_what_cannot_be_one(self, world, service):
        """Before anything is sent."""
        rows = [subscribed(service, 1), subscribed(service, 2) | {"auth": "x"}]
        world.desire(rows)
        world.allow(rows, "endpoint")
        difference = diff_sync(world.connection, world.spec, settings(), as_of=AS_OF, keys=KEYS)

        assert difference.counts == {"add": 2}
        assert difference.estimate.requests == 1
        assert difference.estimate.invalid_by_code == {"malformed_subscription": 1}
