"""Deliver a sealed plan to a destination that takes the whole audience at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activation.destinations.files import FileDestination
from activation.destinations.letters import COLUMNS, Letters
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
        and coalesce(state, '') <> 'invalid'
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
select payload, row_number from ({judged}) as judged
where block_reason is null
order by {order}
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
        letters = self.destination.letters(spec.surface)
        # Of two at one address the one whose letter was ordered before stays.
        order = "row_key" if letters is None else "coalesce(row_number, 0), row_key"
        refused: dict[int, tuple[str, str]] = {}
        rows = self._rows(render(_PASSED, judged=judged, order=order), letters, refused)
        columns = COLUMNS if letters else tuple(field.name for field in spec.fields)
        self.destination.replace(
            spec.target, columns, rows, as_of=self.as_of, alive=self.lease.renew, letters=letters
        )
        with self.ledger.connection.transaction():
            self.ledger.acknowledge_removals(run_id, removed, {})
            self.ledger.acknowledge_upserts(run_id, sent, refused)

    def _whole(self) -> str:
        return render(
            _WHOLE,
            run_id=literal(self.run_id),
            sync=literal(self.ledger.spec.name),
            account=literal(self.ledger.account),
        )

    def _rows(
        self, statement: str, letters: Letters | None, refused: dict[int, tuple[str, str]]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield what is written; note in `refused` which rows of the plan cannot be a letter."""
        read = values_reader(self.ledger.spec)
        for batch in self.ledger.connection.stream(statement, _STREAM_ROWS):
            texts, numbers = (column.to_pylist() for column in batch.columns)
            for values, number in zip(map(read, texts), numbers, strict=True):
                letter = values if letters is None else letters.read(values)
                if not isinstance(letter, str):
                    yield letter
                elif number is not None:
                    refused[number] = ("invalid", letter)
