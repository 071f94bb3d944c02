"""Take one run of a sync from its plan to its summary."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import httpx

from activation import guards, plan
from activation.comparison import Comparison
from activation.coverage import count_refused, coverage_of
from activation.delivery import Delivery, Progress
from activation.errors import GuardRefused, LedgerImbalance
from activation.gate import Gate, gate_for
from activation.judgement import Judgement, prepare
from activation.lease import Lease
from activation.ledger import FINAL_STATES, Ledger, now
from activation.pacing import Patience
from activation.plan import PlanCounts
from activation.recheck import Recheck
from activation.recipients import remember_sync
from activation.recovery import conversation_with
from activation.replacement import Replacement
from activation.transport import sender_for
from activation.withdrawals import comparison_for


@dataclass(frozen=True)
class SyncSummary:
    """What one run did: planned rows by action, their final states, what the platform holds.

    `paused_because` is set when the audience's size jumped and only the gate's removals were made;
    a sync that `is_switched_off` makes no others. `coverage` is the share of the desired customers
    that a list of exclusions reaches.
    """

    sync: str
    desired: int
    blocked_by_reason: dict[str, int]
    added: int
    changed: int
    removed: int
    retried: int
    delivered: int = 0
    rejected: int = 0
    invalid: int = 0
    unknown: int = 0
    blocked_at_dispatch: int = 0
    acknowledged: int = 0
    rejected_unnamed: int = 0
    requests: int = 0
    paused_because: str | None = None
    is_switched_off: bool = False
    coverage: float | None = None
    digest: str = ""

    @property
    def planned(self) -> int:
        """Return the rows the plan wanted to send or remove."""
        return self.added + self.changed + self.removed + self.retried

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {**asdict(self), "planned": self.planned}


@dataclass
class Run:
    """One run of a sync, from its plan to its summary.

    With `is_erasure` the plan is made elsewhere and removes persons for good; as a run of its own
    kind it is no delivery that the size of the next one is compared with. `news` takes in what has
    landed since the models were built, and says whether that was anything.
    """

    ledger: Ledger
    destination: Any
    gate: Gate
    run_id: str
    as_of: datetime
    patience: Patience
    desired: int = 0
    allowed: int = 0
    counts: PlanCounts = field(default_factory=PlanCounts)
    requests: int = 0
    pause: str | None = None
    is_erasure: bool = False
    news: Callable[[], bool] = lambda: False

    @property
    def comparison(self) -> Comparison:
        """Return what the plan is made of."""
        ledger = self.ledger
        connection, spec = ledger.connection, ledger.spec
        return comparison_for(connection, spec, self.gate, ledger.account, ledger.keys)

    def refill_lost_target(self, client: httpx.Client | None) -> None:
        """Have everything written again when it is gone, whatever the ledger says.

        Raise what keeps a table from taking the rows, before anything is planned.
        """
        name = self.ledger.spec.target
        if self._replaces:
            is_lost = not self.destination.is_present(name)
        else:
            is_lost = hasattr(self.destination, "check") and self._is_emptied(client)
        if is_lost:
            self.ledger.doubt_everything()

    def _is_emptied(self, client: httpx.Client | None) -> bool:
        spec = self.ledger.spec
        with sender_for(self.destination, client) as send:
            conversation = conversation_with(self.destination, send, self.patience)
            found, requests = conversation.reach(self.destination.check(spec.target, spec.layout))
        self.requests += requests
        return found.is_empty

    def seal(self, named: str | None = None) -> None:
        """Write the plan; raise GuardRefused, and record that, when it would do harm.

        `named` is the digest of the plan that a person looked at and wants sent whatever the guards
        say; it is refused when it is not the plan of now.
        """
        source = guards.measure(self.ledger.connection, self.ledger.spec)
        self.desired = source.count_rows
        try:
            with self.ledger.connection.transaction():
                self._seal(source, named)
        except GuardRefused as refused:
            self.ledger.open_run(self.run_id, self.as_of, self.desired)
            self.ledger.close_run(self.run_id, "refused", 0, type(refused).__name__)
            raise

    def _seal(self, source: guards.Source, named: str | None) -> None:
        comparison = self.comparison
        judgement = prepare(comparison, source)
        if named is None:
            judgement.refuse_before_planning()
        self.ledger.open_run(self.run_id, self.as_of, self.desired)
        self.ledger.drop_outdated(self.run_id)
        self.counts = plan.seal(comparison, self.run_id)
        self.allowed = guards.count_allowed(source, self.counts)
        if named is not None:
            guards.refuse_moved_plan(self.ledger.spec, named, self.counts.digest)
        else:
            self._pause(judgement)
        self.ledger.write_counts(self.run_id, self.counts, self.allowed)
        spec, account = self.ledger.spec, self.ledger.account
        remember_sync(self.ledger.connection, spec, account, now())

    def _pause(self, judgement: Judgement) -> None:
        """Replace the plan of an audience that jumped by what the gate demands of it."""
        self.pause = judgement.find_pause(self.counts)
        if self.pause is not None:
            self.ledger.discard_plan(self.run_id)
            self.counts = plan.seal(self.comparison, self.run_id, is_paused=True)
            judgement.refuse_paused(self.counts)

    def deliver(
        self, client: httpx.Client | None, held_lease: Lease, progress: Progress | None
    ) -> None:
        """Send the plan, if there is anything in it, and close the run whatever happens."""
        status, stopped_by = self._ending()
        try:
            if self.counts.planned and self._replaces:
                self._replace(held_lease)
            elif self.counts.planned:
                self._send(client, held_lease, progress)
        except BaseException as stopped:
            status, stopped_by = "stopped", type(stopped).__name__
            raise
        finally:
            self.ledger.close_run(self.run_id, status, self.requests, stopped_by)

    def _ending(self) -> tuple[str, str | None]:
        """Return how a run ends that nothing stops; only a delivery is `finished`."""
        if self.is_erasure:
            return "erased", None
        if not self.ledger.spec.is_enabled:
            return "withdrawn", None
        return ("paused", "size_jumped") if self.pause else ("finished", None)

    def summary(self) -> SyncSummary:
        """Sum the run up; raise LedgerImbalance unless every planned row ended in one state."""
        states = self.ledger.count_states(self.run_id)
        if sum(states.values()) != self.counts.planned or states.keys() - set(FINAL_STATES):
            msg = (
                f"{self.ledger.spec.name}: the states of run {self.run_id} do not add up to its "
                "plan. Keep the warehouse as it is and report this."
            )
            raise LedgerImbalance(msg)
        actions = self.counts.by_action
        return SyncSummary(
            sync=self.ledger.spec.name,
            desired=self.desired,
            blocked_by_reason=self.counts.blocked_by_reason,
            added=actions.get("add", 0),
            changed=actions.get("change", 0),
            removed=actions.get("remove", 0),
            retried=actions.get("retry", 0),
            delivered=states.get("delivered", 0),
            rejected=states.get("rejected", 0),
            invalid=states.get("invalid", 0),
            unknown=states.get("unknown", 0),
            blocked_at_dispatch=states.get("blocked", 0),
            acknowledged=self.ledger.count_acknowledged(),
            rejected_unnamed=self.ledger.count_unnamed(self.run_id),
            requests=self.requests,
            paused_because=self.pause,
            is_switched_off=not self.ledger.spec.is_enabled,
            coverage=self._coverage(),
            digest=self.counts.digest,
        )

    def _coverage(self) -> float | None:
        ledger = self.ledger
        refused = count_refused(ledger.connection, ledger.spec, ledger.account)
        unmatched = refused + ledger.count_unnamed(self.run_id)
        return coverage_of(ledger.spec, self.desired, self.allowed, unmatched)

    @property
    def _replaces(self) -> bool:
        """Say whether the destination takes the whole audience at once."""
        spec = self.ledger.spec
        return spec.capabilities.surfaces[spec.surface].mirror == "replace"

    def _replace(self, held_lease: Lease) -> None:
        if self.news():
            self.gate = gate_for(self.ledger.connection, self.ledger.spec, self.as_of)
        Replacement(
            self.ledger, self.gate, held_lease, self.destination, self.run_id, self.as_of
        ).deliver()

    def _send(
        self, client: httpx.Client | None, held_lease: Lease, progress: Progress | None
    ) -> None:
        with sender_for(self.destination, client) as send:
            rows = self.ledger.spec.capabilities.batch.upsert_rows
            delivery = Delivery(
                ledger=self.ledger,
                recheck=Recheck(
                    self.ledger.connection, self.gate, self.run_id, rows, news=self.news
                ),
                lease=held_lease,
                destination=self.destination,
                send=send,
                run_id=self.run_id,
                planned=self.counts.planned,
                patience=self.patience,
                progress=progress,
                is_erasure=self.is_erasure,
            )
            try:
                delivery.deliver()
            finally:
                self.requests += delivery.requests
