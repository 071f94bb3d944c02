"""What a person at the terminal sees when a command fails."""

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from orchestration.progress import reporting_to
from orchestration.settings import InvalidSetting, Settings, read_settings
from orchestration.terminal import TerminalReporter, errors


@contextmanager
def friendly() -> Iterator[Settings]:
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
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full. Free some space or move REGULARS_HOME, then run again."
    return str(error) or type(error).__name__
