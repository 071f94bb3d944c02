"""Processes that send with one credential keep to its rate together, whoever of them dies."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.destinations import settings_for
from activation.destinations.capabilities import Rate
from activation.destinations.klaviyo import Klaviyo
from activation.errors import PlatformBusy
from activation.pacing import Pace, Patience, jittered, pace_for
from activation.shared_rates import LONGEST_TRIP, SharedRates, shared_rates
from activation.syncs import run_sync
from tests.activation.test_pacing import Clock, most_within
from tests.activation.world import AS_OF, KEYS, people

ROOT = Path(__file__).parents[2]
RATE = Rate(10, 600)
SENDER = "tests.activation.rate_process"


def senders(path, *seconds):
    """Start processes that take turns, each for some seconds, and print the moment of each.

    They begin together, however long the machine takes to load them.
    """
    commands = ([sys.executable, "-m", SENDER, str(path), str(one)] for one in seconds)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=ROOT, **pipes) for command in commands]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("begin\n")
        process.stdin.flush()
    return processes


def moments(process):
    """Return the moments of the turns a process took."""
    return [float(line) for line in process.communicate(timeout=60)[0].split()]


def test_two_processes_together_stay_below_the_limit_and_none_starves(tmp_path):
    """No second holds more than the burst, and each of the two gets its share."""
    path = tmp_path / "rate.json"
    SharedRates(path).book("send", time.time(), 0.0, 1)
    both = senders(path, 4, 4)
    taken = [moments(process) for process in both]

    common_end = min(max(one) for one in taken)
    common_start = max(min(one) for one in taken)
    shares = [sum(common_start <= moment <= common_end for moment in one) for one in taken]
    assert most_within(sorted([*taken[0], *taken[1]]), 1.0) <= RATE.burst_per_second
    assert min(shares) >= 0.25 * sum(shares)


def test_the_death_of_a_process_holds_nobody_up(tmp_path):
    """Killed while it takes turns as fast as it can, it leaves neither a lock nor a full bucket."""
    path = tmp_path / "rate.json"
    victim, other = senders(path, 30, 4)
    victim.stdout.readline()
    time.sleep(0.5)
    victim.send_signal(signal.SIGKILL)
    killed_at = time.time()
    victim.communicate()

    later = [moment for moment in moments(other) if moment > killed_at + 1]
    assert len(later) >= 5
    assert most_within(later, 1.0) <= RATE.burst_per_second


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(61, 5_000),
    st.lists(st.tuples(st.integers(0, 2), st.floats(0, 3)), min_size=2, max_size=80),
)
def test_no_window_exceeds_the_rate_however_turns_are_interleaved(
    tmp_path_factory, burst, steady, acts
):
    """Three processes that wait as they like between their turns are one to the platform."""
    clock = Clock()
    file = SharedRates(tmp_path_factory.mktemp("rates") / "r.json")
    rate = Rate(burst, steady)
    paces = [Pace(rate, lambda seconds: False, clock.now, {}, file) for _ in range(3)]
    taken = []
    for who, pause in acts:
        clock.moment += pause
        taken.append(clock.moment + paces[who]._reserve("send"))

    assert most_within(taken, 1.0) <= max(burst, steady // 60 + 1)
    assert most_within(taken, 60.0) <= steady


def test_turns_are_leased_in_blocks_where_they_come_fast(tmp_path, monkeypatch):
    """At ten thousand a second the file is asked for a small part of them."""
    clock, booked = Clock(), []
    file = SharedRates(tmp_path / "r.json")
    monkeypatch.setattr(
        SharedRates, "book", lambda self, *turns: (booked.append(turns), (turns[1], 0.0))[1]
    )
    pace = Pace(Rate(10_000, 600_000), clock.wait, clock.now, {}, file)
    for _ in range(5_000):
        pace.take_turn("send")

    assert len(booked) <= 20


def test_a_file_that_is_no_such_file_is_begun_anew(tmp_path):
    """Half a line of a killed process stops nobody."""
    path = tmp_path / "r.json"
    for content in (b'{"free_at": {"se', b"[]", b"\xff", b'{"free_at": 1}'):
        path.write_bytes(content)
        assert SharedRates(path).book("send", 5.0, 1.0, 1) == (5.0, 0.0)
        assert json.loads(path.read_text())["free_at"] == {"send": 6.0}


def test_a_clock_that_was_set_back_holds_nobody_up(tmp_path):
    """A moment far ahead is not believed."""
    file = SharedRates(tmp_path / "r.json")
    file.book("send", 1_000_000.0, 1.0, 1)

    assert file.book("send", 5.0, 1.0, 1)[0] == 5.0


def test_each_credential_has_a_file_of_its_own_that_does_not_name_it(tmp_path):
    """Two keys have two quotas."""
    one, other = (
        shared_rates(tmp_path, Klaviyo(settings_for("klaviyo", {"REGULARS_KLAVIYO_API_KEY": key})))
        for key in ("pk_one", "pk_other")
    )
    one.book("send", 1.0, 1.0, 1)

    assert one.path != other.path
    assert "pk_" not in str(one.path) + one.path.read_text()


def test_a_wait_that_a_platform_asked_for_holds_the_next_run_back(world, klaviyo, tmp_path):
    """An hour is an hour: the next run asks nothing before it is over."""
    world.desire(people(2))
    world.allow(people(2))
    klaviyo.interfere = lambda request: httpx.Response(429, headers={"retry-after": "3600"})
    mine = settings_for("klaviyo", {"REGULARS_KLAVIYO_API_KEY": "secret"})
    options = {
        "as_of": AS_OF,
        "keys": KEYS,
        "client": klaviyo.client(),
        "patience": Patience(first_wait=0.0, rates_folder=tmp_path / "rates"),
    }
    for _ in range(2):
        with pytest.raises(PlatformBusy, match="Run the sync again after it"):
            run_sync(world.connection, world.spec, mine, **options)

    assert len(klaviyo.requests) == 1


def test_a_platform_that_keeps_failing_is_left_alone_longer_each_time(tmp_path):
    """The circuit breaker of a credential: the wait doubles up to a limit, an answer ends it."""
    file = SharedRates(tmp_path / "r.json")
    clock = Clock()
    pace = Pace(Rate(10, 600), clock.wait, clock.now, {}, file)
    waits = []
    for _ in range(8):
        pace.trip()
        pace.look()
        waits.append(pace.closed_for())
        clock.moment += waits[-1]
    pace.mend()
    pace.trip()
    pace.look()

    assert waits[:3] == [30.0, 60.0, 120.0]
    assert waits[-1] == LONGEST_TRIP
    assert pace.closed_for() == 30.0


def test_this_machine_is_nobodys_quota(tmp_path):
    """The sandbox is paced by each run alone."""
    there = settings_for("klaviyo", {"REGULARS_KLAVIYO_API_KEY": "secret"})
    here = replace(there, base_url="http://127.0.0.1:8000/klaviyo")
    patience = Patience(rates_folder=tmp_path)

    assert pace_for(Klaviyo(there), patience, lambda seconds: False).shared is not None
    assert pace_for(Klaviyo(here), patience, lambda seconds: False).shared is None


def test_waits_are_spread_and_never_cut_short():
    """Those who failed together come back one after the other."""
    waits = [jittered(8.0) for _ in range(200)]

    assert 8.0 <= min(waits) < 8.5 < 9.5 < max(waits) <= 10.0
    assert 8.0 <= max(jittered(8.0, most=1.0) for _ in range(200)) <= 9.0


def test_the_file_is_its_owners_alone(tmp_path):
    """Nobody else can hold a sync up by writing into it."""
    file = SharedRates(tmp_path / "r.json")
    file.book("send", 1.0, 1.0, 1)

    assert os.stat(file.path).st_mode & 0o077 == 0
