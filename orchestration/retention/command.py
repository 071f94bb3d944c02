"""What `regulars retention` does: count, show, ask, delete."""

from datetime import UTC, datetime

from orchestration.contracts import read_contracts
from orchestration.project import DBT_PROJECT
from orchestration.retention.clocks import read_clocks
from orchestration.retention.process import Kept, Retention, Watch
from orchestration.settings import Settings
from orchestration.state import read_clock
from orchestration.terminal import console, show_rows
from orchestration.warehouse import Connection, Warehouse

COLUMNS = ("category", "store", "days", "oldest", "rows", "due", "deleted")


def open_retention(connection: Connection, settings: Settings) -> Retention:
    """Return the stores and clocks of a state folder; raise InvalidClocks."""
    contracts = read_contracts(DBT_PROJECT)
    now = datetime.now(UTC).replace(tzinfo=None)
    clocks = read_clocks(contracts.values())
    return Retention(connection, settings, contracts, clocks, read_clock(connection), now)


def count(settings: Settings) -> list[Kept]:
    """Return what is due, without deleting anything."""
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        return open_retention(connection, settings).count()


def enforce(settings: Settings, watch: Watch = lambda _: None) -> list[Kept]:
    """Delete what is due and return what was done."""
    warehouse = Warehouse(settings.warehouse, memory_limit=settings.memory_limit)
    with warehouse.writing(), warehouse.connect() as connection:
        return open_retention(connection, settings).enforce(watch)


def run(settings: Settings, deletes: bool, is_sure: bool) -> None:
    """Show what is due; delete it when that is meant and somebody said yes."""
    import typer

    found = count(settings)
    _show(found)
    due = sum(one.count_due for one in found if not one.is_counted_only)
    if not due:
        console.print("Nothing is due that may be deleted.")
        return
    if not deletes:
        console.print(f"{due:,} are due. Delete them: regulars retention --delete")
        return
    if not is_sure and not typer.confirm("Delete all that is due, from the landed files too?"):
        console.print("Nothing was deleted.")
        return
    done = enforce(settings)
    _show(done)
    console.print("The next daily run builds everything without it.")


def rows(found: list[Kept]) -> list[dict[str, object]]:
    """Return the counts as plain values, for a table to read."""
    return [
        {
            "category": one.category,
            "store": one.store,
            "days": one.days,
            "oldest": None if one.oldest_at is None else f"{one.oldest_at:%Y-%m-%d}",
            "rows": one.count_rows,
            "due": one.count_due,
            "deleted": "counted only" if one.is_counted_only else one.count_deleted,
            "note": one.note,
        }
        for one in found
    ]


def _show(found: list[Kept]) -> None:
    show_rows("What is kept", rows(found), COLUMNS)
    for note in sorted({f"{one.category}: {one.note}" for one in found if one.note}):
        console.print(f"  [yellow]{note}[/]", soft_wrap=True)
