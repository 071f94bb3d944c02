"""What a person sees while something runs, steps with counts and seconds, and rows as a table."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


class TerminalReporter:
    """Show the steps of a run: a moving line on a terminal, one line per step in a log."""

    def __init__(self, out: Console = console) -> None:
        self.seconds: dict[str, float] = {}
        self._out = out
        self._started: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}", style="dim"),
            TimeElapsedColumn(),
            console=out,
            transient=True,
        )

    @contextmanager
    def showing(self) -> Iterator["TerminalReporter"]:
        """Draw the moving lines while the block runs."""
        if not self._out.is_terminal:
            yield self
            return
        with self._progress:
            yield self

    def begin(self, step: str) -> None:
        """A step of the run starts."""
        self._started[step] = time.monotonic()
        self._tasks[step] = self._progress.add_task(step, total=None, detail="")

    def advance(self, step: str, done: int, total: int, detail: str = "") -> None:
        """The step has done `done` of `total`."""
        text = detail or (f"{done:,} of {total:,}" if total else f"{done:,}")
        if step in self._tasks:
            self._progress.update(
                self._tasks[step], completed=done, total=total or None, detail=text
            )

    def end(self, step: str, result: str) -> None:
        """The step is over."""
        seconds = time.monotonic() - self._started.pop(step, time.monotonic())
        self.seconds[step] = self.seconds.get(step, 0.0) + seconds
        if step in self._tasks:
            self._progress.remove_task(self._tasks.pop(step))
        line = f"[green]✓[/] {step:<42} {result}  [dim]{seconds:.1f} s[/]"
        self._out.print(line, soft_wrap=True)

    def leave(self, message: str) -> None:
        """End what was still moving because the run stopped."""
        for step, task in self._tasks.items():
            self._progress.remove_task(task)
            self._out.print(f"[red]✗[/] {step}")
        self._tasks.clear()
        if message:
            errors.print(f"[red]Error:[/] {message}", markup=True)


def show_rows(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """Print rows as a table; nothing when there are none."""
    if not rows:
        return
    table = Table(title=f"\n{title}" if title else None, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        cells = ("" if row[column] is None else str(row[column]) for column in columns)
        table.add_row(*cells)
    console.print(table)
