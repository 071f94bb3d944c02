"""Deliver many rows to a table in small batches, in a process that can be killed."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from activation.destinations.capabilities import BatchLimits
from activation.destinations.table import Table, TableSettings
from activation.gate import gate_for
from activation.ledger import Ledger
from activation.pacing import Patience
from activation.run import Run
from activation.spec import Field, SyncSpec
from activation.syncs import keep_in_step
from orchestration.warehouse import Warehouse
from tests.activation.crashes import DeadlyConnection
from tests.activation.world import AS_OF, KEYS, KLAVIYO

LIMITS = BatchLimits(upsert_rows=10, removal_rows=10)


class SmallSpec(SyncSpec):
    """A sync whose batches are small, so that many are sent."""

    @property
    def capabilities(self):
        """Return the table's capabilities with small batches."""
        return replace(super().capabilities, batch=LIMITS)


SPEC = SmallSpec(
    **{
        **vars(KLAVIYO),
        "name": "table__stages",
        "destination": "table",
        "surface": "rows",
        "target": "shop.stages",
        "purposes": ("internal_reporting",),
        "channel": "table",
        "fields": (Field("customer_id", "varchar"), Field("stage", "varchar")),
        "has_contact_point": False,
        "max_removal_share": 1.0,
        "max_size_change": 100.0,
    }
)


def sync_once(connection, url):
    """Run the sync once; return its summary."""
    destination = Table(TableSettings(url, "yes"))
    ledger = Ledger(connection, SPEC, destination.account, KEYS)
    ledger.prepare()
    gate = gate_for(connection, SPEC, AS_OF)
    return keep_in_step(Run(ledger, destination, gate, os.urandom(8).hex(), AS_OF, Patience()))


def main(point, database, url):
    """Run the sync in this process, which may die while it acknowledges."""
    with Warehouse(Path(database)).connect() as connection:
        dies_here = point == "in_acknowledgement"
        sync_once(DeadlyConnection(connection) if dies_here else connection, url)


if __name__ == "__main__":
    main(*sys.argv[1:])
