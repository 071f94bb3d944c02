"""Tests of the command line of the simulated shop."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Run the command with a landing and a truth folder."""
    places = ["--landing", str(folder / "landing"), "--truth", str(folder / "truth")]
    command = [sys.executable, "-m", "sandbox.shop", *places, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_command_reports_every_table(tmp_path):
    """The command writes a shop and lists the rows of every table."""
    done = run(tmp_path, "--size", "tiny", "--until", "2024-01-31", "--set", "bot_share=0")

    assert done.returncode == 0, done.stderr
    assert "shop.orders" in done.stdout
    assert "rows added until 2024-01-31" in done.stdout
    assert (tmp_path / "landing" / "manifest.json").exists()


def test_command_names_the_closest_parameter(tmp_path):
    """A misspelt parameter ends the command with one line, before anything is written."""
    done = run(tmp_path, "--set", "bot_shares=0")

    assert done.returncode == 2
    assert done.stderr == ("The world has no parameter 'bot_shares'. Did you mean 'bot_share'?\n")
    assert not (tmp_path / "landing").exists()
