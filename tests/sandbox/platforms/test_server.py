"""The server as a process: quick to start, gone with its parent, its state kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sandbox.platforms.server import PlatformsNotStarted, running

CHECKOUT = Path(__file__).resolve().parents[3]
AUDIENCE = {
    "name": "Win back",
    "subtype": "CUSTOM",
    "customer_file_source": "USER_PROVIDED_ONLY",
    "access_token": "sandbox-token",
}
PARENT = """
import sys, time
from pathlib import Path
from sandbox.platforms.server import running
with running(Path(sys.argv[1])) as url:
    print(url, flush=True)
    time.sleep(60)
"""


def answers(url: str) -> bool:
    """Say whether a server answers."""
    try:
        return httpx.get(f"{url}/_state").status_code == 200
    except httpx.TransportError:
        return False


def becomes_true(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_the_state_outlives_the_server(tmp_path: Path) -> None:
    """Audiences, users and the request log are there after a restart; the server is not."""
    database = tmp_path / "state" / "platforms.sqlite"
    with running(database) as url:
        created = httpx.post(f"{url}/meta/v26.0/act_1/customaudiences", json=AUDIENCE)
        payload = {"schema": ["EXTERN_ID"], "data": [["c1"]]}
        httpx.post(
            f"{url}/meta/v26.0/{created.json()['id']}/users",
            json={"payload": payload, "access_token": "sandbox-token"},
        )

    assert not answers(url)
    with running(database) as url:
        (audience,) = httpx.get(f"{url}/_state").json()["audiences"]
        summary = httpx.get(f"{url}/_requests/summary").json()
    assert (audience["name"], audience["count_members"]) == ("Win back", 1)
    assert (summary["requests"], summary["changed_state"]) == (2, 2)


def test_the_server_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed takes the server with it."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "platforms.sqlite")],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        url = parent.stdout.readline().strip()
        assert answers(url)

        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()

    assert becomes_true(lambda: not answers(url))


def test_two_servers_share_a_state(tmp_path: Path) -> None:
    """What one server was told, the other shows."""
    database = tmp_path / "platforms.sqlite"
    with running(database) as first, running(database) as second:
        for url in (first, second, first):
            httpx.post(f"{url}/meta/v26.0/act_1/customaudiences", json=AUDIENCE)
        audiences = httpx.get(f"{second}/_state").json()["audiences"]

    assert len({audience["id"] for audience in audiences}) == 3


def test_a_failed_start_says_why(tmp_path: Path) -> None:
    """A state file that cannot be opened is one clear error."""
    (tmp_path / "platforms.sqlite").write_text("this is no database, but long enough" * 10)

    with (
        pytest.raises(PlatformsNotStarted, match="not a database"),
        running(tmp_path / "platforms.sqlite"),
    ):
        pass


def test_the_command_line_tells_when_it_is_ready(tmp_path: Path) -> None:
    """The base URL is written to the ready file and printed; a signal ends the server."""
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "sandbox.platforms", "--database", str(tmp_path / "p.sqlite")]
    child = subprocess.Popen(
        [*command, "--ready-file", str(ready), "--polls", "0"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "REGULARS_SANDBOX_TOKEN": "another"},
    )
    assert becomes_true(ready.exists)
    url = ready.read_text()

    listed = httpx.get(
        f"{url}/google/v1/accountTypes/GOOGLE_ADS/accounts/1/userLists",
        headers={"Authorization": "Bearer another"},
    )
    child.terminate()
    printed, _ = child.communicate(timeout=60)

    assert listed.status_code == 200
    assert printed.strip() == url
    assert not answers(url)
