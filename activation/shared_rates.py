"""Share a credential's rate, its waits and its circuit breaker with other processes, in a file.

The file is locked for microseconds at a time; the kernel lets go of the lock of a process that
dies. What it holds are moments of the wall clock, no value and no credential.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

MOST_AHEAD = 900.0
"""Seconds after which a booked moment is not believed: the clock was set back."""
FIRST_TRIP = 30.0
LONGEST_TRIP = 900.0


@dataclass
class SharedState:
    """What every process knows of one credential: the next free moment of each kind of request.

    `resume_at` is when the platform lets itself be asked again; `trips` counts how often in a row
    runs gave it up.
    """

    free_at: dict[str, float] = field(default_factory=dict)
    resume_at: float = 0.0
    trips: int = 0


@dataclass(frozen=True)
class SharedRates:
    """The file of one credential."""

    path: Path

    def book(self, step: str, earliest: float, spacing: float, count: int) -> tuple[float, float]:
        """Take `count` turns at once; return the first one's moment and when all may go on."""
        with self._state() as state:
            known = state.free_at.get(step, earliest)
            booked = known if earliest < known < earliest + MOST_AHEAD else earliest
            state.free_at[step] = booked + spacing * count
            return booked, state.resume_at

    def resume_at(self) -> float:
        """Return the moment before which nobody may ask the platform anything."""
        with self._state() as state:
            return state.resume_at

    def pause(self, until: float) -> None:
        """Hold back every process that has this credential."""
        with self._state() as state:
            state.resume_at = max(state.resume_at, until)

    def trip(self, moment: float) -> None:
        """Let nobody ask for a while, twice as long as the last time."""
        with self._state() as state:
            wait = min(LONGEST_TRIP, FIRST_TRIP * 2**state.trips)
            state.trips = min(state.trips + 1, 10)
            state.resume_at = max(state.resume_at, moment + wait)

    def mend(self) -> None:
        """Forget that runs gave the platform up: it answers again."""
        with self._state() as state:
            state.trips = 0

    @contextmanager
    def _state(self) -> Iterator[SharedState]:
        """Yield what is known, and write it back, while no other process does."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            state = _read(os.pread(descriptor, 1 << 16, 0))
            yield state
            content = orjson.dumps(state)
            os.pwrite(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
        finally:
            os.close(descriptor)


def shared_rates(folder: Path, destination: Any) -> SharedRates:
    """Return the file of a destination's credential; its name leads back to nothing."""
    parts = [destination.capabilities.name, destination.account, *_credentials(destination)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    return SharedRates(folder / f"{destination.capabilities.name}-{digest[:16]}.json")


def _credentials(destination: Any) -> list[str]:
    """Return what a platform counts requests by; a database has nothing of the kind."""
    headers: Callable[[], Mapping[str, str]] | None = getattr(destination, "headers", None)
    return [f"{name}={value}" for name, value in sorted(headers().items())] if headers else []


def _read(content: bytes) -> SharedState:
    """Read the file; what a killed process left half written counts as nothing."""
    try:
        known = orjson.loads(content)
        moments = {str(step): float(moment) for step, moment in known["free_at"].items()}
        return SharedState(moments, float(known["resume_at"]), int(known["trips"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return SharedState()
