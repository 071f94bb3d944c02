"""Ask gate and model once more while a plan is under way, often enough and no more often."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from activation.connection import Connection
from activation.gate import Gate, gate_for
from activation.news import leaving
from activation.spec_rules import LEFT_AUDIENCE
from activation.statements import column, literal, render

_ROWS = 1_000_000
_SECONDS = 60.0
_PAUSE = 1.0

_WINDOW = """
(
    select row_number, row_key, customer_id, contact_point_id, payload from ledger.plan_rows
    where
        run_id = {run_id}
        and upsert_batch between {first} and {last}
        and state = 'planned'
)
"""

# Whoever is not in the sync's model any more has left its audience: bought, replied, came back.
_BLOCKED = """
select row_number, coalesce(block_reason, {left_audience}) from ({judged}) as judged
where
    block_reason is not null
    or row_key not in (
        select cast({key} as varchar) from {relation} where {key} is not null
    )
    {has_left}
"""


@dataclass
class Recheck:
    """What gate and model say of the batches about to be sent.

    One question covers the next million rows and is good for a minute, or until `news` says that
    something has landed: asking costs a scan of the consents and of the model's keys, however few
    rows it is about.
    """

    connection: Connection
    gate: Gate
    run_id: str
    batch_rows: int
    clock: Callable[[], float] = time.monotonic
    news: Callable[[], bool] = lambda: False
    _batches: range = range(0)
    _asked_at: float = 0.0
    _heard_at: float = float("-inf")
    _blocked: dict[int, str] = field(default_factory=dict)

    def listen(self) -> None:
        """Take in what has landed, at most once a second; not to be called in a transaction."""
        if self.clock() - self._heard_at < _PAUSE:
            return
        self._heard_at = self.clock()
        if self.news():
            self.gate = gate_for(self.connection, self.gate.spec, self.gate.as_of)
            self._batches = range(0)

    def blocked(self, batch: int) -> Mapping[int, str]:
        """Return the row numbers that may not be sent any more, with the reason of each."""
        if batch not in self._batches or self.clock() - self._asked_at > _SECONDS:
            self._ask(batch)
        return self._blocked

    def _ask(self, batch: int) -> None:
        self._batches = range(batch, batch + max(1, _ROWS // self.batch_rows))
        self._asked_at = self.clock()
        window = render(
            _WINDOW,
            run_id=literal(self.run_id),
            first=self._batches[0],
            last=self._batches[-1],
        )
        statement = render(
            _BLOCKED,
            judged=self.gate.judged(window, are_few=True),
            left_audience=literal(LEFT_AUDIENCE),
            key=column(self.gate.spec.key),
            relation=self.gate.spec.relation,
            has_left=self._has_left(),
        )
        self._blocked = dict(self.connection.execute(statement))

    def _has_left(self) -> str:
        leavers = leaving(self.connection, self.gate.spec.leaves_on)
        return f"or customer_id in {leavers}" if leavers else ""
