"""What `regulars erase` does: look, ask, erase, and go on with what was interrupted."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from activation.tombstones import Kind, find_burial
from orchestration.contracts import read_contracts
from orchestration.erasure.certificate import certificate_of
from orchestration.erasure.journal import Asked, Journal, alone, read_journal
from orchestration.erasure.persons import find_present_id
from orchestration.erasure.process import Watch, prepare, run_erasure
from orchestration.evidence import CustomerNotFound
from orchestration.explain import SeveralCustomers
from orchestration.landing import LandingError, check_headers, discover
from orchestration.loading import load
from orchestration.project import DBT_PROJECT
from orchestration.settings import Settings
from orchestration.terminal import console, show_rows
from orchestration.tombstones import ANY, read_tombstones, spelled
from orchestration.warehouse import Connection, Warehouse

PENDING = """
select request_id, identifier, min(requested_at) from raw.rights__erasure_requests
group by request_id, identifier order by 3, 1
"""
REQUESTS = "rights/erasure_requests"


def _unwatched(_step: str) -> None:
    """Let a step pass."""


class AlreadyErased(LookupError):
    """The person was erased before."""


class NothingToResume(LookupError):
    """No erasure was interrupted."""


class TooManyRequests(RuntimeError):
    """More persons ask at once than may be erased without a second look."""


@dataclass(frozen=True)
class Pending:
    """Requests that wait: those that name one customer, with the id, and those that do not.

    `unclear` requests come with what they name: nobody, or several customers. `customers` is the
    number of all there are.
    """

    wanted: tuple[tuple[Asked, str], ...] = field(default=(), repr=False)
    unclear: tuple[tuple[str, str], ...] = ()
    customers: int = 0


def erase_customer(
    settings: Settings, text: str, reason: str, is_sure: bool, watch: Watch = _unwatched
) -> bool:
    """Show what there is of a person and erase it; returns whether it was done."""
    with alone(settings.erasures):
        _finish_open(settings, watch)
        now = datetime.now(UTC)
        asked = Asked(
            f"{now:%Y%m%d}-{secrets.token_hex(4)}", reason, now.isoformat(timespec="seconds")
        )
        with Warehouse(settings.warehouse).connect(read_only=True) as connection:
            journal = prepare(connection, (asked,), (_find(connection, settings, text),))
        _show(journal)
        return _run_if_sure(settings, journal, is_sure, watch)


def erase_pending(
    settings: Settings, is_sure: bool, watch: Watch = _unwatched, most: int | None = None
) -> int:
    """Erase everybody who asked for it through the source; returns the number of requests.

    Raises TooManyRequests, and erases nobody, when they are more than `most`.
    """
    with alone(settings.erasures):
        _finish_open(settings, watch)
        _load_requests(settings)
        with Warehouse(settings.warehouse).connect(read_only=True) as connection:
            pending = find_pending(connection, settings)
            for number, found in pending.unclear:
                console.print(f"Request {number} names {found}; it stays open.", markup=False)
            wanted = pending.wanted
            _refuse_many(len({customer for _, customer in wanted}), most)
            if not wanted:
                console.print("No request is pending.")
                return 0
            requests, customers = zip(*wanted, strict=True)
            journal = prepare(connection, requests, customers)
        _show(journal)
        return len(requests) if _run_if_sure(settings, journal, is_sure, watch) else 0


def resume(settings: Settings) -> None:
    """Finish the erasure that was interrupted; raise NothingToResume when there is none."""
    with alone(settings.erasures):
        if not _finish_open(settings, _unwatched):
            raise NothingToResume("No erasure was interrupted: there is nothing to resume.")


def _find(connection: Connection, settings: Settings, text: str) -> str:
    """Return the customer's id; raise AlreadyErased where a tombstone says so."""
    try:
        return find_present_id(connection, text)
    except CustomerNotFound:
        tombstones, values = read_tombstones(connection, settings), _readings(text)
        buried_at = find_burial(connection, tombstones.keys, values) if tombstones else None
        if buried_at is None:
            raise
    msg = (
        f"Whoever had this identifier was erased on {buried_at:%Y-%m-%d}. The certificates are "
        f"in {settings.erasures}."
    )
    raise AlreadyErased(msg)


def _readings(text: str) -> list[Kind]:
    return [(kind, spelled(kind, text)) for kind in ANY]


def find_pending(connection: Connection, settings: Settings) -> Pending:
    """Return the requests without certificate, and how many customers there are in all."""
    if not connection.table_exists("raw", "rights__erasure_requests"):
        return Pending()
    wanted: list[tuple[Asked, str]] = []
    unclear: list[tuple[str, str]] = []
    for request_id, identifier, requested_at in connection.execute(PENDING):
        number = re.sub(r"[^A-Za-z0-9_-]", "_", str(request_id))
        if certificate_of(settings.erasures, number).exists():
            continue
        try:
            customer_id = find_present_id(connection, str(identifier))
        except (CustomerNotFound, SeveralCustomers) as error:
            found = "nobody" if isinstance(error, CustomerNotFound) else "several customers"
            unclear.append((number, found))
            continue
        asked = Asked(number, "requested", f"{requested_at:%Y-%m-%d %H:%M:%S}")
        wanted.append((asked, customer_id))
    customers = connection.execute("select count(*) from core.customers")[0][0]
    return Pending(tuple(wanted), tuple(unclear), int(customers))


def _refuse_many(customers: int, most: int | None) -> None:
    if most is not None and customers > most:
        msg = (
            f"{customers} persons ask to be erased at once, more than {most}. See that their "
            "requests are real, then: regulars erase --pending"
        )
        raise TooManyRequests(msg)


def _run_if_sure(settings: Settings, journal: Journal, is_sure: bool, watch: Watch) -> bool:
    """Ask unless it was said already; no answer is a no."""
    import typer

    try:
        is_sure = is_sure or typer.confirm("Erase all of this for good?")
    except typer.Abort:
        is_sure = False
    if is_sure:
        _run(settings, journal, watch)
    else:
        console.print("Nothing was erased.")
    return is_sure


def _finish_open(settings: Settings, watch: Watch) -> bool:
    journal = read_journal(settings.erasures)
    if journal is None:
        return False
    console.print("Going on with the erasure that was interrupted.")
    _run(settings, journal, watch)
    return True


def _run(settings: Settings, journal: Journal, watch: Watch) -> None:
    for path in run_erasure(settings, journal, watch):
        console.print(f"Erased, and nothing is left. The certificate: {path}", soft_wrap=True)


def _load_requests(settings: Settings) -> None:
    """Load the requests that landed since the last run; the rest waits for the daily job."""
    contracts = read_contracts(DBT_PROJECT)
    if not settings.warehouse.exists():
        return
    try:
        files, _ = discover(settings.landing, contracts)
    except LandingError:
        return
    requests = tuple(file for file in files if file.contract.label == REQUESTS)
    check_headers(requests)
    warehouse, now = Warehouse(settings.warehouse), datetime.now(UTC).replace(tzinfo=None)
    with warehouse.writing(), warehouse.connect() as connection:
        tombstones = read_tombstones(connection, settings)
        load(connection, [contracts[REQUESTS]], requests, now, tombstones=tombstones)


def _show(journal: Journal) -> None:
    """Print stores and counts, and no value."""
    rows = [{"store": store, "rows": count} for store, count in sorted(journal.found.items())]
    show_rows("What there is", rows, ("store", "rows"))
    shared = sum(person.count_shared for person in journal.persons)
    console.print(
        f"{len(journal.persons)} person(s), {len(journal.scope.identifiers)} identifiers; "
        f"{shared} more belong to others too and stay with them."
    )
