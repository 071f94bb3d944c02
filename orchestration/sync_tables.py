"""What a person sees of syncs: what the platforms hold, what is blocked, who waits for whom."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from orchestration.terminal import console

STOPPED = ("stopped", "not reached")


def show_syncs(syncs: Sequence[Mapping[str, Any]]) -> None:
    """Print one row per sync, and below them why rows are blocked."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False, title="What the platforms hold")
    table.title_justify, table.title_style = "left", "bold"
    table.add_column("audience", no_wrap=True)
    columns = ("desired", "blocked", "added", "changed", "removed", "rejected", "held")
    for name in columns:
        table.add_column(name, justify="right")
    destinations: set[str] = set()
    for row in syncs:
        destination, _, audience = str(row["sync"]).partition("__")
        if destination not in destinations:
            table.add_row(destination)
        destinations.add(destination)
        is_stopped = row["status"] in STOPPED
        cells = [f"[red]{row['status']}[/]"] if is_stopped else _sync_numbers(row)
        table.add_row(f"  {audience or destination}", *cells)
    console.print()
    console.print(table)
    for row in syncs:
        if row["status"] in STOPPED:
            console.print(f"  [red]{row['sync']}[/]: {row['reason']}")
            continue
        if row["status"] == "off":
            show_off(row["sync"])
        if row["paused_because"]:
            show_pause(row["sync"], row["paused_because"])
        if row.get("coverage") is not None:
            show_coverage(row["sync"], row["coverage"], row["desired"])
        if row["blocked_by_reason"]:
            why = _reasons(row["blocked_by_reason"])
            console.print(f"  {row['sync']} blocks {why}", soft_wrap=True)


def show_pause(sync: str, reason: str) -> None:
    """Print why a sync waits for a person; removals the law asks for are made all the same."""
    console.print(f"  [yellow]{sync} is paused:[/] {reason}", soft_wrap=True)


def show_off(sync: str) -> None:
    """Print that a sync is switched off, and what it does all the same."""
    console.print(
        f"  [yellow]{sync} is switched off:[/] it only takes back whom nobody may hold any more",
        soft_wrap=True,
    )


def show_coverage(sync: str, coverage: float, customers: int) -> None:
    """Print how many customers a list of exclusions reaches: the others see the campaigns."""
    console.print(
        f"  {sync} excludes {coverage:.1%} of {customers:,} customers: those who consented and can "
        "be matched",
        soft_wrap=True,
    )


def _sync_numbers(row: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = (
        row["desired"], sum(row["blocked_by_reason"].values()), row["added"], row["changed"],
        row["removed"], row["rejected"] + row["invalid"], row["acknowledged"],
    )  # fmt: skip
    return tuple(f"{number:,}" for number in numbers)


def _reasons(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in ordered)
