"""What all tests share: how they are spread over processes, and the project as dbt reads it."""

import fcntl
import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.costs import order

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PARSE = "from orchestration.project import parse; parse()"

# Several test processes with a thread per core each would stand in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Most that tests make lives as long as their file: looking for garbage again and again is wasted.
gc.set_threshold(50_000, 50, 50)


# After tests were deselected: what does not run costs nothing.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start what takes minutes first, so that no process is left alone with it at the end."""
    tests = [
        (item.path.relative_to(TESTS).as_posix(), item.get_closest_marker("slow") is not None)
        for item in items
    ]
    items[:] = [items[number] for number in order(tests)]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this test run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def parsed(shared: Path) -> Path:
    """Return what dbt made of the project, as a state folder keeps it; reading it takes long."""
    home = shared / "parsed"
    with (shared / "parsed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "ready").exists():
            shutil.rmtree(home, ignore_errors=True)
            take_over(home / "dbt")
            environment = {**os.environ, "REGULARS_HOME": str(home)}
            subprocess.run([sys.executable, "-c", PARSE], cwd=ROOT, env=environment, check=True)
            (home / "ready").touch()
    return home / "dbt"


def take_over(target: Path) -> None:
    """Copy what dbt made of the project for this checkout's own state, which `make setup` does.

    If a file of the project has changed since, it counts for nothing, as in any state.
    """
    home = Path(os.environ.get("REGULARS_HOME") or ROOT / ".regulars")
    made = [home / "dbt" / name for name in ("manifest.json", "partial_parse.msgpack")]
    if all(path.exists() for path in made):
        target.mkdir(parents=True)
        with (home / "dbt.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for path in made:
                shutil.copy2(path, target)
