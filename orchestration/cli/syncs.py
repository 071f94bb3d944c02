"""Commands around what the platforms hold: look before sending, send, and mend."""

from typing import Annotated

import typer

from orchestration.cli.friendly import friendly
from orchestration.terminal import console

SyncName = Annotated[
    str | None, typer.Argument(metavar="SYNC", help="One sync, e.g. klaviyo__win_back; else all.")
]
Sync = Annotated[str, typer.Argument(metavar="SYNC", help="One sync, e.g. klaviyo__win_back.")]


def plan(
    sync: SyncName = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows to list per sync.")] = 20,
) -> None:
    """Show what would be sent, key by key, without sending anything."""
    from orchestration.demo import show_plan

    with friendly() as settings:
        show_plan(settings, sync, rows)


def sync(
    name: SyncName = None,
    plan: Annotated[
        str | None,
        typer.Option(
            metavar="DIGEST",
            help="Send the very plan that `regulars plan SYNC` showed, whatever the guards say.",
        ),
    ] = None,
) -> None:
    """Send what the plan says. A demo's state goes to the sandbox, never to a real account."""
    from orchestration.demo import run_syncs

    if plan is not None and name is None:
        raise typer.BadParameter("--plan names the plan of one sync: regulars sync SYNC --plan …")
    with friendly() as settings:
        if not run_syncs(settings, name, plan):
            raise typer.Exit(1)


def reconcile(
    name: Sync,
) -> None:
    """Ask the platform who is on its list, and have the next run mend what was changed by hand."""
    from orchestration.demo import reconcile

    with friendly() as settings:
        reconcile(settings, name)


def retry(
    name: Sync,
    doubtful: Annotated[
        bool,
        typer.Option(
            "--doubtful", help="Messages of unknown fate, too; somebody may get one twice."
        ),
    ] = False,
) -> None:
    """Have the next run send refused and parked rows again, once you have mended the cause."""
    from orchestration.demo import retry

    with friendly() as settings:
        retry(settings, name, doubtful)


def check() -> None:
    """Validate every sync against the dbt project, without a warehouse and without a network."""
    from activation.spec import load_specs
    from orchestration.project import manifest

    with friendly():
        specs = load_specs(manifest())
        for spec in specs:
            off = "" if spec.is_enabled else ", switched off"
            console.print(f"[green]✓[/] {spec.name}: {spec.destination}, {spec.target}{off}")
        console.print(f"{len(specs)} syncs are valid.")
