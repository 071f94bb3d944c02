"""Push the rows of a DuckDB file by our own sync, in a process that can be killed."""

import sys
from dataclasses import replace
from pathlib import Path

from activation.destinations.webhook import Webhook, WebhookSettings
from activation.gate import gate_for
from activation.ledger import Ledger
from activation.pacing import Patience
from activation.run import Run
from activation.spec import Field
from activation.syncs import keep_in_step
from orchestration.warehouse import Warehouse
from tests.activation.world import AS_OF, KEYS, World
from tests.benchmarks.activation import SECRET, WEBHOOK, UnpacedWebhook

FIELDS = (Field("email", "varchar"), Field("first_name", "varchar"), Field("spend", "double"))


SPEC = replace(
    WEBHOOK,
    name="webhook__people",
    target="people",
    relation="activation.people",
    purposes=("internal_reporting",),
    channel="webhook",
    fields=FIELDS,
    has_contact_point=False,
)


def prepare(database: Path, rows: str) -> None:
    """Make the sync's model of the relation `rows` in a warehouse, and the gate's tables."""
    with Warehouse(database).connect() as connection:
        World(connection, SPEC).create()
        connection.execute(
            "insert into activation.people by name"
            f" select key as customer_id, email, first_name, spend from {rows}"
        )


def main(database: str, url: str, home: str) -> None:
    """Bring the receiver in step."""
    destination: Webhook = UnpacedWebhook(WebhookSettings(url, SECRET, "true"))
    with Warehouse(Path(database)).connect() as connection:
        ledger = Ledger(connection, SPEC, destination.account, KEYS)
        ledger.prepare()
        gate = gate_for(connection, SPEC, AS_OF)
        run = Run(ledger, destination, gate, Path(home).name, AS_OF, Patience(first_wait=0.05))
        keep_in_step(run)


if __name__ == "__main__":
    main(*sys.argv[1:])
