"""Requests keep to a platform's rate; waits are bounded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.destinations import DESTINATIONS
from activation.destinations.capabilities import Polling, Rate
from activation.pacing import Pace, Patience, poll_delay, polled_long_enough


class Clock:
    """A clock that moves only by waiting."""

    def __init__(self):
        self.moment = 1000.0

    def now(self):
        return self.moment

    def wait(self, seconds):
        self.moment += seconds
        return False


def turns(rate, count, step="send", **options):
    """Return the moments at which requests may go out."""
    clock = Clock()
    pace = Pace(rate, clock.wait, clock.now, **options)
    moments = []
    for _ in range(count):
        pace.take_turn(step)
        moments.append(clock.moment)
    return moments


def most_within(moments, seconds):
    """Return the largest number of moments in any window of this length."""
    return max(sum(start <= other < start + seconds for other in moments) for start in moments)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(60, 900))
def test_no_window_exceeds_the_rate(burst, steady):
    """No second holds more than the burst, no minute more than the steady rate."""
    moments = turns(Rate(burst, steady), 200)

    assert most_within(moments, 1.0) <= max(burst, steady // 60 + 1)
    assert most_within(moments, 60.0) <= steady


@pytest.mark.parametrize("name", ["klaviyo", "google_customer_match", "meta_custom_audiences"])
def test_published_rates_are_kept(name):
    """The platforms' own figures hold in every second and minute."""
    rate = DESTINATIONS[name].capabilities.rate
    moments = turns(rate, 400)

    assert most_within(moments, 1.0) <= rate.burst_per_second
    assert most_within(moments, 60.0) <= rate.steady_per_minute


def test_steps_have_rates_of_their_own():
    """A lookup may go faster than an import."""
    slow = turns(Rate(1, 60), 5)
    fast = turns(Rate(1, 60), 5, step="find", step_rates={"find": Rate(10, 600)})

    assert fast[-1] < slow[-1]


def test_pause_holds_everything_back():
    """When the platform asks for a wait, every kind of request waits."""
    clock = Clock()
    pace = Pace(Rate(10, 600), clock.wait, clock.now)
    pace.pause(30)

    pace.take_turn("anything")

    assert clock.moment >= 1030


def test_waits_double_up_to_a_limit():
    """Patience grows but ends."""
    patience = Patience(first_wait=1, longest_wait=5)

    assert [patience.wait_after(attempt) for attempt in range(4)] == [1, 2, 4, 5]


def test_polls_slow_down_and_end():
    """A job is asked for less and less often, and not for ever."""
    polling = Polling(first=1, factor=2, longest=4, patience=10)

    assert [poll_delay(polling, polls) for polls in range(4)] == [1, 2, 4, 4]
    assert [polled_long_enough(polling, polls) for polls in range(5)] == [False] * 4 + [True]
