"""Run or preview one sync: the facade orchestration calls."""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from activation import guards, plan
from activation.connection import Connection
from activation.delivery import Progress
from activation.destinations import DESTINATIONS, missing_settings
from activation.errors import MissingSetting
from activation.gate import gate_for
from activation.jumps import find_jump
from activation.lease import lease
from activation.ledger import Ledger
from activation.pacing import Patience
from activation.plan import DiffRow
from activation.run import Run, SyncSummary
from activation.spec import SyncSpec

__all__ = ["DiffRow", "SyncDiff", "SyncSummary", "diff_sync", "run_sync"]


@dataclass(frozen=True)
class SyncDiff:
    """What a run would do, by key; nothing was written or sent."""

    sync: str
    desired: int
    counts: dict[str, int]
    blocked_by_reason: dict[str, int]
    paused_because: str | None
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
    max_size_change: float | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> SyncSummary:
    """Plan one sync and deliver the plan.

    `as_of` is the run's clock in UTC: consent must be valid at it. `failing_models` are the models
    with a failed dbt test, `model_as_of` the time the sync model was built for, `max_removal_share`
    and `max_size_change` override the sync's own, `patience` says how long to put up with trouble.
    Raise GuardRefused before anything is sent, other ActivationErrors when the platform stops the
    run; whatever was acknowledged by then is in the ledger. An audience whose size jumped is no
    error: the run is paused and its summary says why.
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
    gate = gate_for(connection, spec, as_of)
    run = Run(ledger, destination, gate, uuid4().hex, as_of, patience or Patience())
    with lease(connection, spec.name, run.run_id) as held_lease:
        ledger.recover()
        run.refill_lost_file()
        # Who allows so many removals in a run has looked at its size.
        run.seal(share, max_removal_share if max_size_change is None else max_size_change)
        run.deliver(client, held_lease, progress)
        return run.summary()


def diff_sync(
    connection: Connection, spec: SyncSpec, settings: Any, *, as_of: datetime, limit: int = 1000
) -> SyncDiff:
    """Return what a run would do now, with the first `limit` rows, removals first."""
    account = DESTINATIONS[spec.destination](settings).account
    gate = gate_for(connection, spec, as_of)
    desired = guards.measure(connection, spec).count_rows
    jump = find_jump(connection, spec, account, desired, None)
    is_paused = jump is not None
    counts = plan.preview(connection, spec, gate, account, is_paused=is_paused)
    rows = plan.diff(connection, spec, gate, account, limit=limit, is_paused=is_paused)
    return SyncDiff(spec.name, desired, counts.by_action, counts.blocked_by_reason, jump, rows)
