"""Take turns for some seconds in a process that can be killed, and print the moment of each."""

import sys
import time
from pathlib import Path

from activation.destinations.capabilities import Rate
from activation.pacing import Pace
from activation.shared_rates import SharedRates


def main(path: str, seconds: str) -> None:
    """Once told to begin, print the moment for which each turn was booked.

    It is reckoned from what the clock said when the turn was booked: a process that the machine
    sets aside in between did not book a later one.
    """
    asked_at = 0.0

    def clock() -> float:
        nonlocal asked_at
        asked_at = time.time()
        return asked_at

    def wait(seconds: float) -> bool:
        sys.stdout.write(f"{asked_at + seconds!r}\n")
        sys.stdout.flush()
        time.sleep(seconds)
        return False

    pace = Pace(Rate(10, 600), wait, clock, {}, SharedRates(Path(path)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    end = time.time() + float(seconds)
    while time.time() < end:
        pace.take_turn("send")


if __name__ == "__main__":
    main(*sys.argv[1:])
