"""Write a simulated shop from the command line: python -m sandbox.shop --size demo."""

import argparse
import sys
from datetime import date
from pathlib import Path

from sandbox.shop import DEFAULT_UNTIL, SIZES, LandingError, ParameterError, Summary, generate


def arguments() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.shop", description=__doc__)
    parser.add_argument("--size", default="demo", choices=list(SIZES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", type=date.fromisoformat, default=DEFAULT_UNTIL)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--landing", type=Path, default=Path(".regulars/landing"))
    parser.add_argument("--truth", type=Path, default=Path(".regulars/truth"))
    return parser


def report(summary: Summary) -> str:
    """Return the rows of every table as text."""
    lines = [f"{name:22}{count:>12,}" for name, count in summary.rows.items()]
    added = f"{summary.count_rows_added:,} rows added"
    total = f"{added} until {summary.until} in {summary.seconds:.1f} s"
    return "\n".join([*lines, total])


def main() -> int:
    """Generate, report, and turn a wrong parameter into one clear line."""
    chosen = arguments().parse_args()
    try:
        summary = generate(
            chosen.landing,
            chosen.truth,
            size=chosen.size,
            seed=chosen.seed,
            until=chosen.until,
            overrides=chosen.set,
        )
    except (LandingError, ParameterError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{report(summary)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
