"""The command `regulars`: see it work, look before sending, send, and ask why."""

import json
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.progress import reporting_to
from orchestration.settings import InvalidSetting, Settings, read_settings
from orchestration.terminal import TerminalReporter, console, errors

app = typer.Typer(
    help="Turn the data you already have into customers who come back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Size(StrEnum):
    """Persons in the simulated shop."""

    TINY = "tiny"
    DEMO = "demo"
    REFERENCE = "reference"
    LOAD = "load"


SyncName = Annotated[
    str | None, typer.Argument(metavar="SYNC", help="One sync, e.g. klaviyo__win_back; else all.")
]


@app.command()
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
    with _friendly() as settings:
        if not run_demo(settings, shop, size.value, seed, tuple(overrides or ()), day):
            raise typer.Exit(1)


@app.command()
def plan(
    sync: SyncName = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows to list per sync.")] = 20,
) -> None:
    """Show what would be sent, key by key, without sending anything."""
    from orchestration.demo import show_plan

    with _friendly() as settings:
        show_plan(settings, sync, rows)


@app.command()
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
    with _friendly() as settings:
        if not run_syncs(settings, name, plan):
            raise typer.Exit(1)


@app.command()
def reconcile(
    name: Annotated[str, typer.Argument(metavar="SYNC", help="One sync, e.g. klaviyo__win_back.")],
) -> None:
    """Ask the platform who is on its list, and have the next run mend what was changed by hand."""
    from orchestration.demo import reconcile

    with _friendly() as settings:
        reconcile(settings, name)


@app.command()
def retry(
    name: Annotated[str, typer.Argument(metavar="SYNC", help="One sync, e.g. klaviyo__win_back.")],
    doubtful: Annotated[
        bool,
        typer.Option(
            "--doubtful", help="Messages of unknown fate, too; somebody may get one twice."
        ),
    ] = False,
) -> None:
    """Have the next run send refused and parked rows again, once you have mended the cause."""
    from orchestration.demo import retry

    with _friendly() as settings:
        retry(settings, name, doubtful)


@app.command()
def explain(
    customer: Annotated[
        str, typer.Argument(help="customer_id, e-mail address, phone number or card number.")
    ],
    other: Annotated[
        str | None, typer.Argument(help="With --why: another one, or a record (shop/orders:4711).")
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="Say why two are, or are not, one person.")
    ] = False,
) -> None:
    """Tell a person's identifiers, consents, stage and scores, and why each sync holds them."""
    from orchestration.demo import show_customer, show_why

    if why != (other is not None):
        raise typer.BadParameter("--why compares two: regulars explain --why A B")
    with _friendly() as settings:
        if other is not None:
            show_why(settings, customer, other)
        else:
            show_customer(settings, customer)


@app.command()
def export(
    customer: Annotated[
        str, typer.Argument(help="customer_id, e-mail address, phone number or card number.")
    ],
    folder: Annotated[
        Path | None, typer.Option(help="Where to; a new folder in the state folder otherwise.")
    ] = None,
) -> None:
    """Write down everything known of a person, as they may ask for it: JSON, and CSV per table."""
    from orchestration.export import export_customer

    with _friendly() as settings:
        exported = export_customer(settings, customer, folder)
        console.print(f"The export: {exported.folder}", soft_wrap=True)
        console.print("It holds personal data in clear text. Hand it over safely, then delete it.")


@app.command()
def erase(
    customer: Annotated[
        str | None,
        typer.Argument(help="customer_id, e-mail address, phone number or card number."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the certificate; no personal data.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; erase.")] = False,
    pending: Annotated[
        bool, typer.Option("--pending", help="Everybody in the source erasure_requests.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an erasure that was interrupted.")
    ] = False,
) -> None:
    """Erase a person: from files, tables, ledger and platforms, with proof that nothing is left."""
    from orchestration.erasure import command

    if [customer is not None, pending, resume].count(True) != 1:
        raise typer.BadParameter("Name one customer, or --pending, or --resume.")
    with _friendly() as settings:
        if customer is not None:
            command.erase_customer(settings, customer, reason, yes)
        elif pending:
            command.erase_pending(settings, yes)
        else:
            command.resume(settings)


@app.command()
def models(
    prediction: Annotated[
        str | None, typer.Argument(metavar="PREDICTION", help="One, e.g. next_order; else all.")
    ] = None,
) -> None:
    """List the versions of predictions: how good each was, and which one scores."""
    from orchestration.versions import show_versions

    with _friendly() as settings:
        show_versions(settings, prediction)


@app.command()
def rollback(
    prediction: Annotated[str, typer.Argument(metavar="PREDICTION", help="E.g. next_order.")],
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Else the one before the one in use.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.")] = "",
    release: Annotated[
        bool, typer.Option("--release", help="Let the newest version score again.")
    ] = False,
) -> None:
    """Have an earlier version of a prediction score, until it is released."""
    from orchestration.versions import release_version, use_version

    if release and version is not None:
        raise typer.BadParameter(
            "--release takes no version: regulars rollback PREDICTION --release"
        )
    with _friendly() as settings:
        if release:
            release_version(settings, prediction)
        else:
            use_version(settings, prediction, version, reason)


@app.command()
def report() -> None:
    """Write one page of charts: who comes back, who stays, who moved where, what came up."""
    from orchestration.report import write_report
    from orchestration.warehouse import Warehouse

    with _friendly() as settings:
        with Warehouse(settings.warehouse).connect(read_only=True) as connection:
            parts = write_report(connection, settings.report)
        for part in parts:
            console.print(f"[bold]{part.section.title}[/]")
            console.print(f"  {part.sentence}", markup=False)
        console.print(f"The page: {settings.report}")


@app.command()
def check() -> None:
    """Validate every sync against the dbt project, without a warehouse and without a network."""
    from activation.spec import load_specs
    from orchestration.project import manifest

    with _friendly():
        specs = load_specs(manifest())
        for spec in specs:
            console.print(f"[green]✓[/] {spec.name}: {spec.destination}, {spec.target}")
        console.print(f"{len(specs)} syncs are valid.")


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8899,
) -> None:
    """Keep the sandbox platforms running, to look at what the audiences hold."""
    from orchestration.platforms import sandbox_platforms

    with _friendly() as settings:
        settings.create_folders()
        with sandbox_platforms(settings, port) as url:
            console.print(f"The platforms are at {url}/ — press Ctrl-C to stop them.")
            while True:
                time.sleep(3600)


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Open Dagster on the same state, with schedules off until you switch them on."""
    from orchestration.ui import serve

    with _friendly() as settings:
        serve(settings, port)


@contextmanager
def _friendly() -> Iterator[Settings]:
    """Turn an error into one sentence on the terminal; its trace goes to the log file."""
    settings: Settings | None = None
    reporter = TerminalReporter()
    try:
        settings = read_settings()
        with reporter.showing(), reporting_to(reporter):
            yield settings
    except (typer.Exit, KeyboardInterrupt):
        reporter.leave("")
        raise
    except InvalidSetting as error:
        _stop(str(error))
    except Exception as error:
        reporter.leave("")
        _stop(_sentence(error), settings)


def _stop(message: str, settings: Settings | None = None) -> None:
    errors.print("Error:", style="red", end=" ")
    errors.print(message, markup=False)
    if settings and settings.home.exists():
        settings.logs.mkdir(exist_ok=True)
        with (settings.logs / "errors.log").open("a") as log:
            traceback.print_exc(file=log)
        errors.print(f"Details: {settings.logs / 'errors.log'}", style="dim", markup=False)
    raise typer.Exit(1)


def _sentence(error: BaseException) -> str:
    import errno

    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full. Free some space or move REGULARS_HOME, then run again."
    return str(error) or type(error).__name__


def run() -> None:
    """Run the command line; used by the `regulars` script."""
    # Libraries warn their developers; a marketer at the terminal can do nothing about it.
    warnings.simplefilter("ignore")
    try:
        app()
    except KeyboardInterrupt:
        errors.print("Stopped. Nothing is lost: run it again to go on.")
        sys.exit(130)


def as_json(value: Any) -> str:
    """Return readable JSON for a terminal."""
    return json.dumps(value, indent=2, default=str)
