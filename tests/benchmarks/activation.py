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

import httpx
import orjson

from activation import plan
from activation.comparison import Comparison
from activation.delivery import HttpSender
from activation.destinations.base import Batch, Destination, Request, Row, Target
from activation.destinations.capabilities import Rate
from activation.destinations.klaviyo import Klaviyo, KlaviyoSettings
from activation.destinations.meta_custom_audiences import (
    MetaCustomAudiences,
    MetaCustomAudiencesSettings,
)
from activation.gate import gate_for
from activation.lease import lease
from activation.ledger import Ledger
from activation.pacing import Patience
from activation.run import Run
from activation.spec import Field, SyncSpec
from tests.activation.world import AS_OF, KEYS, KLAVIYO, World, world_at

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
Figure = dict[str, Any]


class UnpacedKlaviyo(Klaviyo):
    """Klaviyo without its rate limit, which would be all one could measure."""

    capabilities = replace(Klaviyo.capabilities, rate=UNPACED, step_rates={})


class UnpacedMeta(MetaCustomAudiences):
    """Meta without its rate limit."""

    capabilities = replace(MetaCustomAudiences.capabilities, rate=UNPACED)


def measure_activation(rows: int = ROWS) -> Iterator[Figure]:
    """Yield the figures of planning and delivering `rows` rows."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _planning(Path(folder) / "plan.duckdb", rows)
        with _sink() as url:
            klaviyo = UnpacedKlaviyo(KlaviyoSettings("key", url))
            meta = UnpacedMeta(MetaCustomAudiencesSettings("token", "", "1", url))
            spec = replace(KLAVIYO, target="Buyers")
            yield from _delivery(Path(folder) / "klaviyo.duckdb", spec, klaviyo, rows)
            yield from _delivery(Path(folder) / "meta.duckdb", META, meta, rows)


def _planning(path: Path, rows: int) -> Iterator[Figure]:
    with world_at(path) as world:
        _fill(world, rows)
        ledger = Ledger(world.connection, world.spec, "here", KEYS)
        ledger.prepare()
        first = _seconds(lambda: _seal(world, "first"))
        ledger.start("first", "1 = 1", "sending", {})
        ledger.acknowledge_upserts("first", "1 = 1", {})
        unchanged = _seconds(lambda: _seal(world, "unchanged"))
        world.connection.execute(
            f"update {world.spec.relation} set property_spend = 999 where hash(email) % 100 = 0"
        )
        changed = _seconds(lambda: _seal(world, "changed"))
        join = min(_seconds(lambda: _plain_join(world)) for _ in range(3))
    reference = "DuckDB's full outer join of the same keys and stored hashes"
    for name, seconds in (("first", first), ("unchanged", unchanged), ("one_percent", changed)):
        yield _figure(f"plan_{name}", round(seconds, 2), "s", rows, seconds / join, reference)


def _delivery(path: Path, spec: SyncSpec, destination: Any, rows: int) -> Iterator[Figure]:
    with world_at(path, spec) as world:
        _fill(world, rows)
        run = _run_of(world, destination)
        with (
            httpx.Client(timeout=60) as client,
            lease(world.connection, spec.name, run.run_id) as held,
        ):
            run.seal()
            seconds = _seconds(lambda: run.deliver(client, held, None))
            bodies = _bodies(world, destination)
            raw = min(_seconds(lambda: _post(client, destination, bodies)) for _ in range(2))
        assert run.summary().delivered == rows
    name = f"deliver_{destination.capabilities.name}"
    reference = f"httpx posting the same ready-made bodies at {rows / raw:,.0f} rows/s"
    yield _figure(name, round(rows / seconds), "rows/s", rows, raw / seconds, reference)


def _run_of(world: World, destination: Any) -> Run:
    ledger = Ledger(world.connection, world.spec, destination.account, KEYS)
    ledger.prepare()
    gate = gate_for(world.connection, world.spec, AS_OF)
    return Run(ledger, destination, gate, "run", AS_OF, Patience())


def _bodies(world: World, destination: Destination) -> list[Request]:
    names = ", ".join(f"'{field.name}', {field.name}" for field in world.spec.fields)
    query = f"select cast(json_object({names}) as varchar) from {world.spec.relation}"
    requests: list[Request] = []
    for part in world.connection.stream(query, destination.capabilities.batch.upsert_rows):
        values = map(orjson.loads, part.column(0).to_pylist())
        rows = tuple(Row(number, value) for number, value in enumerate(values))
        batch = Batch("upsert", rows, Target("7", "Buyers"), run_id=str(len(requests)))
        requests += destination.requests(batch).requests
    return requests


def _post(client: httpx.Client, destination: Destination, bodies: list[Request]) -> None:
    with ThreadPoolExecutor(destination.capabilities.in_flight) as pool:
        list(pool.map(HttpSender(client, destination), bodies))


def _seal(world: World, run_id: str) -> None:
    gate = gate_for(world.connection, world.spec, AS_OF)
    with world.connection.transaction():
        plan.seal(Comparison(world.connection, world.spec, gate, "here", KEYS), run_id)


def _plain_join(world: World) -> None:
    world.connection.execute(
        "select count(*) from ledger.plan_rows as desired"
        " full outer join ledger.sync_rows as held on held.row_key = desired.row_key"
        " where desired.run_id = 'first' and held.row_hash is distinct from desired.row_hash"
    )


def _fill(world: World, rows: int) -> None:
    names = ", ".join(field.name for field in world.spec.fields)
    values = {
        "email": "'person' || i || '@example.com'",
        "external_id": "md5(cast(i as varchar))",
        "first_name": "'Ada'",
        "phone": "'+4670' || cast(1000000 + i as varchar)",
        "property_spend": "i % 1000 / 8",
    }
    chosen = ", ".join(values[field.name] for field in world.spec.fields)
    world.connection.execute("set threads = 2")
    world.connection.execute(
        f"insert into {world.spec.relation} (customer_id, contact_point_id, {names})"
        f" select md5(cast(i as varchar)), 'p' || i, {chosen} from range({rows}) as r (i)"
    )
    world.connection.execute(
        "insert into contact.contact_points select contact_point_id, customer_id, 'email', 'email',"
        f" email, true from {world.spec.relation}"
    )
    for purpose in world.spec.purposes:
        world.connection.execute(
            "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
            f" select contact_point_id, '{purpose}', '{world.spec.channel}', true, 'allowed'"
            f" from {world.spec.relation}"
        )


@contextmanager
def _sink() -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("sink.py"))]
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
    for figure in measure_activation(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS):
        sys.stdout.write(json.dumps(figure) + "\n")
        sys.stdout.flush()
