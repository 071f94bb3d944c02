"""Locate the dbt project and its manifest; parsed when a model is newer than the manifest."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.settings import CHECKOUT, read_settings

DBT_PROJECT = CHECKOUT / "dbt_project"
DBT = Path(sys.executable).with_name("dbt")


class DbtParseError(RuntimeError):
    """dbt cannot read the project."""


# dbt works in another folder: the path must be absolute.
settings = read_settings()
os.environ["REGULARS_HOME"] = str(settings.home)
os.environ["DBT_TARGET_PATH"] = str(settings.dbt_target)
os.environ["PATH"] = f"{DBT.parent}{os.pathsep}{os.environ.get('PATH', '')}"

# What dbt writes belongs to the state: two state folders never share a half-parsed project.
MANIFEST = settings.dbt_target / "manifest.json"


@cache
def manifest() -> Mapping[str, Any]:
    """Return the parsed manifest, brought up to date first.

    Raises DbtParseError with dbt's own message when the project cannot be parsed.
    """
    parse()
    loaded: Mapping[str, Any] = json.loads(MANIFEST.read_text())
    return loaded


def parse() -> None:
    """Have dbt read the project, in a process of its own, unless it has done so already."""
    if not _is_parsed():
        _parse()


def _is_parsed() -> bool:
    """Say whether the manifest is of this state folder and no file of the project is newer.

    dbt parses everything anew when the path of the warehouse has changed, at every call: parse
    once, then every call is quick.
    """
    seen = _seen_home()
    is_ours = seen.exists() and seen.read_text() == str(settings.home)
    return is_ours and MANIFEST.exists() and _newest_change() <= MANIFEST.stat().st_mtime


def _seen_home() -> Path:
    return settings.dbt_target / "home.txt"


def _newest_change() -> float:
    watched = [DBT_PROJECT / "dbt_project.yml", DBT_PROJECT / "profiles.yml"]
    for folder in ("models", "macros", "seeds", "tests", "snapshots"):
        watched += (DBT_PROJECT / folder).rglob("*")
    return max(path.stat().st_mtime for path in watched if path.is_file())


def _parse() -> None:
    settings.create_folders()
    command = [
        str(DBT), "--no-version-check", "--quiet", "parse",
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(settings.dbt_target), "--log-path", str(settings.logs),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own dbt
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        msg = f"dbt cannot read the project in dbt_project/:\n{said}\nMend the file it names."
        raise DbtParseError(msg)
    # An unchanged project leaves its manifest alone; mark it as seen.
    MANIFEST.touch()
    _seen_home().write_text(str(settings.home))
