"""Open Dagster's UI and daemon on the state folder."""

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from orchestration.platforms import sandbox_platforms
from orchestration.runs import prepare_instance
from orchestration.settings import CHECKOUT, Settings
from orchestration.terminal import console
from orchestration.worlds import read_world


def serve(settings: Settings, port: int) -> None:
    """Run Dagster until it is interrupted; a demo's state gets the sandbox platforms with it."""
    prepare_instance(settings)
    os.environ["REGULARS_HOME"] = str(settings.home)
    with sandbox_platforms(settings) if read_world(settings) else nullcontext("") as url:
        console.print(f"Dagster opens at http://127.0.0.1:{port}/ in about half a minute.")
        if url:
            console.print(f"The sandbox platforms are at {url}/")
        command = [
            str(Path(sys.executable).with_name("dagster")), "dev",
            "-w", str(CHECKOUT / "orchestration" / "workspace.yaml"),
            "-h", "127.0.0.1", "-p", str(port),
        ]  # fmt: skip
        # A background shell ignores SIGINT; Dagster maps SIGTERM to it and would never stop.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        child = subprocess.Popen(command, cwd=CHECKOUT)  # noqa: S603 - our own dagster
        try:
            child.wait()
        finally:
            child.terminate()
            child.wait()
