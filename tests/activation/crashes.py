"""Kill a delivering process at one exact step, let the next run finish, and count what it cost."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import httpx

from activation.destinations.capabilities import BatchLimits, Polling
from activation.destinations.fcm import Fcm, FcmSettings
from activation.destinations.klaviyo import Klaviyo, KlaviyoSettings
from activation.gate import gate_for
from activation.ledger import Ledger
from activation.pacing import Patience
from activation.run import Run
from activation.spec import SyncSpec
from activation.syncs import keep_in_step
from orchestration.warehouse import Warehouse
from tests.activation.stub_klaviyo import StubKlaviyo
from tests.activation.world import AS_OF, FCM, KEYS, KLAVIYO, World, world_at

ROOT = Path(__file__).parents[2]
IN_LEDGER = {
    "in_acknowledgement": ("insert into ledger.batches", "'settled'", 3),
    "in_application": ("update ledger.plan_rows", "state = 'delivered'", 1),
}
POINTS = ("before_send", "before_answer", "after_answer", *IN_LEDGER, "while_polling")
ROWS, BATCH_ROWS = 300, 10
NTH = 12
LIMITS = BatchLimits(upsert_rows=BATCH_ROWS, removal_rows=BATCH_ROWS)


class SmallSpec(SyncSpec):
    """A sync whose batches are small, so that many are sent."""

    @property
    def capabilities(self):
        """Return the destination's capabilities with small batches."""
        return replace(super().capabilities, batch=LIMITS)


class SmallKlaviyo(Klaviyo):
    """Klaviyo in small batches, without its rate limit."""

    capabilities = replace(
        Klaviyo.capabilities,
        batch=LIMITS,
        rate=Fcm.capabilities.rate,
        step_rates={},
        polling=Polling(first=0.01, factor=1.0),
    )


class SmallFcm(Fcm):
    """Firebase in small batches."""

    capabilities = replace(Fcm.capabilities, batch=LIMITS)


SPECS = {"klaviyo": SmallSpec(**vars(KLAVIYO)), "fcm": SmallSpec(**vars(FCM))}
DESTINATIONS = {
    "klaviyo": lambda url: SmallKlaviyo(KlaviyoSettings("secret", url)),
    "fcm": lambda url: SmallFcm(FcmSettings("secret", "project", url)),
}
CELLS = [
    (vendor, point)
    for vendor in SPECS
    for point in POINTS
    if vendor == "klaviyo" or point != "while_polling"
]


def kill_myself() -> None:
    """End this process as kill -9 does, whatever its threads are doing."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class DeadlyTransport(httpx.BaseTransport):
    """Kill the process before, during or after the n-th request that sends or polls rows."""

    point: str
    inner: httpx.BaseTransport
    seen: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless it is the last thing this process does."""
        is_last = self._counts(request) and self._is_last()
        if is_last and self.point in ("before_send", "while_polling"):
            kill_myself()
        if is_last and self.point == "before_answer":
            request.headers["x-kill"] = str(os.getpid())
        response = self.inner.handle_request(request)
        if is_last and self.point == "after_answer":
            response.read()
            kill_myself()
        return response

    def _counts(self, request: httpx.Request) -> bool:
        sends = request.method == "POST" and "/api/lists" not in request.url.path
        polls = request.method == "GET" and "import-jobs/" in request.url.path
        return polls if self.point == "while_polling" else sends

    def _is_last(self) -> bool:
        self.seen += 1
        return self.seen == NTH


@dataclass
class DeadlyConnection:
    """Kill the process in the middle of a commit about batches that have come back."""

    connection: object
    point: str = "in_acknowledgement"
    seen: int = 0

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def execute(self, sql, parameters=()):
        """Run a statement; what the point names is written and never committed."""
        rows = self.connection.execute(sql, parameters)
        start, part, times = IN_LEDGER[self.point]
        if start in sql and part in sql:
            self.seen += 1
            if self.seen == times:
                kill_myself()
        return rows


def sync_once(connection, vendor: str, url: str, client: httpx.Client) -> None:
    """Run the sync of a vendor once."""
    spec, destination = SPECS[vendor], DESTINATIONS[vendor](url)
    ledger = Ledger(connection, spec, destination.account, KEYS)
    ledger.prepare()
    run_id = os.urandom(8).hex()
    gate = gate_for(connection, spec, AS_OF)
    keep_in_step(Run(ledger, destination, gate, run_id, AS_OF, Patience()), client=client)


def main(vendor: str, point: str, database: str, url: str) -> None:
    """Run the sync in this process, which dies at a point."""
    transport = DeadlyTransport(point, httpx.HTTPTransport())
    with (
        Warehouse(Path(database)).connect() as connection,
        httpx.Client(transport=transport) as client,
    ):
        deadly = DeadlyConnection(connection, point) if point in IN_LEDGER else connection
        sync_once(deadly, vendor, url, client)


@dataclass(frozen=True)
class Cell:
    """What a kill at one point cost: rows held twice over, rows lost, rows that were in flight."""

    vendor: str
    point: str
    resent: int
    lost: int
    in_flight: int
    requests_afterwards: int


def crash(vendor: str, point: str, folder: Path) -> Cell:
    """Kill a first delivery at a point, finish it, run once more, and compare."""
    database = folder / f"{vendor}-{point}.duckdb"
    with world_at(database, SPECS[vendor]) as world:
        fill(world)
    platform = PLATFORMS[vendor]()
    with serving(platform.answer) as url, httpx.Client() as client:
        command = [sys.executable, "-m", "tests.activation.crashes", vendor, point]
        died = subprocess.run([*command, str(database), url], cwd=ROOT, timeout=60, check=False)
        assert died.returncode == -signal.SIGKILL, died
        for _ in range(2):
            before = platform.received.total()
            with Warehouse(database).connect() as connection:
                sync_once(connection, vendor, url, client)
    received = platform.received
    return Cell(
        vendor,
        point,
        sum(received.values()) - len(received),
        ROWS - len(platform.held()),
        BATCH_ROWS * DESTINATIONS[vendor](url).capabilities.in_flight,
        received.total() - before,
    )


def fill(world: World) -> None:
    """Desire many persons, all allowed."""
    names = {"email": "'person' || i || '@example.com'", "external_id": "'c' || i"}
    names |= {"first_name": "'Ada'", "property_spend": "i", "token": "'t' || i"}
    fields = [field.name for field in world.spec.fields]
    address = fields[0]
    kind = "push_token" if address == "token" else "email"
    world.connection.execute(
        f"insert into {world.spec.relation} (customer_id, contact_point_id, {', '.join(fields)})"
        f" select 'c' || i, 'p' || i, {', '.join(names[name] for name in fields)}"
        f" from range({ROWS}) r (i)"
    )
    world.connection.execute(
        f"insert into contact.contact_points select contact_point_id, customer_id, '{kind}',"
        f" '{world.spec.channel}', {address}, true from {world.spec.relation}"
    )
    world.connection.execute(
        "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
        f" select contact_point_id, 'marketing', '{world.spec.channel}', true, 'allowed'"
        f" from {world.spec.relation}"
    )


class CountingKlaviyo:
    """Klaviyo with slow jobs, and how often each address was imported."""

    def __init__(self) -> None:
        self.stub = StubKlaviyo(polls=2)
        self.received: Counter[str] = Counter()
        self.held = self.stub.emails

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if request.method == "POST" and request.url.path.endswith("import-jobs"):
            profiles = json.loads(request.content)["data"]["attributes"]["profiles"]["data"]
            self.received.update(profile["attributes"]["email"] for profile in profiles)
        return self.stub.answer(request)


class CountingFcm:
    """Firebase, and how often each token was subscribed."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()

    def held(self) -> set[str]:
        """Return who is subscribed."""
        return set(self.received)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.received[unquote(request.url.path.split("/registrations/")[1].split("/")[0])] += 1
        return httpx.Response(200, json={})


PLATFORMS = {"klaviyo": CountingKlaviyo, "fcm": CountingFcm}


@contextmanager
def serving(answer: Callable[[httpx.Request], httpx.Response]) -> Iterator[str]:
    """Serve a platform's answers over real HTTP; who asks for it is killed before the answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer, threading.Lock()))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(answer, lock: threading.Lock) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = f"http://{self.headers['host']}{self.path}"
            with lock:
                said = answer(
                    httpx.Request(self.command, url, headers=dict(self.headers), content=content)
                )
            if self.headers.get("x-kill"):
                os.kill(int(self.headers["x-kill"]), signal.SIGKILL)
                return
            self.send_response(said.status_code)
            self.send_header("content-length", str(len(said.content)))
            self.end_headers()
            self.wfile.write(said.content)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            """Talk as long as the other process lives."""
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    return Handler


if __name__ == "__main__":
    main(*sys.argv[1:])
