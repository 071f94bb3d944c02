"""Rows per second delivered on loopback."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson

from activation.addresses import tls_context
from activation.destinations.base import Batch, Destination, Request, Row, Target
from activation.destinations.capabilities import BatchLimits, Rate
from activation.destinations.fcm import Fcm, FcmSettings
from activation.destinations.klaviyo import Klaviyo, KlaviyoSettings
from activation.destinations.meta_custom_audiences import (
    MetaCustomAudiences,
    MetaCustomAudiencesSettings,
)
from activation.destinations.webhook import Webhook, WebhookSettings
from activation.gate import gate_for
from activation.lease import lease
from activation.ledger import Ledger
from activation.pacing import Patience
from activation.run import Run
from activation.spec import Field, SyncSpec
from activation.transport import Send, sender_for
from tests.activation.world import AS_OF, FCM, KEYS, KLAVIYO, World, world_at
from tests.benchmarks.filling import figure, fill, seconds_of

ROWS = 1_000_000
UNPACED = Rate(1e6, 1e8)
META = replace(
    KLAVIYO,
    name="meta_custom_audiences__buyers",
    destination="meta_custom_audiences",
    surface="custom_audience",
    target="Buyers",
    purposes=("ads_user_data", "ads_personalisation"),
    channel="ads",
    fields=(Field("external_id", "varchar"), Field("email", "varchar"), Field("phone", "varchar")),
)
LATENCY = 0.05
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - a published example
Figure = dict[str, Any]


class UnpacedWebhook(Webhook):
    """A webhook in messages of 1,000 rows, without a rate limit."""

    capabilities = replace(
        Webhook.capabilities,
        rate=UNPACED,
        batch=BatchLimits(1_000, 1_000, 5_000_000),
        in_flight=16,
    )


class ThousandRows(SyncSpec):
    """A sync by webhook that is planned in batches of 1,000 rows."""

    @property
    def capabilities(self) -> Any:
        """Return what the webhook can do with larger messages."""
        return UnpacedWebhook.capabilities


WEBHOOK = ThousandRows(
    **{
        **vars(KLAVIYO),
        "name": "webhook__buyers",
        "destination": "webhook",
        "surface": "rows",
        "target": "buyers",
    }
)


class UnpacedFcm(Fcm):
    """Firebase without its rate limit: a request per row."""

    capabilities = replace(Fcm.capabilities, rate=UNPACED)


class UnpacedKlaviyo(Klaviyo):
    """Klaviyo without its rate limit, which would be all one could measure."""

    capabilities = replace(Klaviyo.capabilities, rate=UNPACED, step_rates={})


class UnpacedMeta(MetaCustomAudiences):
    """Meta without its rate limit."""

    capabilities = replace(MetaCustomAudiences.capabilities, rate=UNPACED)


def measure_activation(rows: int = ROWS) -> Iterator[Figure]:
    """Yield the figures of delivering `rows` rows."""
    with tempfile.TemporaryDirectory() as folder:
        with sink() as url:
            hook = UnpacedWebhook(WebhookSettings(f"{url}/hook", SECRET, "true"))
            yield from _delivery(Path(folder) / "webhook.duckdb", WEBHOOK, hook, rows)
            klaviyo = UnpacedKlaviyo(KlaviyoSettings("key", url))
            meta = UnpacedMeta(MetaCustomAudiencesSettings("token", "", "1", url))
            spec = replace(KLAVIYO, target="Buyers")
            yield from _delivery(Path(folder) / "klaviyo.duckdb", spec, klaviyo, rows)
            yield from _delivery(Path(folder) / "meta.duckdb", META, meta, rows)
        with sink(LATENCY) as url:
            fcm = UnpacedFcm(FcmSettings("token", "project", url))
            yield from _latency(Path(folder) / "fcm.duckdb", fcm, rows // 200)


def _delivery(path: Path, spec: SyncSpec, destination: Any, rows: int) -> Iterator[Figure]:
    with world_at(path, spec) as world:
        fill(world, rows)
        run = run_of(world, destination)
        with lease(world.connection, spec.name, run.run_id) as held:
            run.seal()
            spent = -time.process_time()
            seconds = seconds_of(lambda: run.deliver(None, held, None))
            spent += time.process_time()
        assert run.summary().delivered == rows
        requests = _requests(world, destination)
    name, width = destination.capabilities.name, destination.capabilities.in_flight
    fastest, busy, reference = min(_bare_loops(destination, requests))
    reference += f" at {rows / fastest:,.0f} rows/s in {busy:.2f} s of processor time"
    size = f"{rows:,} rows in batches of {destination.capabilities.batch.upsert_rows:,}"
    speed = round(rows / seconds)
    yield {
        **figure(f"deliver_{name}", speed, "rows/s", rows, seconds / fastest, reference),
        "size": f"{size}, {spent:.1f} s of processor time",
    }
    with sender_for(destination, None) as send:
        own = min(seconds_of(lambda: _send(send, width, requests)) for _ in range(2))
    yield {
        **figure(f"send_{name}", round(rows / own), "rows/s", rows, own / fastest, reference),
        "size": f"{size}, ready-made, by our own sender in {width} threads and nothing else",
    }


def _latency(path: Path, destination: Any, rows: int) -> Iterator[Figure]:
    """Measure requests per second where every answer takes its time."""
    with world_at(path, FCM) as world:
        fill(world, rows)
        run = run_of(world, destination)
        with lease(world.connection, FCM.name, run.run_id) as held:
            run.seal()
            seconds = seconds_of(lambda: run.deliver(None, held, None))
        assert run.summary().delivered == rows
    width = destination.capabilities.in_flight
    reference = f"{width} in flight and nothing else to wait for"
    yield {
        **figure("deliver_slowly", round(rows / seconds), "requests/s", rows, 0, reference),
        "size": f"{rows:,} requests answered after {LATENCY * 1000:.0f} ms",
        "ratio": round(seconds / (rows * LATENCY / width), 2),
    }


def run_of(world: World, destination: Any) -> Run:
    """Return the run of a world's sync to a destination."""
    ledger = Ledger(world.connection, world.spec, destination.account, KEYS)
    ledger.prepare()
    gate = gate_for(world.connection, world.spec, AS_OF)
    return Run(ledger, destination, gate, "run", AS_OF, Patience())


def _requests(world: World, destination: Destination) -> list[Request]:
    names = ", ".join(f"'{field.name}', {field.name}" for field in world.spec.fields)
    query = f"select cast(json_object({names}) as varchar), customer_id from {world.spec.relation}"
    requests: list[Request] = []
    for part in world.connection.stream(query, destination.capabilities.batch.upsert_rows):
        texts, keys = (column.to_pylist() for column in part.columns)
        rows = tuple(
            Row(number, orjson.loads(text), key=key)
            for number, (text, key) in enumerate(zip(texts, keys, strict=True))
        )
        batch = Batch("upsert", rows, Target("7", "Buyers"), run_id=str(len(requests)))
        requests += destination.requests(batch).requests
    return requests


def _send(send: Send, width: int, requests: list[Request]) -> None:
    with ThreadPoolExecutor(width) as pool:
        list(pool.map(send, requests))


def _bare_loops(
    destination: Destination, requests: list[Request]
) -> Iterator[tuple[float, float, str]]:
    """Yield seconds, processor seconds and name of posting ready-made bodies by httpx alone.

    Nothing is signed, no job is asked for, and certificates have been read before.
    """
    width = destination.capabilities.in_flight
    same = "posting the same ready-made bodies"
    names = {1: f"one bare httpx.Client {same} one after another"}
    names[width] = names.get(width, f"{width} threads with a bare httpx.Client each, {same}")
    for threads, name in names.items():
        parts = [requests[turn::threads] for turn in range(threads)]
        for _ in range(3):
            busy = -time.process_time()
            with ThreadPoolExecutor(threads) as pool:
                seconds = seconds_of(
                    lambda: list(pool.map(partial(_post, destination), parts))  # noqa: B023
                )
            yield seconds, busy + time.process_time(), name


def _post(destination: Destination, requests: list[Request]) -> None:
    place, parameters = destination.base_url.rstrip("/"), dict(destination.parameters())
    with httpx.Client(verify=tls_context()) as client:
        for request in requests:
            client.post(
                place + request.path,
                params={**request.parameters, **parameters} or None,
                content=request.body,
                headers={
                    **destination.headers(),
                    **request.headers,
                    "content-type": request.content_type,
                },
            ).raise_for_status()


@contextmanager
def sink(delay: float = 0.0) -> Iterator[str]:
    """Run what accepts everything, each answer after `delay` seconds; yield its URL."""
    command = [sys.executable, str(Path(__file__).with_name("sink.py")), str(delay)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


if __name__ == "__main__":
    for one in measure_activation(*map(int, sys.argv[1:])):
        sys.stdout.write(json.dumps(one) + "\n")
        sys.stdout.flush()
