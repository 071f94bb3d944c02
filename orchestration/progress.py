"""Tell whoever is watching what a run is doing; silent unless somebody listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Reporter(Protocol):
    """What a run tells while it works."""

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

    def begin(self, step: str) -> None:
        """Say nothing."""

    def advance(self, step: str, done: int, total: int, detail: str = "") -> None:
        """Say nothing."""

    def end(self, step: str, result: str) -> None:
        """Say nothing."""


_current: ContextVar[Reporter] = ContextVar("reporter", default=SilentReporter())  # noqa: B039 - it holds no state


def reporter() -> Reporter:
    """Return the reporter of this run."""
    return _current.get()


@contextmanager
def reporting_to(listener: Reporter) -> Iterator[None]:
    """Send everything reported inside the block to `listener`."""
    token = _current.set(listener)
    try:
        yield
    finally:
        _current.reset(token)
