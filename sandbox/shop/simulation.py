"""Generate the simulated shop into a landing folder, and continue it day by day."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa

from sandbox.shop import advertising, manifest
from sandbox.shop.calendar import Calendar, day_number, day_of
from sandbox.shop.calibration import solved
from sandbox.shop.draws import Integers
from sandbox.shop.landing import Daily, Landing, write_truth
from sandbox.shop.parameters import ShopParameters
from sandbox.shop.schema import TABLES, TableName
from sandbox.shop.silos import Silos
from sandbox.shop.world import DEFAULT_UNTIL, World, world_of

Progress = Callable[[str, int, int], None]
CONNECTED_DAYS = 30
DAYS = ("connected_on", "written_until")


@dataclass(frozen=True)
class Summary:
    """What the landing folder holds: rows per `source.table`, and how many this run added."""

    size: str
    seed: int
    until: date
    connected_on: date
    rows: dict[str, int]
    count_rows_added: int
    seconds: float


@dataclass(frozen=True)
class Task:
    """The work on one block; can be sent to another process."""

    world: World
    until: date
    landing: Landing
    truth: Path
    is_continued: bool

    def run(self, number: int) -> "Outcome":
        """Simulate one block, write its back-fill and truth, return what the days still need."""
        silos = Silos(self.world.block(number, self.world.calendar(self.until)))
        outcome = Outcome()
        for rows in silos.tables():
            for day, table in self.landing.daily(rows).items():
                outcome.daily.setdefault((rows.table, day), []).append(table)
            if not self.is_continued:
                written = self.landing.write_backfill(rows, number)
                outcome.rows[rows.table] = written
        outcome.clicks.append(silos.clicks[1])
        write_truth(self.truth, silos.true_tables(), number)
        return outcome


@dataclass
class Outcome:
    """What a block leaves to be put together: daily rows, rows written, clicks on ads."""

    daily: Daily = field(default_factory=dict)
    rows: dict[TableName, int] = field(default_factory=dict)
    clicks: list[Integers] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Take over the outcome of another block."""
        for key, tables in other.daily.items():
            self.daily.setdefault(key, []).extend(tables)
        for table, count in other.rows.items():
            self.rows[table] = self.rows.get(table, 0) + count
        self.clicks = [sum(self.clicks + other.clicks)]  # type: ignore[list-item]


def generate(
    landing: Path,
    truth: Path,
    *,
    size: str = "demo",
    seed: int = 1,
    until: date | None = None,
    connected_on: date | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> Summary:
    """Write the shop's landing files until the end of a day, and the truth about them.

    What arrived up to `connected_on`, 30 days earlier unless told, is one back-fill. If the
    folder already holds the same world until an earlier day, only the days since are added.
    Raise ParameterError for a parameter, size or day that cannot be, and LandingError for a
    folder that holds something else or a later day.
    """
    began = time.monotonic()
    world = world_of(size, seed, solved(ShopParameters().with_overrides(overrides)))
    last = until or DEFAULT_UNTIL
    calendar = world.calendar(last)
    known = prepared(landing, world, last)
    state = known or description(world) | unwritten(calendar, connected_on)
    connected, done = (day_number(date.fromisoformat(state[name])) for name in DAYS)
    added: dict[TableName, int] = {}
    if known is None or done < calendar.cut - 1 or not truth.exists():
        manifest.save(landing, state | {"until": last.isoformat()})
        shutil.rmtree(truth, ignore_errors=True)
        place = Landing(landing, connected, done, calendar.cut)
        added = written(Task(world, last, place, truth, known is not None), progress)
    rows = {name: count + added.get(table_name(name), 0) for name, count in state["rows"].items()}
    day = last.isoformat()
    finished = {"until": day, "written_until": day, "is_complete": True, "rows": rows}
    manifest.save(landing, state | finished)
    seconds = time.monotonic() - began
    return Summary(size, seed, last, day_of(connected), rows, sum(added.values()), seconds)


def unwritten(calendar: Calendar, connected_on: date | None) -> manifest.Manifest:
    """Return the state of a folder that holds nothing yet: no day after the connection is there."""
    connected = calendar.cut - 1 - CONNECTED_DAYS
    if connected_on:
        connected = min(day_number(connected_on), calendar.cut - 1)
    day = day_of(connected).isoformat()
    rows = dict.fromkeys((".".join(table) for table in TABLES), 0)
    return {"connected_on": day, "written_until": day, "is_complete": False, "rows": rows}


def written(task: Task, progress: Progress | None) -> dict[TableName, int]:
    """Simulate all blocks and write what they give; return the rows written per table."""
    outcome = Outcome()
    for number, part in enumerate(outcomes(task)):
        outcome.add(part)
        if progress:
            progress("simulate the shop", number + 1, task.world.blocks)
    finish(task, outcome)
    return outcome.rows


def table_name(name: str) -> TableName:
    """Split `source.table`."""
    source, _, table = name.partition(".")
    return source, table


def outcomes(task: Task) -> Iterator[Outcome]:
    """Run all blocks in order, on all processors when there are many."""
    numbers = range(task.world.blocks)
    workers = min(os.cpu_count() or 1, len(numbers))
    if len(numbers) < 3 or workers == 1:
        yield from map(task.run, numbers)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), alone) as pool:
        yield from pool.map(task.run, numbers)


def alone() -> None:
    """Let a worker process use one processor."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def finish(task: Task, outcome: Outcome) -> None:
    """Write what needs all blocks: the costs of the ads and the daily partitions."""
    world, landing = task.world, task.landing
    costs = advertising.cost_rows(world.draws, world.calendar(task.until), outcome.clicks[0])
    for day, table in landing.daily(costs).items():
        outcome.daily[costs.table, day] = [table]
    if not task.is_continued:
        outcome.rows[costs.table] = landing.write_backfill(costs, 0)
    for table, count in landing.write_days(outcome.daily).items():
        outcome.rows[table] = outcome.rows.get(table, 0) + count


def prepared(landing: Path, world: World, until: date) -> manifest.Manifest | None:
    """Return the manifest of a folder that holds this world until an earlier day, else empty it."""
    known = manifest.prepared(landing, description(world))
    if known and date.fromisoformat(known["until"]) > until:
        raise manifest.LandingError(
            f"{landing} already holds this world until {known['until']}: it cannot go back "
            f"to {until}. Choose a later day, or empty the folder."
        )
    return known


def description(world: World) -> manifest.Manifest:
    """Return what makes a world the same world."""
    return {
        "shop": "simulated",
        "seed": world.seed,
        "size": world.size,
        "parameters": world.parameters.as_dictionary(),
    }
