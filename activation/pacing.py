"""Keep requests within a platform's rate, and waits within reason."""

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from activation.destinations.capabilities import Polling, Rate
from activation.shared_rates import SharedRates, shared_rates

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_LEASE_SECONDS = 0.05
_MOST_LEASED = 1_000
_LONGEST_PAUSE = 7 * 86_400.0


@dataclass(frozen=True)
class Patience:
    """How long a run puts up with trouble; waits are in seconds.

    A request is tried `attempts` times with doubling waits; a platform may ask for a wait of at
    most `longest_requested_wait`; a batch is cut up at most `narrowings` times. A job is asked for
    at the platform's own intervals, but never less often than every `longest_poll`: one on this
    machine is done at once. In `rates_folder` processes that send with the same credential share
    its rate.
    """

    first_wait: float = 0.5
    longest_wait: float = 60.0
    attempts: int = 6
    longest_requested_wait: float = 600.0
    narrowings: int = 64
    longest_poll: float = math.inf
    rates_folder: Path | None = None

    def wait_after(self, attempt: int) -> float:
        """Return the seconds to wait after the given failed attempt (0 = first)."""
        return float(min(self.longest_wait, self.first_wait * 2**attempt))


def jittered(seconds: float, most: float = math.inf) -> float:
    """Return a wait of up to a quarter more, at `most` so many seconds, and never of less.

    Those who failed together do not come back together.
    """
    more = min(most, seconds / 4)
    return seconds + more * random.random()  # noqa: S311 - spreads callers, guards nothing


def poll_delay(polling: Polling, polls: int, most: float = math.inf) -> float:
    """Return the seconds, at `most` so many, before a job is asked for again (0 = first)."""
    return float(min(polling.longest, polling.first * polling.factor**polls, most))


def polled_long_enough(polling: Polling, polls: int) -> bool:
    """Say whether the waits before this poll add up to more than the platform's patience."""
    return sum(poll_delay(polling, number) for number in range(polls)) > polling.patience


@dataclass
class Pace:
    """A token bucket per kind of request: refilled at the steady rate, never above the burst.

    `wait` sleeps and says whether the run is being stopped. `step_rates` are those of kinds that
    have a rate of their own. Safe to use from several threads; with `shared`, processes that send
    with the same credential have one bucket together, and `clock` must be the wall clock.
    """

    rate: Rate
    wait: Callable[[float], bool]
    clock: Callable[[], float] = time.monotonic
    step_rates: Mapping[str, Rate] = field(default_factory=dict)
    shared: SharedRates | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _free_at: dict[str, float] = field(default_factory=dict)
    _leased: dict[str, deque[float]] = field(default_factory=dict)
    _resume_at: float = 0.0
    _may_have_tripped: bool = True

    def take_turn(self, step: str) -> bool:
        """Wait until a request of this kind may go out; say whether the run is being stopped."""
        return self.wait(self._reserve(step))

    def pause(self, seconds: float) -> None:
        """Hold every kind of request back: the platform asked for it."""
        until = self.clock() + seconds
        with self._lock:
            self._resume_at = max(self._resume_at, until)
        if self.shared is not None:
            self.shared.pause(until)

    def closed_for(self) -> float:
        """Return for how many seconds nobody may ask the platform anything."""
        with self._lock:
            return max(0.0, self._resume_at - self.clock())

    def look(self) -> None:
        """Learn how long other processes were told to wait, or gave the platform up for."""
        if self.shared is not None:
            moment = self.clock()
            resume_at = _believed(self.shared.resume_at(), moment)
            with self._lock:
                self._resume_at = max(self._resume_at, resume_at)

    def trip(self) -> None:
        """Tell other processes that the platform keeps failing."""
        if self.shared is not None:
            self.shared.trip(self.clock())

    def mend(self) -> None:
        """Tell other processes, once, that the platform answers."""
        if self.shared is not None and self._may_have_tripped:
            self._may_have_tripped = False
            self.shared.mend()

    def _reserve(self, step: str) -> float:
        """Book the next free moment; no second exceeds the burst, no minute the steady rate."""
        rate = self.step_rates.get(step, self.rate)
        burst, steady = rate.burst_per_second, rate.steady_per_minute
        spacing = 60.0 / max(1.0, steady - burst)
        ahead = max(0.0, (burst - 1) * spacing - 1.0)
        with self._lock:
            moment = self.clock()
            booked = self._book(step, moment, moment - ahead, spacing)
            return max(0.0, booked - moment, self._resume_at - moment)

    def _book(self, step: str, moment: float, earliest: float, spacing: float) -> float:
        if self.shared is None:
            booked = max(self._free_at.get(step, earliest), earliest)
            self._free_at[step] = booked + spacing
            return booked
        leased = self._leased.setdefault(step, deque())
        while leased and leased[0] < earliest:
            leased.popleft()
        if not leased:
            count = min(_MOST_LEASED, max(1, int(_LEASE_SECONDS / spacing)))
            booked, resume_at = self.shared.book(step, earliest, spacing, count)
            self._resume_at = max(self._resume_at, _believed(resume_at, moment))
            leased.extend(booked + spacing * turn for turn in range(count))
        return leased.popleft()


def pace_for(destination: Any, patience: Patience, wait: Callable[[float], bool]) -> Pace:
    """Return a destination's pace, shared by all processes where there is a folder for it.

    Something on this machine, such as the sandbox, is nobody's quota and paced by each run alone.
    """
    limits = destination.capabilities
    folder = patience.rates_folder
    is_shared = limits.transport == "http" and not _is_here(destination.base_url)
    shared = shared_rates(folder, destination) if folder is not None and is_shared else None
    clock = time.monotonic if shared is None else time.time
    pace = Pace(limits.rate, wait, clock, limits.step_rates, shared)
    pace.look()
    return pace


def _is_here(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _THIS_MACHINE
    except ValueError:
        return False


def _believed(resume_at: float, moment: float) -> float:
    """Return a moment unless it is so far away that the clock must have been set back."""
    return resume_at if resume_at <= moment + _LONGEST_PAUSE else moment
