"""Say why a sync holds, sends or blocks one customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activation.connection import Connection
from activation.gate import gate_for
from activation.rows import desired_rows
from activation.spec import SyncSpec
from activation.statements import literal, render

_DESIRED = """
select row_key, block_reason from ({judged}) as judged
"""

_SOURCE = """
(select * from ({source}) as source_rows where customer_id = {customer})
"""


@dataclass(frozen=True)
class ExplainedRow:
    """One row of a customer in a sync, as desired and as held."""

    row_key: str
    is_desired: bool
    blocked_reason: str | None
    is_held: bool
    held_since: datetime | None
    last_state: str | None
    last_code: str | None

    @property
    def sentence(self) -> str:
        """Say in plain words where the row stands."""
        wanted = "not in the audience"
        if self.is_desired:
            wanted = f"blocked: {self.blocked_reason}" if self.blocked_reason else "in the audience"
        held = "not held by the platform"
        if self.is_held and self.held_since is not None:
            held = f"held by the platform since {self.held_since:%Y-%m-%d %H:%M}"
        refused = ""
        if self.last_state in ("rejected", "invalid"):
            refused = f"; last sending {self.last_state} ({self.last_code})"
        return f"{wanted}, {held}{refused}"


@dataclass(frozen=True)
class Explanation:
    """Everything one sync knows of one customer."""

    sync: str
    target: str
    rows: tuple[ExplainedRow, ...]

    @property
    def sentence(self) -> str:
        """Say in plain words where the customer stands."""
        if not self.rows:
            return f"{self.target}: not in the audience, never sent"
        return f"{self.target}: " + "; ".join(row.sentence for row in self.rows)


def explain_sync(
    connection: Connection, spec: SyncSpec, customer_id: str, *, as_of: datetime
) -> Explanation:
    """Return what a sync desires, blocks and holds of a customer, at every receiving account."""
    source = render(_SOURCE, source=desired_rows(spec), customer=literal(customer_id))
    judged = gate_for(connection, spec, as_of).judged(source, are_few=True)
    desired = dict(connection.execute(render(_DESIRED, judged=judged)))
    held = _held(connection, spec, customer_id)
    keys = sorted({*desired, *held})
    rows = tuple(_explained(key, desired, held.get(key)) for key in keys)
    return Explanation(spec.name, spec.target, rows)


def _explained(
    key: str, desired: dict[str, str | None], held: tuple[Any, ...] | None
) -> ExplainedRow:
    is_held, since, state, code = held or (False, None, None, None)
    return ExplainedRow(key, key in desired, desired.get(key), is_held, since, state, code)


def _held(connection: Connection, spec: SyncSpec, customer_id: str) -> dict[str, tuple[Any, ...]]:
    if not connection.table_exists("ledger", "sync_rows"):
        return {}
    rows = connection.execute(
        "select row_key, is_held, first_held_at, state, code from ledger.sync_rows"
        " where sync = ? and customer_id = ? order by acknowledged_at",
        (spec.name, customer_id),
    )
    return {row[0]: row[1:] for row in rows}
