"""Remove a person from every account that ever received them, with a receipt for each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from activation.connection import Connection
from activation.destinations import DESTINATIONS, refuse_settings
from activation.digests import DigestKeys
from activation.errors import MissingSetting, UnusableSetting
from activation.gate import gate_for
from activation.identities import identity_of
from activation.lease import lease
from activation.ledger import Ledger, now
from activation.pacing import Patience
from activation.plan import PlanCounts
from activation.recipients import Holder
from activation.recovery import recover
from activation.run import Run
from activation.spec import SyncSpec
from activation.statements import literal, literals, render

REMOVED, UNCONFIRMED, NOT_REACHED = "removed", "unconfirmed", "not reached"

# A value that another person's row has too stays there: it is theirs as well.
_SEAL = """
insert into ledger.plan_rows (
    run_id, sync, row_number, row_key, ledger_key, customer_id, contact_point_id, action, reason,
    held_identifiers, stale, was_held, held_since, removal_batch, state, version, attempts
)
with mine as (
    select
        row_key, row_key as ledger_key, customer_id, contact_point_id, identifiers,
        first_held_at, version
    from ledger.sync_rows
    where {mine} and is_held and customer_id in ({customers})
    union all
    select
        'former|' || row_key, null, customer_id, contact_point_id, identifiers,
        cast(null as timestamp), cast(null as varchar)
    from ledger.former_rows
    where {mine} and customer_id in ({customers})
),
others as (
    select identifiers from ledger.sync_rows
    where {mine} and is_held and coalesce(customer_id, '') not in ({customers})
),
numbered as (
    select *, row_number() over (order by row_key) as row_number, {stale} as stale from mine
)
select
    {run_id}, {sync}, row_number, row_key, ledger_key, customer_id, contact_point_id, 'remove',
    'erased', identifiers, stale, true, first_held_at,
    cast(floor((row_number - 1) / {removal_rows}) as bigint), 'planned',
    coalesce(version, {run_id}), 0
from numbered
"""

_STALE = """case
        when {held} is not null
            and {held} not in (select {kept} from others where {kept} is not null)
            then {name} else '' end"""

_FORGET = (
    "delete from ledger.former_rows where {mine} and customer_id in ({customers})",
    "delete from ledger.sync_rows where {mine} and customer_id in ({customers})",
)

_PURGE = ("sync_rows", "former_rows", "plan_rows", "rejections")


@dataclass(frozen=True)
class Receipt:
    """What one account did about the rows it had of erased persons; no personal values.

    `outcome` is removed, unconfirmed (the next run tries again) or not reached, with the reason.
    """

    sync: str
    platform: str
    account: str
    target: str
    rows: int
    removed: int
    outcome: str
    at: datetime
    run_id: str | None = None
    reason: str | None = None


def erase_at(
    connection: Connection,
    holder: Holder,
    spec: SyncSpec | None,
    settings: Any,
    customer_ids: Collection[str],
    *,
    as_of: datetime,
    keys: DigestKeys,
    client: httpx.Client | None = None,
    patience: Patience | None = None,
) -> Receipt:
    """Remove customers from one sync's target, and for good where the platform can do that.

    No guard is asked: whoever has to be erased is erased. Raise ActivationErrors when the platform
    stops the run; what cannot be tried at all is a receipt that says so.
    """
    obstacle = find_obstacle(spec, settings, holder)
    if spec is None or obstacle:
        return _unreached(holder, spec, obstacle)
    destination = DESTINATIONS[spec.destination](settings)
    ledger = Ledger(connection, spec, holder.account, keys)
    ledger.prepare()
    run = Run(
        ledger, destination, gate_for(connection, spec, as_of), uuid4().hex, as_of,
        patience or Patience(), is_erasure=True,
    )  # fmt: skip
    with lease(connection, spec.name, run.run_id) as held_lease:
        recover(ledger, destination, client, run.patience)
        run.counts = _seal(run, sorted(customer_ids))
        run.deliver(client, held_lease, None)
        removed = ledger.count_states(run.run_id).get("delivered", 0)
        if removed == run.counts.planned:
            _run(ledger, _FORGET, customer_ids)
    return Receipt(
        holder.sync, spec.destination, holder.account, spec.target, run.counts.planned, removed,
        REMOVED if removed == run.counts.planned else UNCONFIRMED, now(), run.run_id,
    )  # fmt: skip


def purge_ledger(connection: Connection, customer_ids: Collection[str]) -> int:
    """Delete every row about customers from the ledger and return their number."""
    customers, count = literals(sorted(customer_ids)), 0
    for table in _PURGE:
        if not connection.table_exists("ledger", table):
            continue
        rows = f"ledger.{table} where customer_id in ({customers})"
        count += connection.execute(f"select count(*) from {rows}")[0][0]
        connection.execute(f"delete from {rows}")
    return count


def find_obstacle(spec: SyncSpec | None, settings: Any, holder: Holder) -> str | None:
    """Say why an account cannot even be asked to remove somebody, if so."""
    if spec is None:
        return "nobody knows any more where this sync went"
    if spec.sends_messages:
        return "messages that were sent cannot be taken back"
    try:
        refuse_settings(spec.destination, settings)
    except (MissingSetting, UnusableSetting) as error:
        return str(error)
    if DESTINATIONS[spec.destination](settings).account != holder.account:
        return "the credentials given are those of another account"
    return None


def _unreached(holder: Holder, spec: SyncSpec | None, reason: str | None) -> Receipt:
    platform, target = (spec.destination, spec.target) if spec else (holder.sync, holder.sync)
    return Receipt(
        holder.sync, platform, holder.account, target, holder.rows, 0, NOT_REACHED, now(),
        reason=reason,
    )  # fmt: skip


def _seal(run: Run, customer_ids: list[str]) -> PlanCounts:
    """Write the plan of removals and return its counts; the digest names nothing here."""
    ledger, spec = run.ledger, run.ledger.spec
    with ledger.connection.transaction():
        ledger.open_run(run.run_id, run.as_of, 0)
        statement = render(
            _SEAL,
            run_id=literal(run.run_id),
            sync=literal(spec.name),
            mine=_mine(ledger),
            customers=literals(customer_ids),
            stale=_stale(spec),
            removal_rows=spec.capabilities.batch.removal_rows,
        )
        ledger.connection.execute(statement)
        planned = "select count(*) from ledger.plan_rows where run_id = ?"
        count = int(ledger.connection.execute(planned, (run.run_id,))[0][0])
        counts = PlanCounts({"remove": count})
        ledger.write_counts(run.run_id, counts, 0)
    return counts


def _stale(spec: SyncSpec) -> str:
    parts = [
        render(
            _STALE,
            held=identity_of("mine.identifiers", identity, spec.capabilities),
            kept=identity_of("others.identifiers", identity, spec.capabilities),
            name=literal(identity[0] + ","),
        )
        for identity in spec.capabilities.identities
    ]
    return " || ".join(parts) or "''"


def _run(ledger: Ledger, statements: Collection[str], customer_ids: Collection[str]) -> None:
    with ledger.connection.transaction():
        for statement in statements:
            customers = literals(sorted(customer_ids))
            ledger.connection.execute(render(statement, mine=_mine(ledger), customers=customers))


def _mine(ledger: Ledger) -> str:
    return f"sync = {literal(ledger.spec.name)} and account = {literal(ledger.account)}"
