"""Seconds to plan a million rows, and rows per second delivered on loopback."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from activation import plan
from activation.comparison import Comparison
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

ROWS = 1_000_000
PLANNED_ROWS = 10_000_000
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


def measure_activation(rows: int = ROWS, planned: int = PLANNED_ROWS) -> Iterator[Figure]:
    """Yield the figures of planning `planned` and delivering `rows` rows."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _planning(Path(folder) / "plan.duckdb", planned)
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


def _planning(path: Path, rows: int) -> Iterator[Figure]:
    """Measure the plan of a first run, of one without changes, and of one with a twentieth changed.

    Digests and the gate (consents, suppressions, contact points, holds) are in every figure.
    """
    with world_at(path) as world:
        fill(world, rows)
        ledger = Ledger(world.connection, world.spec, "here", KEYS)
        ledger.prepare()
        first = _seconds(lambda: _seal(world, "first"))
        ledger.start("first", "1 = 1", "sending", {})
        ledger.acknowledge_upserts("first", "1 = 1", {})
        world.connection.execute(f"create table held as select * from {world.spec.relation}")
        world.connection.execute("checkpoint")
        unchanged = _seconds(lambda: _seal(world, "unchanged"))
        world.connection.execute(
            f"update {world.spec.relation} set property_spend = 999 where hash(email) % 20 = 0"
        )
        changed = _seconds(lambda: _seal(world, "changed"))
        join = min(_seconds(lambda: _plain_join(world)) for _ in range(3))
    reference = f"a bare full outer join that compares the typed columns, {join:.2f} s"
    for name, seconds in (("first", first), ("unchanged", unchanged), ("one_in_twenty", changed)):
        yield _figure(f"plan_{name}", round(seconds, 2), "s", rows, seconds / join, reference)


def _delivery(path: Path, spec: SyncSpec, destination: Any, rows: int) -> Iterator[Figure]:
    with world_at(path, spec) as world:
        fill(world, rows)
        run = run_of(world, destination)
        with lease(world.connection, spec.name, run.run_id) as held:
            run.seal()
            seconds = _seconds(lambda: run.deliver(None, held, None))
            bodies = _bodies(world, destination)
            with sender_for(destination, None) as send:
                raw = min(_seconds(lambda: _post(send, destination, bodies)) for _ in range(2))
        assert run.summary().delivered == rows
    name = f"deliver_{destination.capabilities.name}"
    size = destination.capabilities.batch.upsert_rows
    reference = f"httpx posting the same ready-made bodies at {rows / raw:,.0f} rows/s"
    yield {
        **_figure(name, round(rows / seconds), "rows/s", rows, seconds / raw, reference),
        "size": f"{rows:,} rows in batches of {size:,}",
    }


def _latency(path: Path, destination: Any, rows: int) -> Iterator[Figure]:
    """Measure requests per second where every answer takes its time."""
    with world_at(path, FCM) as world:
        fill(world, rows)
        run = run_of(world, destination)
        with lease(world.connection, FCM.name, run.run_id) as held:
            run.seal()
            seconds = _seconds(lambda: run.deliver(None, held, None))
        assert run.summary().delivered == rows
    width = destination.capabilities.in_flight
    reference = f"{width} in flight and nothing else to wait for"
    yield {
        **_figure("deliver_slowly", round(rows / seconds), "requests/s", rows, 0, reference),
        "size": f"{rows:,} requests answered after {LATENCY * 1000:.0f} ms",
        "ratio": round(seconds / (rows * LATENCY / width), 2),
    }


def run_of(world: World, destination: Any) -> Run:
    """Return the run of a world's sync to a destination."""
    ledger = Ledger(world.connection, world.spec, destination.account, KEYS)
    ledger.prepare()
    gate = gate_for(world.connection, world.spec, AS_OF)
    return Run(ledger, destination, gate, "run", AS_OF, Patience())


def _bodies(world: World, destination: Destination) -> list[Request]:
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


def _post(send: Send, destination: Destination, bodies: list[Request]) -> None:
    with ThreadPoolExecutor(destination.capabilities.in_flight) as pool:
        list(pool.map(send, bodies))


def _seal(world: World, run_id: str) -> None:
    gate = gate_for(world.connection, world.spec, AS_OF)
    with world.connection.transaction():
        plan.seal(Comparison(world.connection, world.spec, gate, "here", KEYS), run_id)


def _plain_join(world: World) -> None:
    differ = " or ".join(
        f"desired.{field.name} is distinct from held.{field.name}" for field in world.spec.fields
    )
    world.connection.execute(
        "create or replace temp table compared as"
        " select coalesce(desired.customer_id, held.customer_id) as row_key"
        f" from {world.spec.relation} as desired"
        " full outer join held on held.customer_id = desired.customer_id"
        f" where {differ}"
    )


def fill(world: World, rows: int) -> None:
    """Desire persons, all allowed."""
    names = ", ".join(field.name for field in world.spec.fields)
    values = {
        "email": "'person' || i || '@example.com'",
        "external_id": "md5(cast(i as varchar))",
        "first_name": "'Ada'",
        "phone": "'+4670' || cast(1000000 + i as varchar)",
        "property_spend": "i % 1000 / 8",
        "token": "'token-' || i",
    }
    chosen = ", ".join(values[field.name] for field in world.spec.fields)
    world.connection.execute("set threads = 2")
    world.connection.execute(
        f"insert into {world.spec.relation} (customer_id, contact_point_id, {names})"
        f" select md5(cast(i as varchar)), 'p' || i, {chosen} from range({rows}) as r (i)"
    )
    kind, address = ("push_token", "token") if "token" in names else ("email", "email")
    channel = "push" if kind == "push_token" else "email"
    world.connection.execute(
        f"insert into contact.contact_points select contact_point_id, customer_id, '{kind}',"
        f" '{channel}', {address}, true from {world.spec.relation}"
    )
    for purpose in world.spec.purposes:
        world.connection.execute(
            "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
            f" select contact_point_id, '{purpose}', '{world.spec.channel}', true, 'allowed'"
            f" from {world.spec.relation}"
        )


@contextmanager
def sink(delay: float = 0.0) -> Iterator[str]:
    """Run what accepts everything, each answer after `delay` seconds; yield its URL."""
    command = [sys.executable, str(Path(__file__).with_name("sink.py")), str(delay)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _figure(name: str, value: float, unit: str, size: int, ratio: float, reference: str) -> Figure:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "size": f"{size:,} rows",
        "ratio": round(ratio, 2),
        "ratio_to": reference,
    }


if __name__ == "__main__":
    for figure in measure_activation(*map(int, sys.argv[1:])):
        sys.stdout.write(json.dumps(figure) + "\n")
        sys.stdout.flush()
