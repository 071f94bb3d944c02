"""Let somebody in again who was erased, came back, and consents anew."""

from collections.abc import Callable
from datetime import UTC, datetime

from activation.tombstones import (
    find_tombstones,
    has_tombstones,
    lift_tombstones,
    refuse_unknown_key,
)
from orchestration.erasure.journal import ErasureIncomplete, alone, read_journal
from orchestration.erasure.persons import DIALLING, ways_to_dial
from orchestration.ledger_keys import read_keys
from orchestration.settings import Settings
from orchestration.terminal import console
from orchestration.tombstones import ANY, spelled
from orchestration.warehouse import Connection, Warehouse

FEWEST_DIGITS = 7
# Their rows have landed since, and were set aside without their content.
_SET_ASIDE = "select distinct file from raw.quarantine where reason = 'erased'"


class NotErased(LookupError):
    """Nobody with this identifier was erased."""


def _confirmed() -> bool:
    """Ask; no answer is a no."""
    import typer

    try:
        return typer.confirm("Did this person come back, and ask for it themselves?")
    except typer.Abort:
        return False


def readmit(
    settings: Settings,
    text: str,
    reason: str,
    is_sure: bool,
    confirm: Callable[[], bool] = _confirmed,
) -> bool:
    """Lift the tombstone of one identifier after a question; return whether it was done.

    Every other identifier of the erased person stays blocked, and with it every row that has one:
    what a source still delivers of before does not come back. Files with rows that were set aside
    as erased are read again by the next run. Raises NotErased, which does not repeat what was
    typed, UnknownKey without the key of all tombstones, and ErasureIncomplete while an erasure is
    open.
    """
    warehouse = Warehouse(settings.warehouse, memory_limit=settings.memory_limit)
    with alone(settings.erasures):
        if read_journal(settings.erasures) is not None:
            msg = "An erasure is not finished. First: regulars erase --resume"
            raise ErasureIncomplete(msg)
        with warehouse.connect(read_only=True) as connection:
            values, keys = _readings(connection, text), read_keys(settings)
            if has_tombstones(connection):
                refuse_unknown_key(connection, keys)
            found = find_tombstones(connection, keys, values)
        if not found:
            raise NotErased("No tombstone has this identifier: nothing keeps it out.")
        kinds = ", ".join(sorted({kind.replace("_", " ") for kind, _ in found}))
        console.print(f"Erased on {min(moment for _, moment in found):%Y-%m-%d}, as: {kinds}.")
        console.print("Only this identifier comes back, with what lands from now on, and without")
        console.print("any consent of before. All others of that person stay blocked.")
        if not (is_sure or confirm()):
            console.print("Nothing was changed.")
            return False
        with warehouse.writing(), warehouse.connect() as connection:
            files = _lift(connection, settings, values, reason)
    console.print(
        f"Lifted, and noted in ledger.lifted_tombstones. The next run reads {files} files again."
    )
    return True


def _lift(
    connection: Connection, settings: Settings, values: list[tuple[str, str]], reason: str
) -> int:
    now = datetime.now(UTC).replace(tzinfo=None)
    with connection.transaction():
        lift_tombstones(connection, read_keys(settings), values, now, reason)
        files = [str(file) for (file,) in connection.execute(_SET_ASIDE)]
        connection.execute(f"delete from raw.loaded_files where file in ({_SET_ASIDE})")
    return len(files)


def _readings(connection: Connection, text: str) -> list[tuple[str, str]]:
    """Return what the text may be: any type of identifier, a number in every way to dial it."""
    values = {(kind, spelled(kind, text)) for kind in ANY}
    if sum(character.isdigit() for character in text) >= FEWEST_DIGITS and "@" not in text:
        dialling = [(str(code), str(trunk or "")) for code, trunk in connection.execute(DIALLING)]
        values |= {("phone", way) for way in ways_to_dial(text, dialling)}
    return sorted(values)
