"""The most memory a whole sync takes, plan and delivery of millions of rows, in its own process."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from activation.destinations.webhook import WebhookSettings
from activation.lease import lease
from orchestration.warehouse import Warehouse
from tests.activation.world import World
from tests.benchmarks.activation import SECRET, WEBHOOK, UnpacedWebhook, fill, run_of, sink
from tests.benchmarks.memory import peak_gb

ROWS = 5_000_000
LIMIT = "256MB"
GOAL_MB = 600


def measure_memory(rows: int = ROWS) -> Iterator[dict[str, Any]]:
    """Yield the peak of a process that plans and delivers `rows` rows."""
    command = [sys.executable, "-m", "tests.benchmarks.delivery_memory", str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak = json.loads(done.stdout)
    yield {
        "name": "deliver_memory",
        "value": round(peak * 1000),
        "unit": "MB",
        "size": f"{rows:,} rows added, REGULARS_DUCKDB_MEMORY_LIMIT={LIMIT}",
        "ratio": round(peak * 1000 / GOAL_MB, 3),
        "ratio_to": f"{GOAL_MB} MB",
    }


def deliver(rows: int) -> None:
    """Plan and deliver rows to a receiver that accepts everything."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sink() as url,
        Warehouse(Path(folder) / "memory.duckdb", memory_limit=LIMIT).connect() as connection,
    ):
        world = World(connection, WEBHOOK)
        world.create()
        fill(world, rows)
        run = run_of(world, UnpacedWebhook(WebhookSettings(f"{url}/hook", SECRET, "true")))
        with lease(connection, WEBHOOK.name, run.run_id) as held:
            run.seal()
            run.deliver(None, held, None)
        assert run.summary().delivered == rows


if __name__ == "__main__":
    deliver(int(sys.argv[1]))
    sys.stdout.write(json.dumps(peak_gb()))
