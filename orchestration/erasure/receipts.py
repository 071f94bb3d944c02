"""Have every platform remove the persons of an erasure, and keep what each one confirmed."""

from dataclasses import asdict
from typing import Any

from activation.destinations import settings_for
from activation.erasure import REMOVED, UNCONFIRMED, Receipt, erase_at
from activation.pacing import Patience
from activation.recipients import Holder, find_holders, remembered_syncs
from activation.spec import SyncSpec, load_specs
from orchestration.erasure.journal import ErasureIncomplete, Journal, write_journal
from orchestration.ledger_keys import read_keys
from orchestration.platforms import platforms_of
from orchestration.project import manifest
from orchestration.settings import Settings, read_settings
from orchestration.state import read_clock
from orchestration.warehouse import Connection, Warehouse

PLATFORM = "platform "
INTERRUPTED = "confirmed before an interruption"


def warehouse_of(settings: Settings) -> Warehouse:
    """Return the warehouse of a state folder."""
    return Warehouse(settings.warehouse, memory_limit=settings.memory_limit)


def tell_platforms(settings: Settings, journal: Journal) -> tuple[Journal, int]:
    """Remove the persons everywhere; each receipt is written down as soon as it is there."""
    with warehouse_of(settings).connect(read_only=True) as connection:
        holders = find_holders(connection, journal.customer_ids)
    if holders:
        with (
            platforms_of(settings),
            warehouse_of(settings).writing(),
            warehouse_of(settings).connect() as connection,
        ):
            specs, remembered = _specs_by_name(), remembered_syncs(connection)
            for holder in holders:
                spec = remembered.get((holder.sync, holder.account)) or specs.get(holder.sync)
                receipt = _tell(connection, settings, journal, holder, spec)
                journal = _with_receipt(journal, receipt)
                write_journal(settings.erasures, journal)
    return journal, len(holders)


def _tell(
    connection: Connection,
    settings: Settings,
    journal: Journal,
    holder: Holder,
    spec: SyncSpec | None,
) -> Receipt:
    receipt = erase_at(
        connection,
        holder,
        spec,
        settings_for(spec.destination, read_settings().variables) if spec else None,
        journal.customer_ids,
        as_of=read_clock(connection),
        keys=read_keys(settings),
        patience=Patience(rates_folder=settings.rates),
    )
    if receipt.outcome == UNCONFIRMED:
        raise ErasureIncomplete(_unconfirmed(receipt))
    return receipt


def _with_receipt(journal: Journal, receipt: Receipt) -> Journal:
    """Add a receipt; one of the same account that could not be asked before is replaced."""
    place = (receipt.sync, receipt.account)
    former = [
        one
        for one in journal.steps.get("receipts", ())
        if (one["sync"], one["account"]) != place or one["outcome"] == REMOVED
    ]
    fresh = {**asdict(receipt), "at": receipt.at.isoformat()}
    return journal.finished("receipts", [*former, fresh])


def all_receipts(journal: Journal) -> list[dict[str, Any]]:
    """Add what was removed just before a kill: the platform had confirmed, the journal had not."""
    receipts = list(journal.steps.get("receipts", ()))
    told = {one["sync"] for one in receipts}
    held = {
        store.removeprefix(PLATFORM): rows
        for store, rows in journal.found.items()
        if store.startswith(PLATFORM)
    }
    return receipts + [
        {
            "sync": sync, "platform": sync, "account": "", "target": "", "rows": rows,
            "removed": rows, "outcome": REMOVED, "reason": INTERRUPTED,
        }
        for sync, rows in held.items()
        if sync not in told
    ]  # fmt: skip


def _unconfirmed(receipt: Receipt) -> str:
    return (
        f"{receipt.sync}: {receipt.platform} confirmed {receipt.removed} of {receipt.rows} rows. "
        "Look at its status page, then: regulars erase --resume"
    )


def _specs_by_name() -> dict[str, SyncSpec]:
    return {spec.name: spec for spec in load_specs(manifest())}
