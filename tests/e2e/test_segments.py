"""Segments on a whole shop: no false alarm in a year, and a real one stops what it should stop."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import httpx
import pytest

from sandbox.platforms.server import running

ROOT = Path(__file__).parents[2]
DBT = Path(sys.executable).with_name("dbt")
SYNC = "klaviyo__win_back"
AUDIENCE = "Win back"
MODELS = (
    "stg_landing__clock", "segment_members", "segments", "int_segment_sizes_measured",
    "segment_sizes", "int_segment_sizes_compared", "int_segment_sizes_judged",
    "segment_deviations",
)  # fmt: skip
ALARM = "assert_segments_have_their_usual_size"


def test_a_year_of_ordinary_days_raises_at_most_one_alarm_per_segment_and_quarter(demo):
    """Christmas included: what comes every week or every winter is no deviation, or one."""
    judged = demo.query("""
        select segment, count(*) from insight.segment_deviations
        where verdict in ('usual', 'deviating') group by 1
    """)
    alarms = demo.query("""
        select segment, date_trunc('quarter', deviating_since), count(distinct deviating_since)
        from insight.segment_deviations
        where is_deviating group by 1, 2 having count(distinct deviating_since) > 1
    """)

    assert len(judged) >= 4
    assert min(count for _, count in judged) > 330
    assert alarms == []


@pytest.mark.slow
def test_a_segment_that_lost_two_fifths_is_told_and_its_sync_waits(demo, tmp_path):
    """The next run warns, nobody whom the gate allows is lost, naming the plan resumes."""
    state = demo.copy(tmp_path / "home")
    before = members(state)
    lose(state)

    said = build(state, *MODELS, f"sync_{SYNC}", ALARM)
    planned = state.run("plan", SYNC).stdout
    synced = state.run("sync", SYNC).stdout
    after = members(state)
    digest = re.search(r"plan ([0-9a-f]{12})", state.run("plan", SYNC).stdout).group(1)
    resumed = state.run("sync", SYNC, "--plan", digest).stdout

    assert f"WARN 1 {ALARM}" in said
    assert state.query(
        "select segment from insight.segment_deviations where is_current and is_deviating"
    ) == [("win_back",)]
    for output in (planned, synced):
        assert f"{SYNC} is paused" in output
        assert "segment win_back has" in output
    assert before - after <= expired(state)
    assert "is paused" not in resumed
    assert len(members(state)) < 0.75 * len(before)


def members(state):
    """Return whom the list of a state's platform holds."""
    with running(state.home / "platforms.sqlite") as url:
        answer = httpx.get(f"{url}/_state/klaviyo/audiences/{AUDIENCE}/members")
        return {member["external_id"] for member in answer.json()["members"]}


def lose(state):
    """Let a day pass and two fifths of the lost customers disappear."""
    with duckdb.connect(str(state.home / "warehouse.duckdb")) as connection:
        connection.execute("update raw.clock set as_of = as_of + interval 1 day")
        connection.execute("""
            delete from segments.segment_win_back
            where left_at is null and hash(customer_id) % 10 < 4
        """)


def expired(state):
    """Return who may not be mailed any more since the clock went on."""
    return {
        customer
        for (customer,) in state.query("""
            select customer_id from privacy.consents, raw.clock
            where purpose = 'marketing' and channel = 'email' and expires_at <= clock.as_of
        """)
    }


def build(state, *selection):
    """Build models, and the tests that are named; return what dbt says."""
    done = subprocess.run(
        [
            DBT, "--no-version-check", "--no-use-colors", "build", "--profiles-dir", ".",
            "--target-path", state.home / "target", "--log-path", state.home / "logs",
            "--indirect-selection", "empty", "--select", *selection,
        ],
        cwd=ROOT / "dbt_project", env=state.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout
