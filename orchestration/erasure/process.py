"""Take an erasure from its first step to its certificate, however often it is interrupted."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from activation.destinations import settings_for
from activation.erasure import REMOVED, UNCONFIRMED, Receipt, erase_at, purge_ledger
from activation.recipients import Holder, find_holders, remembered_syncs
from activation.spec import SyncSpec, load_specs
from activation.tombstones import write_tombstones
from orchestration.contracts import TableContract, read_contracts
from orchestration.erasure.certificate import write_certificates
from orchestration.erasure.compaction import compact_database
from orchestration.erasure.files import clean_files
from orchestration.erasure.journal import Asked, Journal, close_journal, write_journal
from orchestration.erasure.landing import rewrite_landing
from orchestration.erasure.persons import gather
from orchestration.erasure.scan import Scan, scan_state
from orchestration.erasure.scope import Scope, own_keys
from orchestration.erasure.stores import count_rows, delete_rows
from orchestration.ledger_keys import read_keys
from orchestration.platforms import platforms_of
from orchestration.progress import reporter
from orchestration.project import DBT_PROJECT, manifest
from orchestration.runs import run_daily
from orchestration.settings import Settings, read_settings
from orchestration.state import read_clock
from orchestration.tombstones import keeps_accounts
from orchestration.warehouse import Connection, Warehouse

PLATFORM = "platform "
INTERRUPTED = "confirmed before an interruption"


class ErasureIncomplete(RuntimeError):
    """Something is left of a person; the journal is kept and the next call goes on."""


Watch = Callable[[str], None]
"""Told the name of a step that is done and not yet written down."""


def prepare(connection: Connection, asked: Sequence[Asked], wanted: Collection[str]) -> Journal:
    """Find everything there is of these customers and return the erasure that has not begun."""
    contracts, persons = read_contracts(DBT_PROJECT), gather(connection, wanted)
    customer_ids = {one for person in persons for one in person.customer_ids}
    keys = {
        label: own_keys(connection, contract, contracts, customer_ids)
        for label, contract in contracts.items()
        if contract.ownerships
    }
    journal = Journal(tuple(asked), persons, keys, {})
    found = count_rows(connection, contracts, journal.scope, customer_ids)
    held = {PLATFORM + one.sync: one.rows for one in find_holders(connection, customer_ids)}
    return Journal(journal.asked, journal.persons, keys, {**found, **held})


def run_erasure(settings: Settings, journal: Journal, watch: Watch) -> list[Path]:
    """Do every step that is not done yet, prove that nothing is left, and write certificates.

    Raises ErasureIncomplete when a platform did not confirm, a model could not be built, or the
    scan found something; ActivationErrors when a platform stops it. Call it again to go on.
    """
    write_journal(settings.erasures, journal)
    for name, step in STEPS.items():
        if name not in journal.steps:
            title = TITLES[name]
            reporter().begin(title)
            journal, result = step(settings, journal)
            watch(name)
            journal = journal.finished(name, _with_earlier(journal, name, result))
            write_journal(settings.erasures, journal)
            reporter().end(title, _phrase(result))
    scan = _look(settings, journal.scope)
    if scan.findings:
        write_journal(settings.erasures, _begun_anew(journal))
        raise ErasureIncomplete(_left(scan))
    told = journal.finished("receipts", _all_receipts(journal))
    paths = write_certificates(settings.erasures, told, scan)
    watch("certificates")
    close_journal(settings.erasures)
    return paths


Step = tuple[Journal, Any]


def _accounts(settings: Settings, journal: Journal) -> Step:
    """Note the rule of now: it may not change while the erasure is under way."""
    return journal, keeps_accounts()


def _bury(settings: Settings, journal: Journal) -> Step:
    warehouse, identifiers = _warehouse(settings), journal.scope.identifiers
    with warehouse.writing(), warehouse.connect() as connection:
        now = datetime.now(UTC).replace(tzinfo=None)
        write_tombstones(connection, read_keys(settings), identifiers, now)
    return journal, {"identifiers": len(identifiers)}


def _tell_platforms(settings: Settings, journal: Journal) -> Step:
    """Remove the persons everywhere; each receipt is written down as soon as it is there."""
    with _warehouse(settings).connect(read_only=True) as connection:
        holders = find_holders(connection, journal.customer_ids)
    if holders:
        with (
            platforms_of(settings),
            _warehouse(settings).writing(),
            _warehouse(settings).connect() as connection,
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


def _clean_landing(settings: Settings, journal: Journal) -> Step:
    warehouse, scope = _warehouse(settings), journal.scope
    with warehouse.writing(), warehouse.connect() as connection:
        scope.prepare(connection)
        return journal, rewrite_landing(
            connection, settings.landing, _contracts(), scope, journal.steps["accounts"]
        )


def _clean_tables(settings: Settings, journal: Journal) -> Step:
    warehouse = _warehouse(settings)
    with warehouse.writing(), warehouse.connect() as connection:
        return journal, delete_rows(
            connection, _contracts(), journal.scope, journal.customer_ids,
            journal.steps["accounts"],
        )  # fmt: skip


def _clean_files(settings: Settings, journal: Journal) -> Step:
    return journal, clean_files(settings, journal.scope, journal.customer_ids)


def _rebuild(settings: Settings, journal: Journal) -> Step:
    """Run the daily job; a sync that stops is no reason to keep anybody's data."""
    with platforms_of(settings):
        result = run_daily(settings)
    failures = [
        f"{step}: {reason}"
        for step, reason in result.failures.items()
        if not step.startswith("activation__")
    ]
    if failures:
        msg = f"The rebuild stopped at {failures[0]} Mend it, then: regulars erase --resume"
        raise ErasureIncomplete(msg)
    return journal, {"failed syncs": len(result.failures)}


def _purge(settings: Settings, journal: Journal) -> Step:
    warehouse = _warehouse(settings)
    with warehouse.writing(), warehouse.connect() as connection, connection.transaction():
        return journal, {"ledger": purge_ledger(connection, journal.customer_ids)}


def _compact(settings: Settings, journal: Journal) -> Step:
    return journal, compact_database(_warehouse(settings))


STEPS: dict[str, Callable[[Settings, Journal], Step]] = {
    "accounts": _accounts,
    "tombstones": _bury,
    "platforms": _tell_platforms,
    "landing": _clean_landing,
    "tables": _clean_tables,
    "files": _clean_files,
    "rebuild": _rebuild,
    # A daily run may have sent them once more while a killed erasure was waiting.
    "platforms again": _tell_platforms,
    "ledger": _purge,
    "compact": _compact,
}
TITLES = {
    "accounts": "Read the rule for purchases",
    "tombstones": "Write tombstones",
    "platforms": "Remove from platforms",
    "landing": "Rewrite landed files",
    "tables": "Delete from tables",
    "files": "Clean exports and logs",
    "rebuild": "Build everything anew",
    "platforms again": "Look whether a platform got them since",
    "ledger": "Delete from the ledger",
    "compact": "Write the database file anew",
}


def _look(settings: Settings, scope: Scope) -> Scan:
    title = "Look for what is left"
    reporter().begin(title)
    scan = scan_state(settings, scope)
    reporter().end(title, f"{scan.columns} columns, {scan.files} files, {len(scan.findings)} found")
    return scan


def _left(scan: Scan) -> str:
    shown = "\n  ".join(f"{one.store}: {one.count}" for one in scan.findings[:20])
    return (
        f"Something is left in {len(scan.findings)} places:\n  {shown}\n"
        "Remove it there, then: regulars erase --resume"
    )


def _begun_anew(journal: Journal) -> Journal:
    """Return the journal with everything still to do that may remove what was left."""
    steps = journal.steps
    done = {name: steps[name] for name in ("accounts", "tombstones", "receipts") if name in steps}
    counted = {
        name: result
        for name, result in steps.items()
        if isinstance(result, dict) and name != "earlier"
    }
    return replace(journal, steps={**done, "earlier": counted})


def _with_earlier(journal: Journal, name: str, result: Any) -> Any:
    """Add what the same step removed before everything was begun anew."""
    earlier = journal.steps.get("earlier", {}).get(name)
    if not earlier:
        return result
    return {one: earlier.get(one, 0) + result.get(one, 0) for one in {**earlier, **result}}


def _warehouse(settings: Settings) -> Warehouse:
    return Warehouse(settings.warehouse, memory_limit=settings.memory_limit)


def _specs_by_name() -> dict[str, SyncSpec]:
    return {spec.name: spec for spec in load_specs(manifest())}


def _contracts() -> dict[str, TableContract]:
    return read_contracts(DBT_PROJECT)


def _unconfirmed(receipt: Receipt) -> str:
    return (
        f"{receipt.sync}: {receipt.platform} confirmed {receipt.removed} of {receipt.rows} rows. "
        "Look at its status page, then: regulars erase --resume"
    )


def _all_receipts(journal: Journal) -> list[dict[str, Any]]:
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


def _phrase(result: Any) -> str:
    if isinstance(result, dict):
        return f"{sum(result.values()):,} in {len(result)} places"
    return f"{result:,} bytes" if isinstance(result, int) and result > 1 else ""
