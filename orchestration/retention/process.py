"""Count what is older than its clock, delete it, and write down what was done."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from activation.upkeep import forget_former, former_moments
from orchestration.contracts import TableContract
from orchestration.retention.clocks import Clock
from orchestration.retention.landed import count_due, delete_due
from orchestration.retention.own import (
    delete_runs,
    delete_versions,
    finished_runs,
    old_versions,
)
from orchestration.settings import Settings
from orchestration.warehouse import Connection

RUNS = """
create table if not exists raw.retention_runs (
    ran_at timestamp, category varchar, store varchar, days bigint, cut_at timestamp,
    oldest_at timestamp, count_rows bigint, count_due bigint, count_deleted bigint,
    is_counted_only boolean
)"""
_OLD = "arrived_on < date '{cut:%Y-%m-%d}'"

Watch = Callable[[str], None]
"""Told each store that is done."""


@dataclass(frozen=True)
class Kept:
    """One store of one category: its clock, its oldest row, and how many rows are due.

    Of files a row is a file, of exports a folder. `count_deleted` is 0 when it was only counted.
    """

    category: str
    store: str
    days: int | None
    cut_at: datetime | None
    oldest_at: datetime | None
    count_rows: int
    count_due: int
    is_counted_only: bool = False
    count_deleted: int = 0
    note: str = ""


@dataclass(frozen=True)
class Retention:
    """The stores of one state folder with their clocks, seen at one moment.

    `as_of` is the clock of the landed data, by which their rows are old or not; what the platform
    wrote itself is as old as the machine says, `now`.
    """

    connection: Connection
    settings: Settings
    contracts: Mapping[str, TableContract]
    clocks: Mapping[str, Clock]
    as_of: datetime
    now: datetime

    def count(self) -> list[Kept]:
        """Return every store with what is due; deletes nothing."""
        return [
            *self._tables(), self._quarantine(), self._logs(), self._exports(),
            self._dated("model_versions", "models/", self._versions()),
            self._dated("run_history", "dagster/", finished_runs(self.settings)),
            self._dated("former_recipients", "ledger.former_rows", former_moments(self.connection)),
        ]  # fmt: skip

    def enforce(self, watch: Watch = lambda _: None) -> list[Kept]:
        """Delete what is due, store by store, and return the counts; a killed one is run again."""
        done = []
        for found in self.count():
            count = 0 if found.is_counted_only or not found.count_due else self._delete(found)
            done.append(replace(found, count_deleted=count))
            self._remember(done[-1])
            watch(found.store)
        return done

    def _tables(self) -> Iterator[Kept]:
        for contract in self.contracts.values():
            if contract.retention is None:
                continue
            clock = self.clocks[contract.retention.category]
            oldest, rows, due = count_due(self.connection, contract, clock.cut(self.as_of))
            yield Kept(
                clock.category, contract.label, clock.days, clock.cut(self.as_of), oldest, rows,
                due, contract.retention.is_counted_only, note=clock.note,
            )  # fmt: skip

    def _quarantine(self) -> Kept:
        clock = self.clocks["quarantine"]
        cut = clock.cut(self.as_of)
        oldest, rows, due = None, 0, 0
        if self.connection.table_exists("raw", "quarantine"):
            is_old = _OLD.format(cut=cut) if cut else "false"
            counts = f"min(arrived_on), count(*), count(*) filter (where {is_old})"
            ((oldest, rows, due),) = self.connection.execute(f"select {counts} from raw.quarantine")
        first = datetime.combine(oldest, datetime.min.time()) if oldest else None
        return Kept("quarantine", "raw.quarantine", clock.days, cut, first, int(rows), int(due))

    def _logs(self) -> Kept:
        return self._files("logs", self._log_files())

    def _exports(self) -> Kept:
        folder = self.settings.exports
        return self._files("exports", sorted(folder.iterdir()) if folder.is_dir() else [])

    def _versions(self) -> list[tuple[Path, datetime]]:
        return old_versions(self.connection, self.settings)

    def _dated(self, category: str, store: str, found: Sequence[tuple[Any, datetime]]) -> Kept:
        """Count what the platform dated itself."""
        clock = self.clocks[category]
        cut = clock.cut(self.now)
        due = sum(cut is not None and moment < cut for _, moment in found)
        oldest = min((moment for _, moment in found), default=None)
        return Kept(category, store, clock.days, cut, oldest, len(found), due, note=clock.note)

    def _log_files(self) -> list[Path]:
        return [path for path in sorted(self.settings.logs.rglob("*")) if path.is_file()]

    def _files(self, category: str, paths: list[Path]) -> Kept:
        clock = self.clocks[category]
        cut = clock.cut(self.now)
        times = [_modified(path) for path in paths]
        due = sum(cut is not None and time < cut for time in times)
        oldest = min(times, default=None)
        return Kept(category, f"{category}/", clock.days, cut, oldest, len(paths), due)

    def _delete(self, found: Kept) -> int:
        """Delete what is due in one store; return how many rows or files that were."""
        if found.cut_at is None:
            return 0
        if found.store in self.contracts:
            contract = self.contracts[found.store]
            landing = self.settings.landing
            return delete_due(self.connection, landing, self.contracts, contract, found.cut_at)
        if found.category == "quarantine":
            is_old = _OLD.format(cut=found.cut_at)
            with self.connection.transaction():
                self.connection.execute(f"delete from raw.quarantine where {is_old}")
            return found.count_due
        if found.category == "model_versions":
            return delete_versions(self._versions(), found.cut_at)
        if found.category == "run_history":
            return delete_runs(self.settings, finished_runs(self.settings), found.cut_at)
        if found.category == "former_recipients":
            return forget_former(self.connection, found.cut_at)
        if found.category == "logs":
            return _delete_files(self._log_files(), found.cut_at)
        return _delete_files(list(self.settings.exports.iterdir()), found.cut_at)

    def _remember(self, one: Kept) -> None:
        self.connection.execute("create schema if not exists raw")
        self.connection.execute(RUNS)
        self.connection.execute(
            "insert into raw.retention_runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.now, one.category, one.store, one.days, one.cut_at, one.oldest_at,
                one.count_rows, one.count_due, one.count_deleted, one.is_counted_only,
            ),
        )  # fmt: skip


def _modified(path: Path) -> datetime:
    """Return when a file was written last, in UTC; of a folder its newest file counts."""
    inside = [one.stat().st_mtime for one in path.rglob("*")] if path.is_dir() else []
    return datetime.fromtimestamp(max([path.stat().st_mtime, *inside]), UTC).replace(tzinfo=None)


def _delete_files(paths: list[Path], cut: datetime) -> int:
    due = [path for path in paths if _modified(path) < cut]
    for path in due:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return len(due)
