"""Tell whoever is watching what a run is doing; silent unless somebody listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Reporter(Protocol):
    """What a run tells while it works; `seconds` holds the time of every finished step."""

    seconds: dict[str, float]

    def begin(self, step: str) -> None:
        """A step of the run starts."""
        ...

    def advance(self, step: str, done: int, total: int, detail: str = "") -> None:
        """The step has done `done` of `total` (0 when the total is not known)."""
        ...

    def end(self, step: str, result: str) -> None:
        """The step is over; `result` is a short phrase with its counts."""
        ...


class SilentReporter:
    """Report nothing; runs that Dagster's own daemon starts are watched in its UI."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def begin(self, step: str) -> None:
        """Say nothing."""

    def advance(self, step: str, done: int, total: int, detail: str = "") -> None:
        """Say nothing."""

    def end(self, step: str, result: str) -> None:
        """Say nothing."""


_current: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


def reporter() -> Reporter:
    """Return the reporter of this run."""
    return _current.get() or SilentReporter()


@contextmanager
def reporting_to(listener: Reporter) -> Iterator[None]:
    """Send everything reported inside the block to `listener`."""
    token = _current.set(listener)
    try:
        yield
    finally:
        _current.reset(token)
