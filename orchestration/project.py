"""Locate the dbt project and its manifest; parsed when a model is newer than the manifest."""

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from orchestration.settings import CHECKOUT, read_settings

DBT_PROJECT = CHECKOUT / "dbt_project"
# dbt keeps nearly all it makes while it reads: looking for garbage takes an eighth of the time.
DBT = "import gc; gc.disable(); from dbt.cli.main import cli; cli()"


class DbtParseError(RuntimeError):
    """dbt cannot read the project."""


# dbt works in another folder: the path must be absolute.
settings = read_settings()
os.environ["REGULARS_HOME"] = str(settings.home)

# What dbt writes belongs to the state: two state folders never share a half-parsed project.
MANIFEST = settings.dbt_target / "manifest.json"
PARSED = settings.dbt_target / "partial_parse.msgpack"


@cache
def manifest() -> Mapping[str, Any]:
    """Return the parsed manifest, brought up to date first.

    Raises DbtParseError with dbt's own message when the project cannot be parsed.
    """
    parse()
    loaded: Mapping[str, Any] = json.loads(MANIFEST.read_text())
    return loaded


def parse() -> None:
    """Have dbt read the project, in a process of its own, unless it has done so already.

    Of several processes that find a change at once, one reads and the others wait for it.
    """
    if _is_parsed():
        return
    settings.create_folders()
    with (settings.home / "dbt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_parsed():
            _parse()


def _is_parsed() -> bool:
    """Say whether this dbt has read the project since a file of it changed.

    dbt itself would read everything anew for another state folder, because the path of the
    warehouse is another; nothing that it reads depends on that.
    """
    if not (MANIFEST.exists() and PARSED.exists()):
        return False
    return _newest_change() <= MANIFEST.stat().st_mtime and _dbt_version() == version("dbt-core")


def _dbt_version() -> str:
    """Return the dbt that wrote the manifest, which says so in its first lines."""
    with MANIFEST.open() as file:
        found = re.search(r'"dbt_version": "([^"]*)"', file.read(1000))
    return found[1] if found else ""


def _newest_change() -> float:
    watched = [DBT_PROJECT / "dbt_project.yml", DBT_PROJECT / "profiles.yml"]
    for folder in ("models", "macros", "seeds", "tests", "snapshots"):
        # A folder changes when a file of it is added, renamed or removed.
        watched += [DBT_PROJECT / folder, *(DBT_PROJECT / folder).rglob("*")]
    return max(path.stat().st_mtime for path in watched if path.exists())


def _parse() -> None:
    started = time.time()
    command = [
        sys.executable, "-c", DBT, "--no-version-check", "--quiet", "parse",
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(settings.dbt_target), "--log-path", str(settings.logs),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own dbt
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        msg = f"dbt cannot read the project in dbt_project/:\n{said}\nMend the file it names."
        raise DbtParseError(msg)
    # As old as its beginning: what was changed meanwhile is read next time.
    os.utime(MANIFEST, (started, started))
