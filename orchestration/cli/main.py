"""Run the command `regulars`."""

import sys
import warnings

import typer

from orchestration.cli import customers, demo, predictions, syncs, views
from orchestration.terminal import errors

# In the order of their help.
COMMANDS = (
    demo.demo,
    syncs.plan,
    syncs.sync,
    syncs.reconcile,
    syncs.retry,
    customers.explain,
    customers.export,
    customers.erase,
    customers.readmit,
    customers.retention,
    customers.records,
    predictions.readiness,
    predictions.models,
    predictions.rollback,
    predictions.segments,
    views.report,
    syncs.check,
    views.sandbox,
    views.ui,
)

app = typer.Typer(
    help="Turn the data you already have into customers who come back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def run() -> None:
    """Run the command line; used by the `regulars` script."""
    # Libraries warn their developers; a marketer at the terminal can do nothing about it.
    warnings.simplefilter("ignore")
    try:
        app()
    except KeyboardInterrupt:
        errors.print("Stopped. Nothing is lost: run it again to go on.")
        sys.exit(130)
