"""Push the same rows to the same receiver by regulars, drt and dlt: speed, losses, repetitions.

Each runs as a whole process, with the means it has to send a row once: our ledger, drt's
watermark, dlt's incremental cursor. Messages hold 1,000 rows, and nobody's rate is limited.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx

from tests.benchmarks.rivals_ours import prepare

ROWS, FEW_ROWS, POISONED = 50_000, 5_000, 3
ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PACKAGES = {"drt": ("drt-core[duckdb]==1.2.1",), "dlt": ("dlt==1.31.0", "duckdb==2.0.0")}
_DRT = {
    "drt_project.yml": 'name: bench\nversion: "0.1"\nprofile: dev\n',
    "home/.drt/profiles.yml": "dev:\n  type: duckdb\n  database: {database}\n",
    "syncs/people.yml": """
name: people
model: "select key, email, first_name, spend, changed from people"
destination:
  type: rest_api
  url: "{url}"
  method: POST
  headers: {{"Content-Type": "application/json"}}
  body_mode: batch
  batch_template: '{{"rows": {{{{ rows | tojson }}}}}}'
sync:
  mode: incremental
  cursor_field: changed
  batch_size: 1000
  on_error: skip
  rate_limit: {{requests_per_second: 1000000}}
""",
}
Figure = dict[str, Any]


@dataclass(frozen=True)
class Rival:
    """One tool: what makes its files, and the command that pushes all that is due."""

    name: str
    command: Callable[[Path, str], list[str]]
    make: Callable[[Path, str], None] = lambda home, url: None

    def start(self, home: Path, url: str) -> subprocess.Popen[bytes]:
        """Start to push."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        settings = {"HOME": str(home / "home"), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        environment = {**os.environ, **settings, "RUNTIME__DLTHUB_TELEMETRY": "false"}
        folder = home if self.name == "drt" else ROOT
        command = self.command(home, url)
        return subprocess.Popen(command, cwd=folder, env=environment, **quiet)  # type: ignore[call-overload, no-any-return]

    def push(self, home: Path, url: str) -> float:
        """Push to the end, whatever comes of it, and return the seconds."""
        begin = time.perf_counter()
        self.start(home, url).wait(timeout=900)
        return time.perf_counter() - begin


def measure_rivals(with_reference: bool = False) -> Iterator[Figure]:
    """Yield rows per second, rows lost after refusals and rows sent twice after a kill, by tool.

    `with_reference` installs drt and dlt into environments of their own and measures them, too.
    """
    with tempfile.TemporaryDirectory() as folder:
        rivals = [_ours()]
        for name in PACKAGES if with_reference else ():
            python = _install(name, Path(folder) / name)
            if python is None:
                yield {"name": f"push_{name}", "value": None, "unit": "could not be installed"}
            else:
                rivals.append(_drt(python) if name == "drt" else _dlt(python))
        for rival in rivals:
            for number, measure in enumerate((_speed, _losses, _repetitions)):
                home = Path(folder) / f"{rival.name}-{number}"
                yield measure(rival, home)


def _speed(rival: Rival, home: Path) -> Figure:
    with _receiving(rival, home, ROWS) as url:
        seconds = rival.push(home, url)
        held = _seen(url)["keys"]
    return {
        "name": f"push_{rival.name}",
        "value": round(ROWS / seconds) if held == ROWS else None,
        "unit": "rows/s",
        "size": f"{ROWS:,} rows in a whole process, {held:,} arrived",
    }


def _losses(rival: Rival, home: Path) -> Figure:
    """Refuse messages with poisoned rows in the first run, and accept everything from then on."""
    with _receiving(rival, home, FEW_ROWS, POISONED) as url:
        rival.push(home, url)
        before = _seen(url)["keys"]
        httpx.post(url.replace("/rows", "/mended"), timeout=10)
        for _ in range(2):
            rival.push(home, url)
        seen = _seen(url)
    return {
        "name": f"lost_after_refusals_{rival.name}",
        "value": FEW_ROWS - seen["keys"],
        "unit": "rows that never came",
        "size": f"{FEW_ROWS:,} rows, {POISONED} refused at first, {before:,} came in that run, "
        f"{seen['rows'] - seen['keys']:,} twice",
    }


def _repetitions(rival: Rival, home: Path) -> Figure:
    """Kill a push when half of the rows have come, and push again."""
    with _receiving(rival, home, ROWS) as url:
        process = rival.start(home, url)
        while process.poll() is None and _seen(url)["rows"] < ROWS // 2:
            time.sleep(0.005)
        at_kill = _seen(url)["rows"]
        was_alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        for _ in range(2):
            rival.push(home, url)
        seen = _seen(url)
    return {
        "name": f"repeated_after_kill_{rival.name}",
        "value": seen["rows"] - seen["keys"] if was_alive else None,
        "unit": "rows sent again",
        "size": f"{ROWS:,} rows, killed after {at_kill:,}, {ROWS - seen['keys']:,} lost",
    }


def _ours() -> Rival:
    def command(home: Path, url: str) -> list[str]:
        module = [sys.executable, "-m", "tests.benchmarks.rivals_ours"]
        return [*module, str(home / "people.duckdb"), url, str(home / os.urandom(8).hex())]

    return Rival("regulars", command, lambda home, url: prepare(home / "people.duckdb", "people"))


def _drt(python: Path) -> Rival:
    def make(home: Path, url: str) -> None:
        for name, text in _DRT.items():
            file = home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(
                text.format(database=home / "people.duckdb", url=url) if "{" in text else text
            )

    return Rival("drt", lambda home, url: [str(python.with_name("drt")), "run"], make)


def _dlt(python: Path) -> Rival:
    script = str(HERE / "rivals_dlt.py")
    return Rival(
        "dlt",
        lambda home, url: [
            str(python), script, str(home / "people.duckdb"), url, str(home / "pipelines"),
        ],
    )  # fmt: skip


def _install(name: str, home: Path) -> Path | None:
    """Return the Python of a new environment with a tool, or None when it cannot be had."""
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    quiet = ["--quiet", "--disable-pip-version-check"]
    pip = [str(python), "-m", "pip", "install", *quiet, *PACKAGES[name]]
    done = subprocess.run(pip, check=False, capture_output=True)
    return python if done.returncode == 0 else None


@contextmanager
def _receiving(rival: Rival, home: Path, rows: int, poisoned: int = 0) -> Iterator[str]:
    """Make the rows and what the tool needs, run the receiver, and yield where to push."""
    home.mkdir()
    with duckdb.connect(str(home / "people.duckdb")) as connection:
        connection.execute(
            "create table people as select 'k' || i as key,"
            " 'person' || i || '@example.com' as email,"
            f" case when i % {rows // max(1, poisoned)} = 7 and {poisoned} > 0 then 'poison'"
            " else 'Ada' end as first_name, i % 1000 / 8 as spend, 1 + i as changed"
            f" from range({rows}) as r (i)"
        )
    command = [sys.executable, str(HERE / "receiver.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}/rows"
        rival.make(home, url)
        yield url
        process.stdin.close()


def _seen(url: str) -> dict[str, int]:
    return dict(httpx.get(url.replace("/rows", "/seen"), timeout=30).json())


if __name__ == "__main__":
    for figure in measure_rivals("--with-reference" in sys.argv):
        sys.stdout.write(json.dumps(figure) + "\n")
        sys.stdout.flush()
