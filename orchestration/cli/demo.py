"""The command that shows everything on a simulated shop, or on your own orders."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import typer

from orchestration.cli.friendly import friendly


class Size(StrEnum):
    """Persons in the simulated shop."""

    TINY = "tiny"
    DEMO = "demo"
    REFERENCE = "reference"
    LOAD = "load"


def demo(
    shop: Annotated[
        str, typer.Option(help="simulated, online-retail, or a folder with your own orders.csv.")
    ] = "simulated",
    size: Annotated[
        Size, typer.Option(help="2k, 8k, 60k or 1M persons; for the simulated shop.")
    ] = Size.DEMO,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another shop.")] = 1,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change the simulated world."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Let the same world live on until this day."),
    ] = None,
) -> None:
    """Fill a shop, build everything, and bring the sandbox platforms in step."""
    from orchestration.demo import run_demo

    day: date | None = until.date() if until else None
    with friendly() as settings:
        if not run_demo(settings, shop, size.value, seed, tuple(overrides or ()), day):
            raise typer.Exit(1)
