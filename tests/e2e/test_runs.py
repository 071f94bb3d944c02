"""A killed run, two runs at once: the platforms end in the desired state."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from activation.destinations.fcm import Fcm
from sandbox.platforms.server import running

ROOT = Path(__file__).parents[2]
REGULARS = Path(sys.executable).with_name("regulars")

# Deliver like `regulars sync`, but to platforms that outlive us and answer slowly.
SYNC = """
import os, sys
from orchestration.platforms import addresses
os.environ.update(addresses(sys.argv[1], "sandbox-token"))
from orchestration.runs import run_daily
from orchestration.settings import read_settings
sys.exit(not run_daily(read_settings(), ["activation/" + sys.argv[2]]).is_success)
"""


def held(url, vendor):
    """Return every audience of a vendor with its members, comparable between two moments."""
    audiences = httpx.get(f"{url}/_state/{vendor}/audiences").json()["audiences"]
    members = {}
    for audience in audiences:
        found = httpx.get(f"{url}/_state/{vendor}/audiences/{audience['id']}/members").json()
        members[audience["name"]] = sorted(
            m.get("external_id")
            or m.get("EXTERN_ID")
            or m.get("token")
            or str(m.get("identifiers"))
            for m in found["members"]
        )
    return members


def test_a_killed_delivery_is_finished_by_the_next_sync(demo, tmp_path):
    """After SIGKILL `regulars sync` completes it and repeats only what was in flight."""
    state = demo.copy(tmp_path / "home")
    sync = "fcm__loyal_early_access"
    platforms = state.home / "platforms.sqlite"
    with running(platforms, polls=0, rate_factor=1000) as url:
        wanted = held(url, "fcm")
        httpx.post(f"{url}/_reset")
        forget(state, sync)
        # The first three are answered at once; whatever comes after them hangs.
        slow = {"vendor": "fcm", "path_contains": "topicSubscriptions", "skip": 3}
        slow["delay_seconds"] = 60
        httpx.post(f"{url}/_faults", json=slow)
        environment = state.environment()
        command = [sys.executable, "-W", "ignore", "-c", SYNC, url, sync]
        child = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
        wait_until(lambda: httpx.get(f"{url}/_requests/summary").json()["changed_state"] >= 2)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        httpx.delete(f"{url}/_faults")
        halfway = held(url, "fcm")

    state.run("sync", sync)

    with running(platforms) as url:
        assert 0 < sum(map(len, halfway.values())) < sum(map(len, wanted.values()))
        assert held(url, "fcm") == wanted
        seen = httpx.get(f"{url}/_requests").json()["requests"]
    asked = sum(request["path"].endswith("topicSubscriptions") for request in seen)
    assert asked - sum(map(len, wanted.values())) <= Fcm.capabilities.in_flight


def forget(state, sync):
    """Make the ledger forget one sync, as before its first run."""
    import duckdb

    with duckdb.connect(str(state.home / "warehouse.duckdb")) as connection:
        for table in ("sync_rows", "plan_rows", "runs", "rejections", "leases"):
            connection.execute(f"delete from ledger.{table} where sync = '{sync}'")
        connection.execute("delete from ledger.targets")


def wait_until(condition, seconds=240):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.1)


@pytest.mark.slow
def test_two_more_runs_at_once_with_a_reader_and_the_ui_change_nothing(demo, tmp_path):
    """While Dagster's UI is open and an analyst holds the serving copy, two more runs both succeed
    and change nothing at the platforms."""
    state = demo.copy(tmp_path / "home")
    first = state.summary
    environment = {**state.environment(), "DAGSTER_HOME": str(state.home / "dagster")}
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(state.home / "serving.duckdb")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    webserver = Path(sys.executable).with_name("dagster-webserver")
    with (state.home / "logs/webserver.log").open("w") as log:
        ui = subprocess.Popen(
            [webserver, "-w", ROOT / "orchestration/workspace.yaml", "-p", str(free_port())],
            cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        assert reader.stdout.readline().strip() != "0"
        command = [REGULARS, "demo", "--size", "tiny", "--seed", "3"]
        runs = [
            subprocess.Popen(
                command, env=state.environment(), stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
            )
            for _ in range(2)
        ]  # fmt: skip
        said = [run.communicate(timeout=400)[0] for run in runs]

        assert [run.returncode for run in runs] == [0, 0], said
        assert reader.poll() is None
        assert ui.poll() is None
        assert_nothing_changed(first, state.summary)
    finally:
        reader.kill()
        os.killpg(ui.pid, signal.SIGKILL)
        reader.communicate()
        ui.wait()


def assert_nothing_changed(first, last):
    """The platforms got no request that changes state, and every audience is as large as before."""
    assert first["platforms"]["changed_state"] > 0
    assert last["platforms"]["changed_state"] == 0
    for before, after in zip(first["syncs"], last["syncs"], strict=True):
        assert after["acknowledged"] == before["acknowledged"]
        assert (after["added"], after["changed"], after["removed"]) == (0, 0, 0)
    assert last["people"] == first["people"]
    assert last["stages"] == first["stages"]


READER = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1], read_only=True)
print(connection.execute("select count(*) from core.customers").fetchall()[0][0], flush=True)
time.sleep(900)
"""


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_plan_explain_and_check_tell_without_sending(demo):
    """The commands that only look print what a person needs and leave no trace at the platforms."""
    customer = demo.query(
        "select customer_id from core.customers "
        "inner join insight.activity_declines using (customer_id) "
        "where email_contact_point_id is not null and count_orders > 0 and is_open "
        "order by 1 limit 1"
    )[0][0]

    plan = demo.run("plan", "klaviyo__win_back").stdout
    explained = demo.run("explain", customer).stdout
    checked = demo.run("check").stdout
    unknown = demo.run("explain", "nobody@nowhere.example", check=False)

    assert "klaviyo__win_back" in plan
    assert "blocked" in plan
    assert not re.search(r"\badd \d", plan)
    assert customer in explained
    assert "phase" in explained
    for told in (
        "within 90 days",
        "orders within 365 days, worth",
        "usual",
        "lead score",
        "falling, noticed on",
    ):
        assert told in explained
    for sync in demo.summary["syncs"]:
        assert sync["sync"] in explained
        assert sync["sync"] in checked
    assert unknown.returncode == 1
    assert "Nobody has this identifier" in unknown.stderr
    assert "nobody@nowhere" not in unknown.stderr


def test_an_unknown_sync_is_refused_with_the_list(demo):
    """A typing error names what there is."""
    done = demo.run("sync", "klaviyo__winback", check=False)

    assert done.returncode == 1
    assert "klaviyo__win_back" in done.stderr
