"""Run, preview and summarise one sync: the facade orchestration calls."""

from collections.abc import Callable, Set
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from activation import guards, plan
from activation.connection import Connection
from activation.delivery import Delivery, HttpSender, http_client
from activation.destinations import DESTINATIONS, missing_settings
from activation.errors import GuardRefused, LedgerImbalance, MissingSetting
from activation.gate import Gate, gate_for
from activation.lease import Lease, lease
from activation.ledger import FINAL_STATES, Ledger
from activation.plan import DiffRow, PlanCounts
from activation.spec import SyncSpec

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SyncSummary:
    """What one run did: planned rows by action, their final states, and what the platform now holds."""

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
    requests: int = 0

    @property
    def planned(self) -> int:
        """Return the rows the plan wanted to send or remove."""
        return self.added + self.changed + self.removed + self.retried

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {**asdict(self), "planned": self.planned}


@dataclass(frozen=True)
class SyncDiff:
    """What a run would do, by key; nothing was written or sent."""

    sync: str
    desired: int
    counts: dict[str, int]
    blocked_by_reason: dict[str, int]
    rows: tuple[DiffRow, ...] = field(repr=False)


def run_sync(
    connection: Connection,
    spec: SyncSpec,
    settings: Any,
    *,
    as_of: datetime,
    client: httpx.Client | None = None,
    failing_models: Set[str] = frozenset(),
    model_as_of: datetime | None = None,
    max_removal_share: float | None = None,
    progress: Progress | None = None,
) -> SyncSummary:
    """Plan one sync and deliver the plan.

    `as_of` is the run's clock in UTC: consent must be valid at it. `failing_models` are the models
    with a failed dbt test, `model_as_of` the time the sync model was built for, `max_removal_share`
    overrides the sync's own. Raise GuardRefused before anything is sent, other ActivationErrors
    when the platform stops the run; whatever was acknowledged by then is in the ledger.
    """
    missing = missing_settings(settings)
    if missing:
        raise MissingSetting(spec.destination, missing)
    guards.refuse_failed_tests(spec, failing_models)
    guards.refuse_stale_model(spec, model_as_of, as_of)
    destination = DESTINATIONS[spec.destination](settings)
    ledger = Ledger(connection, spec, destination.account)
    ledger.prepare()
    share = spec.max_removal_share if max_removal_share is None else max_removal_share
    run = _Run(ledger, destination, gate_for(connection, spec, as_of), uuid4().hex, as_of)
    with lease(connection, spec.name, run.run_id) as held_lease:
        ledger.recover()
        desired, counts = run.seal(share)
        return run.finish(desired, counts, run.deliver(counts, client, held_lease, progress))


def diff_sync(
    connection: Connection, spec: SyncSpec, settings: Any, *, as_of: datetime, limit: int = 1000
) -> SyncDiff:
    """Return what a run would do now, with the first `limit` rows, removals first."""
    account = DESTINATIONS[spec.destination](settings).account
    gate = gate_for(connection, spec, as_of)
    counts = plan.preview(connection, spec, gate, account)
    rows = plan.diff(connection, spec, gate, account, limit=limit)
    desired = guards.measure(connection, spec).count_rows
    return SyncDiff(spec.name, desired, counts.by_action, counts.blocked_by_reason, rows)


@dataclass(frozen=True)
class _Run:
    """One run between its plan and its summary."""

    ledger: Ledger
    destination: Any
    gate: Gate
    run_id: str
    as_of: datetime

    def seal(self, share: float) -> tuple[int, PlanCounts]:
        """Write the plan, or record why not; return the number of desired rows and the plan's counts."""
        connection, spec = self.ledger.connection, self.ledger.spec
        source = guards.measure(connection, spec)
        try:
            with connection.transaction():
                held = self.ledger.count_held()
                guards.refuse_duplicate_keys(spec, source)
                guards.refuse_empty_source(spec, source, held, share)
                self.ledger.open_run(self.run_id, self.as_of, source.count_rows)
                self.ledger.drop_outdated(self.run_id)
                counts = plan.seal(connection, spec, self.gate, self.ledger.account, self.run_id)
                guards.refuse_mass_removal(spec, counts, held, share)
                self.ledger.write_counts(self.run_id, counts)
        except GuardRefused as refused:
            self.ledger.open_run(self.run_id, self.as_of, source.count_rows)
            self.ledger.close_run(self.run_id, "refused", 0, type(refused).__name__)
            raise
        return source.count_rows, counts

    def deliver(
        self,
        counts: PlanCounts,
        client: httpx.Client | None,
        held_lease: Lease,
        progress: Progress | None,
    ) -> int:
        """Send the plan, if there is anything in it, and return the number of requests made."""
        if counts.planned == 0:
            self.ledger.close_run(self.run_id, "finished", 0, None)
            return 0
        with nullcontext(client) if client else http_client() as sender:
            delivery = Delivery(
                ledger=self.ledger,
                gate=self.gate,
                lease=held_lease,
                destination=self.destination,
                send=HttpSender(sender, self.destination),
                run_id=self.run_id,
                planned=counts.planned,
                progress=progress,
            )
            try:
                delivery.deliver()
            except BaseException as stopped:
                name = type(stopped).__name__
                self.ledger.close_run(self.run_id, "stopped", delivery.requests, name)
                raise
        self.ledger.close_run(self.run_id, "finished", delivery.requests, None)
        return delivery.requests

    def finish(self, desired: int, counts: PlanCounts, requests: int) -> SyncSummary:
        """Check that every planned row ended in one state, and sum the run up."""
        states = self.ledger.count_states(self.run_id)
        if sum(states.values()) != counts.planned or states.keys() - set(FINAL_STATES):
            msg = (
                f"{self.ledger.spec.name}: the states of run {self.run_id} do not add up to its "
                "plan. Keep the warehouse as it is and report this."
            )
            raise LedgerImbalance(msg)
        actions = counts.by_action
        return SyncSummary(
            sync=self.ledger.spec.name,
            desired=desired,
            blocked_by_reason=counts.blocked_by_reason,
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
            requests=requests,
        )
