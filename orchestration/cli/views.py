"""Commands that open something to look at."""

import time
from typing import Annotated

import typer

from orchestration.cli.friendly import friendly
from orchestration.terminal import console


def report() -> None:
    """Write one page of charts: who comes back, who stays, who moved where, what came up."""
    from orchestration.report import write_report
    from orchestration.warehouse import Warehouse

    with friendly() as settings:
        with Warehouse(settings.warehouse).connect(read_only=True) as connection:
            parts = write_report(connection, settings.report)
        for part in parts:
            console.print(f"[bold]{part.section.title}[/]")
            console.print(f"  {part.sentence}", markup=False)
        console.print(f"The page: {settings.report}")


def sandbox(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8899,
) -> None:
    """Keep the sandbox platforms running, to look at what the audiences hold."""
    from orchestration.platforms import sandbox_platforms

    with friendly() as settings:
        settings.create_folders()
        with sandbox_platforms(settings, port) as url:
            console.print(f"The platforms are at {url}/ — press Ctrl-C to stop them.")
            while True:
                time.sleep(3600)


def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Open Dagster on the same state, with schedules off until you switch them on."""
    from orchestration.ui import serve

    with friendly() as settings:
        serve(settings, port)
