"""One shop, run once by the command that the README names; tests look at what it left."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import httpx
import pytest

from sandbox.platforms.server import running

REGULARS = Path(sys.executable).with_name("regulars")


@dataclass(frozen=True)
class State:
    """A state folder and how to ask it things."""

    home: Path
    outbox: Path | None = None

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line on this state."""
        done = subprocess.run(
            [REGULARS, *arguments], env=self.environment(), capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(done.stdout[-3000:] + done.stderr[-3000:])
        return done

    def environment(self) -> dict[str, str]:
        """Return the environment without anything that the machine says about regulars."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("REGULARS_", "DAGSTER_"))}
        return {
            **clean,
            "REGULARS_HOME": str(self.home),
            "REGULARS_FILE_DROP_FOLDER": str(self.outbox or self.home / "outbox"),
            "COLUMNS": "200",
            "OMP_NUM_THREADS": "1",
        }

    @property
    def summary(self) -> dict[str, Any]:
        """Return summary.json."""
        return json.loads((self.home / "summary.json").read_text())

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return rows of the warehouse."""
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def copy(self, target: Path) -> "State":
        """Return the same state in another folder; files go on to the folder that has them."""
        shutil.copytree(self.home, target, dirs_exist_ok=True)
        return State(target, outbox=self.home / "outbox")


@dataclass(frozen=True)
class Platforms:
    """The sandbox platforms of a state, asked over HTTP."""

    url: str

    def members(self, vendor: str, audience: str) -> list[dict[str, Any]]:
        """Return the members of an audience."""
        return self._get(f"/_state/{vendor}/audiences/{quote(audience)}/members")["members"]

    def audiences(self, vendor: str) -> list[dict[str, Any]]:
        """Return the audiences of a vendor."""
        return self._get(f"/_state/{vendor}/audiences")["audiences"]

    def requests(self, since: int = 0) -> dict[str, Any]:
        """Return counts of the requests made."""
        return self._get(f"/_requests/summary?since={since}")

    def _get(self, path: str) -> dict[str, Any]:
        answer = httpx.get(self.url + path, timeout=30)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="session")
def new_state(parsed: Path) -> Callable[[Path], State]:
    """Return what makes a state of a folder; dbt has read the project already."""

    def make(folder: Path) -> State:
        shutil.copytree(parsed, folder / "dbt")
        return State(folder)

    return make


@pytest.fixture(scope="session")
def demo(shared: Path, new_state: Callable[[Path], State]) -> State:
    """Return the state after one run of the demo on the smallest simulated shop.

    Processes of one test run share it: the first makes it, the others wait and look.
    """
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (shared / "demo/summary.json").exists():
            return State(shared / "demo")
        state = new_state(shared / "demo")
        state.run("demo", "--size", "tiny", "--seed", "3")
    return state


@pytest.fixture(scope="session")
def platforms(demo: State) -> Iterator[Platforms]:
    """Yield the platforms as the demo left them."""
    with running(demo.home / "platforms.sqlite") as url:
        yield Platforms(url)
