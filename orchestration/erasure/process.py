"""Take an erasure from its first step to its certificate, however often it is interrupted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from activation.erasure import purge_ledger
from activation.recipients import find_holders
from activation.tombstones import write_tombstones
from orchestration.contracts import TableContract, read_contracts
from orchestration.erasure.certificate import write_certificates
from orchestration.erasure.compaction import compact_database
from orchestration.erasure.files import clean_files
from orchestration.erasure.journal import (
    Asked,
    ErasureIncomplete,
    Journal,
    close_journal,
    write_journal,
)
from orchestration.erasure.landing import rewrite_landing
from orchestration.erasure.persons import gather
from orchestration.erasure.receipts import PLATFORM, all_receipts, tell_platforms, warehouse_of
from orchestration.erasure.scan import Scan, scan_state
from orchestration.erasure.scope import Scope, own_keys
from orchestration.erasure.stores import count_rows, delete_rows
from orchestration.ledger_keys import read_keys
from orchestration.platforms import platforms_of
from orchestration.progress import reporter
from orchestration.project import DBT_PROJECT
from orchestration.runs import run_daily
from orchestration.settings import Settings
from orchestration.tombstones import keeps_accounts
from orchestration.warehouse import Connection

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
            reporter().end(title, _phrase(name, result))
    scan = _look(settings, journal.scope)
    if scan.findings:
        write_journal(settings.erasures, _begun_anew(journal))
        raise ErasureIncomplete(_left(scan, journal.steps.get("unbuilt", {})))
    told = journal.finished("receipts", all_receipts(journal))
    paths = write_certificates(settings.erasures, told, scan)
    watch("certificates")
    close_journal(settings.erasures)
    return paths


Step = tuple[Journal, Any]


def _accounts(settings: Settings, journal: Journal) -> Step:
    """Note the rule of now: it may not change while the erasure is under way."""
    return journal, keeps_accounts()


def _bury(settings: Settings, journal: Journal) -> Step:
    warehouse, identifiers = warehouse_of(settings), journal.scope.identifiers
    with warehouse.writing(), warehouse.connect() as connection:
        now = datetime.now(UTC).replace(tzinfo=None)
        write_tombstones(connection, read_keys(settings), identifiers, now)
    return journal, {"identifiers": len(identifiers)}


def _clean_landing(settings: Settings, journal: Journal) -> Step:
    """Rewrite file by file; what was removed is written down after each."""
    warehouse, scope = warehouse_of(settings), journal.scope
    counts: dict[str, int] = dict(journal.steps.get("landed", {}))
    with warehouse.writing(), warehouse.connect() as connection:
        scope.prepare(connection)
        for label, count in rewrite_landing(
            connection, settings.landing, _contracts(), scope, journal.steps["accounts"]
        ):
            counts[label] = counts.get(label, 0) + count
            journal = journal.finished("landed", counts)
            write_journal(settings.erasures, journal)
    return journal, counts


def _clean_tables(settings: Settings, journal: Journal) -> Step:
    warehouse, noted = warehouse_of(settings), journal.steps.get("deleted", {})

    def note(counts: dict[str, int]) -> None:
        write_journal(settings.erasures, journal.finished("deleted", _larger(noted, counts)))

    with warehouse.writing(), warehouse.connect() as connection:
        counts = delete_rows(
            connection, _contracts(), journal.scope, journal.customer_ids,
            journal.steps["accounts"], note,
        )  # fmt: skip
    return journal, _larger(noted, counts)


def _larger(noted: dict[str, int], counts: dict[str, int]) -> dict[str, int]:
    """Return what was deleted, also when the kill came between commit and journal."""
    return {one: max(noted.get(one, 0), counts.get(one, 0)) for one in {**noted, **counts}}


def _clean_files(settings: Settings, journal: Journal) -> Step:
    return journal, clean_files(settings, journal.scope, journal.customer_ids)


def _rebuild(settings: Settings, journal: Journal) -> Step:
    """Run the daily job; a step that fails is no reason to keep anybody's data.

    Rows that name the persons are deleted by now, whether or not a table is built anew; what is
    left of them all the same is for the scan to find. The certificate names what was not built.
    """
    with platforms_of(settings):
        result = run_daily(settings)
    stopped = {
        step: reason
        for step, reason in sorted(result.failures.items())
        if not step.startswith("activation__")
    }
    counts = {"failed syncs": len(result.failures) - len(stopped), "failed steps": len(stopped)}
    return journal.finished("unbuilt", stopped), counts


def _purge(settings: Settings, journal: Journal) -> Step:
    warehouse = warehouse_of(settings)
    with warehouse.writing(), warehouse.connect() as connection, connection.transaction():
        return journal, {"ledger": purge_ledger(connection, journal.customer_ids)}


def _compact(settings: Settings, journal: Journal) -> Step:
    return journal, compact_database(warehouse_of(settings))


STEPS: dict[str, Callable[[Settings, Journal], Step]] = {
    "accounts": _accounts,
    "tombstones": _bury,
    "platforms": tell_platforms,
    "landing": _clean_landing,
    "tables": _clean_tables,
    "files": _clean_files,
    "rebuild": _rebuild,
    # A daily run may have sent them once more while a killed erasure was waiting.
    "platforms again": tell_platforms,
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


def _left(scan: Scan, unbuilt: Mapping[str, str]) -> str:
    """Say where something is left, and why, if models could not be built anew."""
    failed = next((f"The rebuild stopped at {one}: {why} " for one, why in unbuilt.items()), "")
    shown = "\n  ".join(f"{one.store}: {one.count}" for one in scan.findings[:20])
    return (
        f"{failed}Something is left in {len(scan.findings)} places:\n  {shown}\n"
        f"{'Mend that' if failed else 'Remove it there'}, then: regulars erase --resume"
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


def _contracts() -> dict[str, TableContract]:
    return read_contracts(DBT_PROJECT)


def _phrase(name: str, result: Any) -> str:
    if name == "rebuild" and result["failed steps"]:
        return f"{result['failed steps']} steps failed, which the certificate names"
    if name == "compact":
        return f"{result:,} bytes"
    if isinstance(result, dict):
        return f"{sum(result.values()):,} in {len(result)} places"
    return f"{result} accounts" if name.startswith("platforms") else ""
