"""Request windows: bursts, steady rates, scaling, and Klaviyo's headers around them."""

from __future__ import annotations

from pathlib import Path

import httpx

from sandbox.platforms.server import running_in_thread
from sandbox.platforms.vendor import Settings
from sandbox.platforms.windows import Limit, Windows

LIMITS = (Limit(2, 1), Limit(3, 60))
HEADERS = {
    "Authorization": "Klaviyo-API-Key sandbox-token",
    "revision": "2026-10-15",
    "Content-Type": "application/vnd.api+json",
}
LIST = {"data": {"type": "list", "attributes": {"name": "Nudge"}}}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 600.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_waits_for_the_next_second_and_a_rate_for_the_minute() -> None:
    """Each limit has its own window."""
    clock = Clock()
    windows = Windows(1.0, clock)

    verdicts = []
    for moment in (600.0, 600.1, 600.2, 601.0, 602.0, 660.0):
        clock.now = moment
        verdicts.append(windows.take("b", LIMITS))

    assert [v.allowed for v in verdicts] == [True, True, False, True, False, True]
    assert [v.reset_seconds for v in verdicts if not v.allowed] == [1, 58]


def test_the_longest_wait_counts() -> None:
    """When several limits are used up, the client is told to wait for the last of them."""
    windows = Windows(1.0, Clock())

    verdicts = [windows.take("b", (Limit(1, 1), Limit(1, 60))) for _ in range(2)]

    assert [(v.allowed, v.reset_seconds) for v in verdicts] == [(True, 1), (False, 60)]


def test_what_is_left_is_of_the_tightest_limit() -> None:
    """The remaining count is the smallest of all limits."""
    windows = Windows(1.0, Clock())

    assert [windows.take("b", LIMITS).remaining for _ in range(2)] == [1, 0]


def test_buckets_do_not_share_and_a_factor_scales() -> None:
    """Other buckets are untouched, and a factor of three allows three times as many."""
    windows = Windows(3.0, Clock())

    allowed = [windows.take("b", LIMITS[:1]).allowed for _ in range(7)]

    assert allowed == [True] * 6 + [False]
    assert windows.take("c", LIMITS[:1]).allowed


def test_klaviyo_throttles_with_retry_after(tmp_path: Path) -> None:
    """A success tells what is left; the call too many is told when to come again."""
    with (
        running_in_thread(tmp_path / "platforms.sqlite", Settings()) as url,
        httpx.Client(base_url=f"{url}/klaviyo", headers=HEADERS) as client,
    ):
        first = client.get("/api/profile-bulk-import-jobs/unknown/import-errors")
        created = client.post("/api/lists", json=LIST)
        answers = (client.post("/api/lists", json=LIST) for _ in range(320))
        refused = next(answer for answer in answers if answer.status_code == 429)

    assert "ratelimit-limit" not in first.headers
    assert created.headers["ratelimit-limit"] == "10, 10;w=1, 150;w=60"
    assert created.headers["ratelimit-remaining"] == "9"
    assert created.headers["ratelimit-reset"] == "1"
    assert int(refused.headers["retry-after"]) >= 1
    assert "ratelimit-limit" not in refused.headers
    assert refused.json()["errors"][0]["code"] == "throttled"


def test_klaviyo_creates_so_many_lists_a_day(tmp_path: Path) -> None:
    """The daily limit is kept in the state: it outlives the server."""
    database = tmp_path / "platforms.sqlite"
    with (
        running_in_thread(database, Settings(rate_factor=1_000)) as url,
        httpx.Client(base_url=f"{url}/klaviyo", headers=HEADERS) as client,
    ):
        created = [client.post("/api/lists", json=LIST).status_code for _ in range(150)]

    with running_in_thread(database, Settings()) as url:
        refused = httpx.post(f"{url}/klaviyo/api/lists", json=LIST, headers=HEADERS)

    assert set(created) == {201}
    assert refused.status_code == 429
    assert "daily" in refused.json()["errors"][0]["detail"]
