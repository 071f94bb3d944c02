"""Take turns for some seconds in a process that can be killed, and print the moment of each."""

import sys
import time
from pathlib import Path

from activation.destinations.capabilities import Rate
from activation.pacing import Pace
from activation.shared_rates import SharedRates


def main(path: str, seconds: str) -> None:
    """Print the moment for which each turn was booked; another process may share the file."""

    def wait(booked: float) -> bool:
        sys.stdout.write(f"{time.time() + booked}\n")
        sys.stdout.flush()
        time.sleep(booked)
        return False

    pace = Pace(Rate(10, 600), wait, time.time, {}, SharedRates(Path(path)))
    end = time.time() + float(seconds)
    while time.time() < end:
        pace.take_turn("send")


if __name__ == "__main__":
    main(*sys.argv[1:])
