"""Run or preview one sync: the facade orchestration calls."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from activation.connection import Connection
from activation.delivery import Progress
from activation.destinations import DESTINATIONS, refuse_settings
from activation.digests import DigestKeys
from activation.errors import (
    ActivationError,
    DuplicateKeys,
    EmptySource,
    FailedTests,
    GuardRefused,
    StaleModel,
    UnknownKey,
)
from activation.gate import GATE_MODELS, gate_for
from activation.lease import lease
from activation.ledger import Ledger
from activation.pacing import Patience
from activation.preview import DiffRow, ModelState, SyncDiff, preview
from activation.recovery import recover
from activation.run import Run, SyncSummary
from activation.spec import SyncSpec
from activation.targets import refuse_gone
from activation.upkeep import compact, renew_digests
from activation.withdrawals import comparison_for, count_forbidden

# The gate is sound, only the audience is not known.
MODEL_REFUSED = (FailedTests, StaleModel, EmptySource, DuplicateKeys, UnknownKey)

__all__ = [
    "DiffRow",
    "ModelState",
    "SyncDiff",
    "SyncSummary",
    "diff_sync",
    "keep_in_step",
    "run_sync",
]


def run_sync(
    connection: Connection,
    spec: SyncSpec,
    settings: Any,
    *,
    as_of: datetime,
    keys: DigestKeys,
    client: httpx.Client | None = None,
    model: ModelState | None = None,
    named: str | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
    news: Callable[[], bool] = lambda: False,
) -> SyncSummary:
    """Plan one sync and deliver the plan.

    `as_of` is the run's clock in UTC: consent must be valid at it. `keys` digest what the ledger
    compares, `model` says what dbt knows of the sync's model, `named` is the digest of a plan that
    somebody looked at and no guard holds back, `patience` says how long to put up with trouble,
    `news` takes in what has landed since the models were built and says whether that was anything.
    Raise GuardRefused before anything is sent, other ActivationErrors when the platform stops the
    run; whatever was acknowledged by then is in the ledger. An audience whose size jumped is no
    error: the run is paused and its summary says why. Where the model is what is wrong, whoever may
    not be held any more is taken back all the same. A sync that is switched off neither reads its
    model nor adds or changes anything: it takes back whom the gate forbids.
    """
    refuse_settings(spec.destination, settings)
    destination = DESTINATIONS[spec.destination](settings)
    ledger = Ledger(connection, spec, destination.account, keys)
    ledger.prepare()
    news()
    gate = gate_for(connection, spec, as_of)
    run = Run(ledger, destination, gate, uuid4().hex, as_of, patience or Patience(), news=news)
    try:
        if named is None and model is not None and spec.is_enabled:
            model.refuse(spec, as_of)
        return keep_in_step(run, named=named, client=client, progress=progress)
    except MODEL_REFUSED as refused:
        if model is None or not model.failing_models & GATE_MODELS:
            _take_back_first(run, client, refused)
        raise


def keep_in_step(
    run: Run,
    *,
    named: str | None = None,
    client: httpx.Client | None = None,
    progress: Progress | None = None,
) -> SyncSummary:
    """Finish what earlier runs left, seal the plan of this one, send it and tidy up."""
    ledger = run.ledger
    with lease(ledger.connection, ledger.spec.name, run.run_id) as held_lease:
        recover(ledger, run.destination, client, run.patience)
        refuse_gone(ledger.connection, ledger.spec, ledger.account)
        if ledger.spec.is_enabled:
            renew_digests(ledger)
            run.refill_lost_target(client)
        run.seal(named)
        run.deliver(client, held_lease, progress)
        compact(ledger)
        return run.summary()


def _take_back_first(run: Run, client: httpx.Client | None, refused: GuardRefused) -> None:
    """Take back whom nobody may hold before a refused run ends: the law waits for no model.

    Raise the refusal with their number; what keeps them from being removed is in the ledger.
    """
    ledger = run.ledger
    if not ledger.spec.is_enabled:
        return
    off = replace(ledger, spec=replace(ledger.spec, is_enabled=False))
    only = Run(off, run.destination, run.gate, uuid4().hex, run.as_of, run.patience)
    if not count_forbidden(only.comparison):
        return
    try:
        removed = keep_in_step(only, client=client).removed
    except ActivationError:
        return
    msg = f"{refused} {removed} rows that may not be held any more were taken back all the same."
    raise type(refused)(msg) from refused


def diff_sync(
    connection: Connection,
    spec: SyncSpec,
    settings: Any,
    *,
    as_of: datetime,
    keys: DigestKeys,
    model: ModelState | None = None,
    limit: int = 1000,
) -> SyncDiff:
    """Return what a run would do now, with the first `limit` rows, removals first."""
    destination = DESTINATIONS[spec.destination](settings)
    gate = gate_for(connection, spec, as_of)
    comparison = comparison_for(connection, spec, gate, destination.account, keys)
    return preview(comparison, destination, model or ModelState(), limit)
