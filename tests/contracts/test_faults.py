"""Every platform, every fault: the platform ends as desired, or the run ends by a named error.

After the fault the next runs bring the platform to what is desired, and plan nothing any more.
"""

import httpx
import pytest

from activation.errors import ActivationError, AuthenticationRefused, PlatformBusy, PlatformRefused
from activation.syncs import diff_sync
from sandbox.platforms.server import running
from tests.activation.world import AS_OF, KEYS, world_at
from tests.contracts.test_sandbox import SYNCS, identifiers, members, row, run, settings

pytestmark = pytest.mark.slow

ROWS, MOST_RUNS = 4, 5
HUBSPOT = {
    "X-HubSpot-RateLimit-Remaining": "0",
    "X-HubSpot-RateLimit-Interval-Milliseconds": "10",
}
PAST = "Wed, 21 Oct 2015 07:28:00 GMT"
LOST = {"drop_connection": True, "when": "after"}
# Fault: what the platform does, the errors by which the run may end, and the platforms whose own
# way it is. tests/contracts/test_sandbox.py has 502, 503, 429 and lost answers at the beginning.
FAULTS = {
    "429 without a header": ({"status": 429}, ()),
    "429 for an hour": ({"status": 429, "headers": {"Retry-After": "3600"}}, (PlatformBusy,)),
    "half a body after the work": ({"status": 200, "body": "{" + " " * 200, **LOST}, ()),
    "success as HTML": ({"status": 200, "body": "<html>welcome</html>"}, ()),
    "success without a body": ({"status": 200, "body": ""}, ()),
    "reset in the middle of a run": ({"drop_connection": True, "skip": 2}, ()),
    "answer lost in the middle of a run": ({"skip": 2, **LOST}, ()),
    "token expired in the middle of a run": ({"status": 401, "skip": 1}, (AuthenticationRefused,)),
    "bare 403": ({"status": 403, "body": ""}, (PlatformRefused,)),
    "410": ({"status": 410}, (PlatformRefused,)),
    "429 with a date": ({"status": 429, "headers": {"Retry-After": PAST}}, (), "webhook"),
    "429 in Brevo's words": (
        {"status": 429, "headers": {"x-sib-ratelimit-reset": "0"}}, (), "brevo",
    ),
    "429 in HubSpot's words": ({"status": 429, "headers": HUBSPOT}, (), "hubspot"),
    "429 in RateLimit headers": (
        {"status": 429, "headers": {"RateLimit-Remaining": "0", "RateLimit-Reset": "0"}}, (),
        "klaviyo",
    ),
    "slow": ({"delay_seconds": 0.2}, (), "klaviyo"),
    "success as a list": ({"status": 200, "body": [1, 2]}, (), "google"),
    "504": ({"status": 504}, (), "google"),
    "402": ({"status": 402}, (PlatformRefused,), "hubspot"),
    "415": ({"status": 415}, (PlatformRefused,), "klaviyo"),
    "moved": ({"status": 308, "headers": {"location": "/x"}}, (PlatformRefused,), "meta"),
}  # fmt: skip
# A webhook's success is one whatever its body says; one that is gone is not asked again.
IMPOSSIBLE = {("webhook", fault) for fault in ("success as HTML", "success without a body", "410")}
CELLS = [
    (vendor, fault)
    for fault, (_, _, *own) in FAULTS.items()
    for vendor in own or SYNCS
    if (vendor, fault) not in IMPOSSIBLE
]


@pytest.fixture(scope="module")
def platforms(tmp_path_factory):
    """Run the sandbox's platforms."""
    with running(tmp_path_factory.mktemp("platforms") / "p.sqlite", port=0, rate_factor=50) as url:
        yield url


@pytest.fixture
def client(platforms):
    """Return a client to look at the platforms with, over platforms that know nothing yet."""
    with httpx.Client() as one:
        one.post(f"{platforms}/_reset").raise_for_status()
        one.delete(f"{platforms}/_faults")
        yield one


@pytest.mark.parametrize(("vendor", "fault"), CELLS)
def test_a_fault_costs_time_and_no_members(tmp_path, platforms, client, vendor, fault):
    """One person is there already, one has left, the others are new when the fault strikes."""
    described, errors, *_ = FAULTS[fault]
    spec = SYNCS[vendor]
    address = "token" if vendor == "fcm" else "email"
    with world_at(tmp_path / "w.duckdb", spec, max_removal_share=1.0, max_size_change=9.0) as world:
        rows = [row(spec, number) for number in range(ROWS + 1)]
        world.allow(rows, address)
        world.desire(rows[:2])
        run(world, platforms)
        world.desire(rows[1:])
        answer = client.post(
            f"{platforms}/_faults", json={"vendor": vendor, "times": 2, **described}
        )
        assert answer.is_success, answer.text
        error = None
        try:
            run(world, platforms)
        except ActivationError as stopped:
            error = stopped
        client.delete(f"{platforms}/_faults")
        runs = converge(world, platforms)
        mine = settings(platforms, spec.destination)
        again = diff_sync(world.connection, world.spec, mine, as_of=AS_OF, keys=KEYS)

    assert error is None or isinstance(error, errors)
    assert runs < MOST_RUNS
    assert members(client, platforms, vendor) == identifiers(vendor, rows[1:])
    assert again.counts == {}


def converge(world, url):
    """Run until nothing is planned and nothing waits; return how many runs that took."""
    for number in range(MOST_RUNS):
        summary = run(world, url)
        if summary.planned == 0 and not summary.blocked_by_reason:
            return number
    return MOST_RUNS
