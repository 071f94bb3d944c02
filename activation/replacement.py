"""Deliver a sealed plan to a destination that takes the whole audience at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activation.destinations.files import FileDestination
from activation.gate import Gate
from activation.lease import Lease
from activation.ledger import Ledger
from activation.rows import values_reader
from activation.statements import literal, render

_STREAM_ROWS = 10_000

# What is to stand in the file: the plan's rows, and the held rows the plan does not touch.
_WHOLE = """
(
    select row_key, customer_id, contact_point_id, payload, row_number
    from ledger.plan_rows
    where run_id = {run_id} and upsert_batch is not null and state in ('planned', 'sending')
    union all
    select row_key, customer_id, contact_point_id, identifiers as payload, null as row_number
    from ledger.sync_rows
    where
        sync = {sync}
        and account = {account}
        and is_held
        and row_key not in (
            select ledger_key from ledger.plan_rows
            where run_id = {run_id} and ledger_key is not null and action <> 'blocked'
        )
)
"""

_BLOCKED = """
select row_number, block_reason from ({judged}) as judged
where block_reason is not null and row_number is not null
"""

_PASSED = """
select payload from ({judged}) as judged where block_reason is null order by row_key
"""


@dataclass(frozen=True)
class Replacement:
    """One run's plan on its way into a file."""

    ledger: Ledger
    gate: Gate
    lease: Lease
    destination: FileDestination
    run_id: str
    as_of: datetime

    def deliver(self) -> None:
        """Ask the gate once more, write the whole audience and acknowledge the plan."""
        spec, run_id = self.ledger.spec, self.run_id
        judged = self.gate.judged(self._whole())
        blocked = dict(self.ledger.connection.execute(render(_BLOCKED, judged=judged)))
        removed, sent = "removal_batch is not null", "upsert_batch is not null"
        with self.ledger.connection.transaction():
            self.ledger.start(run_id, removed, "removing", {})
            self.ledger.start(run_id, sent, "sending", blocked)
        rows = self._rows(render(_PASSED, judged=judged))
        columns = tuple(field.name for field in spec.fields)
        self.destination.replace(
            spec.target, columns, rows, as_of=self.as_of, alive=self.lease.renew
        )
        with self.ledger.connection.transaction():
            self.ledger.acknowledge_removals(run_id, removed, {})
            self.ledger.acknowledge_upserts(run_id, sent, {})

    def _whole(self) -> str:
        return render(
            _WHOLE,
            run_id=literal(self.run_id),
            sync=literal(self.ledger.spec.name),
            account=literal(self.ledger.account),
        )

    def _rows(self, statement: str) -> Iterator[dict[str, Any]]:
        read = values_reader(self.ledger.spec)
        for batch in self.ledger.connection.stream(statement, _STREAM_ROWS):
            yield from map(read, batch.column(0).to_pylist())
