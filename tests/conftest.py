"""What all tests share: how they are spread over processes, and the project as dbt reads it."""

import fcntl
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARSE = "from orchestration.project import parse; parse()"

# Several test processes with a thread per core each would stand in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Most that tests make lives as long as their file: looking for garbage again and again is wasted.
gc.set_threshold(50_000, 50, 50)

LONGEST = (
    # The first makes the demo that others share; the second needs none, so that nobody waits.
    "test_audiences.py",
    "test_empty_sources.py",
    "test_erasure.py",
    "test_online_retail.py",
    "test_shops.py",
    "test_sandbox.py",
    "test_crashes.py",
    "test_runs.py",
    "test_truth.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start what takes minutes first, so that no process is left alone with it at the end."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))


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
        if not home.exists():
            environment = {**os.environ, "REGULARS_HOME": str(home)}
            subprocess.run([sys.executable, "-c", PARSE], cwd=ROOT, env=environment, check=True)
    return home / "dbt"
