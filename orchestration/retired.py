"""Syncs that the project no longer has, or that went to another account: whom they left where."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from activation.destinations import DESTINATIONS, settings_for
from activation.digests import DigestKeys
from activation.erasure import find_obstacle
from activation.errors import ActivationError
from activation.gate import gate_for
from activation.pacing import Patience
from activation.spec import SyncSpec
from activation.syncs import SyncDiff, SyncSummary, diff_sync, run_sync
from activation.withdrawals import Retired, comparison_for, count_forbidden, find_retired
from orchestration.warehouse import Connection


@dataclass(frozen=True)
class Surroundings:
    """What a run needs beside the warehouse: environment, clock, keys of the ledger, transport."""

    variables: Mapping[str, str] = field(repr=False)
    as_of: datetime
    keys: DigestKeys = field(repr=False)
    rates: Path | None = None
    client: httpx.Client | None = field(default=None, repr=False)


@dataclass
class Withdrawn:
    """What became of all retired syncs; `unreached` says who may still be held, `stopped` why."""

    summaries: list[SyncSummary] = field(default_factory=list)
    unreached: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)


def retired_syncs(
    connection: Connection, specs: Collection[SyncSpec], variables: Mapping[str, str]
) -> list[Retired]:
    """Return who holds rows that none of the project's syncs looks after at its present account."""
    looked_after = {(spec.name, _account(spec, variables)) for spec in specs}
    return find_retired(connection, looked_after)


def withdraw(
    connection: Connection,
    retired: Collection[Retired],
    surroundings: Surroundings,
    plan: str | None = None,
) -> Withdrawn:
    """Take back whom the gate forbids at every account that can be asked.

    One that stops does not stop the others. `plan` is the digest of the plan that somebody looked
    at; then there is but one sync.
    """
    told = Withdrawn()
    for one in retired:
        name = one.holder.sync
        obstacle = _obstacle(one, surroundings)
        if one.spec is None or obstacle:
            told.unreached |= dict(_left(connection, one, surroundings, obstacle))
            continue
        try:
            summary = run_sync(
                connection,
                one.spec,
                settings_for(one.spec.destination, surroundings.variables),
                as_of=surroundings.as_of,
                keys=surroundings.keys,
                client=surroundings.client,
                named=plan,
                patience=Patience(rates_folder=surroundings.rates),
            )
            told.summaries.append(summary)
        except ActivationError as error:
            told.stopped[name] = str(error)
    return told


def foresee(
    connection: Connection, one: Retired, surroundings: Surroundings, limit: int
) -> SyncDiff:
    """Return what `withdraw` would do about one retired sync, or why it could not do anything.

    Looking needs no credentials, only the account.
    """
    account = _account(one.spec, surroundings.variables) if one.spec else None
    if one.spec is None or account != one.holder.account:
        obstacle = _obstacle(one, surroundings)
        refused = dict(_left(connection, one, surroundings, obstacle)).get(one.holder.sync)
        return SyncDiff(one.holder.sync, 0, 0, 0, is_switched_off=True, refused_because=refused)
    settings = settings_for(one.spec.destination, surroundings.variables)
    return diff_sync(
        connection,
        one.spec,
        settings,
        as_of=surroundings.as_of,
        keys=surroundings.keys,
        limit=limit,
    )


def _account(spec: SyncSpec, variables: Mapping[str, str]) -> str:
    """Return the account that a sync goes to by the settings of now."""
    return str(DESTINATIONS[spec.destination](settings_for(spec.destination, variables)).account)


def _obstacle(one: Retired, surroundings: Surroundings) -> str | None:
    spec = one.spec
    settings: Any = settings_for(spec.destination, surroundings.variables) if spec else None
    return find_obstacle(spec, settings, one.holder)


def _left(
    connection: Connection, one: Retired, surroundings: Surroundings, obstacle: str | None
) -> Iterator[tuple[str, str]]:
    """Yield the sync and what has to be done by hand, when anybody is held unlawfully there."""
    count = one.holder.rows
    if one.spec is not None:
        gate = gate_for(connection, one.spec, surroundings.as_of)
        account = one.holder.account
        count = count_forbidden(
            comparison_for(connection, one.spec, gate, account, surroundings.keys)
        )
    if count:
        what = "that may not be held any more" if one.spec else "of which nobody knows more"
        why = (obstacle or "").rstrip(".")
        yield (
            one.holder.sync,
            f"account {one.holder.account} holds {count:,} rows {what}, and cannot be asked: "
            f"{why}. Give its credentials for a run, or remove them there by hand.",
        )
