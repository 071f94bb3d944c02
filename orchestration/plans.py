"""Print what a sync would do, so that a person can decide."""

from collections.abc import Mapping

from activation.reconcile import Drift, Size
from activation.release import Released
from activation.syncs import SyncDiff
from orchestration.sync_tables import show_coverage, show_off, show_pause
from orchestration.terminal import console, show_rows


def show_difference(found: SyncDiff) -> None:
    """Print the counts, the cost, the digest and the first rows of a plan; keys, never values."""
    console.print(
        f"\n[bold]{found.sync}[/]  {found.desired:,} desired; {_counted(found.counts)}",
        soft_wrap=True,
    )
    _show_obstacles(found)
    if found.blocked_by_reason:
        console.print(f"  blocked: {_counted(found.blocked_by_reason)}", soft_wrap=True)
    if found.changed_columns:
        console.print(f"  changed columns: {_counted(found.changed_columns)}", soft_wrap=True)
    if found.coverage is not None:
        show_coverage(found.sync, found.coverage, found.desired)
    _show_cost(found)
    if found.digest:
        console.print(f"  plan [bold]{found.digest}[/]: {_counted(found.whole)}", soft_wrap=True)
    columns = ("action", "row_key", "customer_id", "reason", "changed")
    rows = [
        dict(
            zip(
                columns,
                (
                    row.action,
                    row.row_key,
                    row.customer_id,
                    row.reason,
                    _joined(row.changed_columns),
                ),
                strict=True,
            )
        )
        for row in found.rows
    ]
    show_rows("", rows, columns)


def show_drift(drift: Drift | Size) -> None:
    """Print how a platform's list differs from the ledger, and what becomes of it."""
    if isinstance(drift, Size):
        _show_size(drift)
        return
    console.print(
        f"[bold]{drift.sync}[/]  {drift.held:,} held, {drift.listed:,} listed: {drift.missing:,} "
        f"are missing there and are sent by the next run, {drift.foreign:,} were added by others "
        "and stay.",
        soft_wrap=True,
    )


def _show_size(size: Size) -> None:
    upper = "" if size.most == size.least else f" to {size.most or 0:,}"
    counted = "no members yet" if size.most is None else f"{size.least:,}{upper} members"
    console.print(
        f"[bold]{size.sync}[/]  {size.held:,} held, the platform counts {counted}. It counts "
        "matched persons, late and rounded, and does not say who they are.",
        soft_wrap=True,
    )


def show_released(released: Released) -> None:
    """Print how many rows are sent again, and how many of unknown fate are not."""
    count = released.refused + released.doubtful
    console.print(
        f"[bold]{released.sync}[/]  {count:,} rows are sent again by the next run.", soft_wrap=True
    )
    if released.left:
        console.print(
            f"  {released.left:,} messages may have arrived and are left alone; --doubtful sends "
            "them again, and some people may get one twice.",
            soft_wrap=True,
        )


def _show_obstacles(found: SyncDiff) -> None:
    if found.count_null_keys or found.count_doubled_keys:
        console.print(
            f"  [red]invalid:[/] {found.count_null_keys:,} rows without a key, "
            f"{found.count_doubled_keys:,} with the key of another row"
        )
    if found.is_switched_off:
        show_off(found.sync)
    if found.paused_because:
        show_pause(found.sync, found.paused_because)
    if found.refused_because:
        console.print(f"  [red]refused:[/] {found.refused_because}", soft_wrap=True)


def _show_cost(found: SyncDiff) -> None:
    cost = found.estimate
    if cost is None:
        return
    if cost.requests:
        about = "" if cost.is_exact else "about "
        console.print(
            f"  takes {about}{cost.requests:,} requests, {cost.minutes:.1f} minutes at the "
            "platform's rate",
            soft_wrap=True,
        )
    if cost.invalid_by_code:
        of = "" if cost.is_exact else " among the rows looked at"
        console.print(f"  invalid{of}: {_counted(cost.invalid_by_code)}", soft_wrap=True)


def _counted(counts: Mapping[str, int]) -> str:
    named = (f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
    return ", ".join(named) or "nothing to do"


def _joined(names: tuple[str, ...]) -> str | None:
    return ", ".join(names) or None
