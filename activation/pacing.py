"""Keep requests within a platform's rate, and waits within reason."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from activation.destinations.capabilities import Polling, Rate


@dataclass(frozen=True)
class Patience:
    """How long a run puts up with trouble; waits are in seconds.

    A request is tried `attempts` times with doubling waits; a platform may ask for a wait of at
    most `longest_requested_wait`; a batch is cut up at most `narrowings` times.
    """

    first_wait: float = 0.5
    longest_wait: float = 60.0
    attempts: int = 6
    longest_requested_wait: float = 600.0
    narrowings: int = 64

    def wait_after(self, attempt: int) -> float:
        """Return the seconds to wait after the given failed attempt (0 = first)."""
        return float(min(self.longest_wait, self.first_wait * 2**attempt))


def poll_delay(polling: Polling, polls: int) -> float:
    """Return the seconds before a job is asked for the given time (0 = first)."""
    return float(min(polling.longest, polling.first * polling.factor**polls))


def polled_long_enough(polling: Polling, polls: int) -> bool:
    """Say whether the waits before this poll add up to more than the platform's patience."""
    return sum(poll_delay(polling, number) for number in range(polls)) > polling.patience


@dataclass
class Pace:
    """A token bucket per kind of request: refilled at the steady rate, never above the burst.

    `wait` sleeps and says whether the run is being stopped. `step_rates` are those of kinds that
    have a rate of their own. Safe to use from several threads.
    """

    rate: Rate
    wait: Callable[[float], bool]
    clock: Callable[[], float] = time.monotonic
    step_rates: Mapping[str, Rate] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _free_at: dict[str, float] = field(default_factory=dict)
    _resume_at: float = 0.0

    def take_turn(self, step: str) -> bool:
        """Wait until a request of this kind may go out; say whether the run is being stopped."""
        return self.wait(self._reserve(step))

    def pause(self, seconds: float) -> None:
        """Hold every kind of request back: the platform asked for it."""
        with self._lock:
            self._resume_at = max(self._resume_at, self.clock() + seconds)

    def _reserve(self, step: str) -> float:
        """Book the next free moment; no second exceeds the burst, no minute the steady rate."""
        rate = self.step_rates.get(step, self.rate)
        burst, steady = rate.burst_per_second, rate.steady_per_minute
        spacing = 60.0 / max(1.0, steady - burst)
        ahead = max(0.0, (burst - 1) * spacing - 1.0)
        with self._lock:
            moment = self.clock()
            booked = max(self._free_at.get(step, moment - ahead), moment - ahead)
            self._free_at[step] = booked + spacing
            return max(0.0, booked - moment, self._resume_at - moment)
