"""Ask gate and model once more while a plan is under way, often enough and no more often."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from activation.clearance import clearance
from activation.connection import Connection
from activation.gate import Gate, gate_for
from activation.news import leaving
from activation.spec_rules import LEFT_AUDIENCE
from activation.statements import column, json_text, literal, render

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
        {only}
)
"""

# Few columns tell that most rows may still be sent, as they do of a plan; the gate is asked about
# the others. That reads the gate's tables whole, which many rows are worth and few are not.
_SIZES = """
select
    (select count(*) from {window} as due),
    (select count(*) from privacy.consents where purpose = {purpose} and channel = {channel})
"""
_MANY = 2
_SUSPECTS = """
select row_number from (
    select
        candidate.row_number,
        ({condition})
        and candidate.row_key in (
            select cast({key} as varchar) from {relation} where {key} is not null
        )
        {has_stayed} as is_cleared
    from (
        select row_number, row_key, customer_id, contact_point_id{columns} from {window} as due
    ) as candidate
    {joins}
) as cleared
where not coalesce(is_cleared, 1 = 0)
"""
_MOST_NAMED = 10_000

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
        suspects = self._suspects()
        if suspects == []:
            self._blocked = {}
            return
        few = suspects is not None and len(suspects) <= _MOST_NAMED
        named = ", ".join(map(str, suspects or ())) if few else ""
        statement = render(
            _BLOCKED,
            judged=self.gate.judged(
                self._window(f"and row_number in ({named})" if named else ""), are_few=True
            ),
            left_audience=literal(LEFT_AUDIENCE),
            key=column(self.gate.spec.key),
            relation=self.gate.spec.relation,
            has_left=self._left("or customer_id in"),
        )
        self._blocked = dict(self.connection.execute(statement))

    def _window(self, only: str = "") -> str:
        return render(
            _WINDOW,
            run_id=literal(self.run_id),
            first=self._batches[0],
            last=self._batches[-1],
            only=only,
        )

    def _suspects(self) -> list[int] | None:
        """Return which rows few columns do not clear; None where that is not worth its price."""
        cleared = clearance(self.gate, lambda _, name: json_text("payload", name))
        if cleared is None:
            return None
        if not self._are_many():
            return None
        statement = render(
            _SUSPECTS,
            condition=cleared.condition,
            key=column(self.gate.spec.key),
            relation=self.gate.spec.relation,
            has_stayed=self._left("and candidate.customer_id not in"),
            columns="".join(f", {text} as {name}" for name, text in cleared.columns),
            window=self._window(),
            joins=cleared.joins,
        )
        return [number for (number,) in self.connection.execute(statement)]

    def _are_many(self) -> bool:
        """Say whether the rows are at least half of those whom the gate knows something about."""
        spec = self.gate.spec
        if spec.is_internal:
            return True
        sizes = render(
            _SIZES,
            window=self._window(),
            purpose=literal(spec.purposes[0]),
            channel=literal(spec.channel),
        )
        due, known = self.connection.execute(sizes)[0]
        return bool(due * _MANY >= known)

    def _left(self, compared: str) -> str:
        """Return a comparison with those who have left since the models were built, if any can."""
        leavers = leaving(self.connection, self.gate.spec.leaves_on)
        return f"{compared} {leavers}" if leavers else ""
