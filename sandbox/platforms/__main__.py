"""Start the receiving platforms: `python -m sandbox.platforms --port 0 --database PATH`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sandbox.platforms.server import serve
from sandbox.platforms.vendor import Settings


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.platforms", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--database", type=Path, required=True, help="state file (SQLite)")
    parser.add_argument("--ready-file", type=Path, help="written with the base URL when ready")
    parser.add_argument(
        "--rate-factor", type=float, default=1.0, help="multiplies every request limit (default 1)"
    )
    parser.add_argument(
        "--polls", type=int, default=1, help="polls a job stays in each unfinished state"
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end when standard input ends"
    )
    return parser.parse_args()


def main() -> None:
    """Serve until a signal comes."""
    arguments = _read_arguments()
    default = Settings()
    settings = Settings(
        token=os.environ.get("REGULARS_SANDBOX_TOKEN", default.token),
        rate_factor=arguments.rate_factor,
        polls=arguments.polls,
        app_secret=os.environ.get("REGULARS_SANDBOX_APP_SECRET"),
    )

    def tell(url: str) -> None:
        if arguments.ready_file:
            part = arguments.ready_file.with_suffix(".part")
            part.write_text(url)
            part.replace(arguments.ready_file)
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    serve(
        arguments.database,
        arguments.port,
        settings,
        tell,
        until_stdin_closes=arguments.until_stdin_closes,
    )


if __name__ == "__main__":
    main()
