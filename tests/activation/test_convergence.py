"""Whatever is desired, refused, lost or killed: in the end the platform holds what it should."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.destinations import settings_for
from activation.errors import ActivationError, GuardRefused, LedgerImbalance
from activation.pacing import Patience
from activation.syncs import diff_sync, run_sync
from tests.activation.world import AS_OF, EASY_FCM, KEYS, World, world_in_memory

pytestmark = pytest.mark.slow

FCM_SETTINGS = settings_for(
    "fcm", {"REGULARS_FCM_ACCESS_TOKEN": "secret", "REGULARS_FCM_PROJECT_ID": "project"}
)
HASTE = Patience(first_wait=0.0, attempts=2)
CASES, EXAMPLES = 20, 25
MOST_RUNS = 12

# One case is a small audience with a history: few keys and few tokens, so that tokens move between
# keys, swap, vanish and come back; per step what the platform does to a token. Cases have nothing
# in common but the run they are delivered in: many of them side by side cost as much as one.
PERMITTED = st.sampled_from([True, True, True, False, None, None])
DESIRED = st.builds(
    lambda tokens, permitted: {
        key: (token, is_allowed)
        for key, (token, is_allowed) in enumerate(zip(tokens, permitted, strict=True))
        if is_allowed is not None
    },
    st.permutations(range(3)),
    st.tuples(PERMITTED, PERMITTED, PERMITTED),
)
FAULTS = st.dictionaries(
    st.integers(0, 2),
    st.sampled_from(["reject", "lost", "lost_after", "500", "500_after", "429", "once"]),
    max_size=2,
)
STEPS = 3
CASE = st.lists(st.tuples(DESIRED, FAULTS), min_size=STEPS, max_size=STEPS)
# After how many statements the process is killed in each step, if it is.
KILLS = st.lists(st.none() | st.integers(1, 90), min_size=STEPS, max_size=STEPS)


class KilledError(Exception):
    """The process is no more: nothing it says reaches the ledger."""


@dataclass
class Mortal:
    """A connection of a process that is killed after some statements, without last words."""

    connection: object
    left: int | None

    def _live(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KilledError

    def execute(self, *arguments):
        self._live()
        return self.connection.execute(*arguments)

    def stream(self, *arguments):
        self._live()
        return self.connection.stream(*arguments)

    def insert(self, *arguments):
        self._live()
        return self.connection.insert(*arguments)

    def table_exists(self, *arguments):
        return self.connection.table_exists(*arguments)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._live()
        with self.connection.transaction():
            yield
            self._live()


@dataclass
class Platform:
    """Subscriptions in memory, with a fault per token; it notes what should never have come."""

    subscribed: set[str] = field(default_factory=set)
    allowed: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)
    forbidden: list[str] = field(default_factory=list)
    requests: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request about one token."""
        self.requests += 1
        token = unquote(request.url.path.split("/registrations/")[1].split("/")[0])
        if request.method == "POST" and token not in self.allowed:
            self.forbidden.append(token)
        fault = self.faults.get(token)
        if fault == "once":
            del self.faults[token]
            return httpx.Response(503)
        if fault in (None, "lost_after", "500_after"):
            change = self.subscribed.add if request.method == "POST" else self.subscribed.discard
            change(token)
        return self._said(fault, request)

    def _said(self, fault: str | None, request: httpx.Request) -> httpx.Response:
        if fault in ("lost", "lost_after"):
            raise httpx.ReadError("lost", request=request)
        if fault == "reject":
            return httpx.Response(400, json={"error": {"status": "INVALID_ARGUMENT"}})
        status = {None: 200, "429": 429}.get(fault, 500)
        return httpx.Response(status, json={}, headers={"retry-after": "0"} if fault else {})


def put(world: World, states: list[dict[int, tuple[int, bool]]]) -> set[str]:
    """Desire one state per case, with its consents; return the tokens desired and allowed."""
    rows = [
        (f"c{case}-{key}", f"p{case}-{key}", f"t{case}-{token}", is_allowed)
        for case, state in enumerate(states)
        for key, (token, is_allowed) in state.items()
    ]
    execute = world.connection.execute
    for table in (world.spec.relation, "contact.contact_points", "privacy.consents"):
        execute(f"delete from {table}")
    if not rows:
        return set()
    execute(
        "create or replace temp table desired as select unnest(x.row, recursive := true) from"
        ' (select unnest(from_json(?, \'[{"c":"varchar","p":"varchar","t":"varchar",'
        '"a":"boolean"}]\')) as row) as x',
        (json.dumps([dict(zip("cpta", row, strict=True)) for row in rows]),),
    )
    execute(f"insert into {world.spec.relation} (customer_id, contact_point_id, token)"
            " select c, p, t from desired")  # fmt: skip
    execute("insert into contact.contact_points select p, c, 'push_token', 'push', t, true"
            " from desired")  # fmt: skip
    execute("insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
            " select p, 'marketing', 'push', a, 'withdrawn' from desired")  # fmt: skip
    return {token for _, _, token, is_allowed in rows if is_allowed}


def run(world, platform, kill=None):
    """Run the sync, killed after some statements if told so; a guard is passed by looking."""
    options = {"as_of": AS_OF, "keys": KEYS}
    with httpx.Client(transport=httpx.MockTransport(platform.answer)) as client:
        delivery = {**options, "client": client, "patience": HASTE}
        mortal = Mortal(world.connection, kill)
        try:
            return run_sync(mortal, world.spec, FCM_SETTINGS, **delivery)
        except GuardRefused:
            named = diff_sync(world.connection, world.spec, FCM_SETTINGS, **options).digest
            return run_sync(world.connection, world.spec, FCM_SETTINGS, **delivery, named=named)


def deliver_badly(world, platform, kill):
    """Run the sync whatever comes of it, except a plan whose states do not add up.

    Afterwards a killed process is dead for the lease, as its number would be.
    """
    try:
        run(world, platform, kill)
    except LedgerImbalance:
        raise
    except (KilledError, ActivationError):
        pass
    if world.connection.table_exists("ledger", "leases"):
        world.connection.execute("update ledger.leases set process_id = 2147480000")


def held(world):
    """Return the tokens the ledger says the platform holds or may hold."""
    found = world.connection.execute(
        "select json_extract_string(identifiers, '$.token') from ledger.sync_rows where is_held"
    )
    return {token for (token,) in found}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(st.lists(CASE, min_size=CASES, max_size=CASES), KILLS)
def test_every_history_converges(cases, kills):
    """Repeated runs end with platform = desired and allowed, an empty plan and no request.

    On the way nobody is sent without permission, every planned row ends in one state (or the run
    raises), and the ledger never forgets what the platform may hold.
    """
    platform = Platform()
    with world_in_memory(EASY_FCM) as world:
        world.connection.execute("set threads = 1")
        for step, kill in enumerate(kills):
            platform.allowed = put(world, [case[step][0] for case in cases])
            platform.faults = {
                f"t{number}-{token}": fault
                for number, case in enumerate(cases)
                for token, fault in case[step][1].items()
            }
            deliver_badly(world, platform, kill)
        platform.faults = {}
        runs = converge(world, platform)
        before = platform.requests
        last = diff_sync(world.connection, world.spec, FCM_SETTINGS, as_of=AS_OF, keys=KEYS)

        assert runs < MOST_RUNS
        assert platform.subscribed == platform.allowed
        assert held(world) == platform.subscribed
        assert set(last.counts) <= {"blocked"}
        assert platform.requests == before
        assert platform.forbidden == []


def converge(world, platform):
    """Run until nothing is planned and nothing waits; return how many runs that took."""
    for number in range(MOST_RUNS):
        summary = run(world, platform)
        assert platform.subscribed <= held(world)
        if summary.planned == 0 and "retry_later" not in summary.blocked_by_reason:
            return number
    return MOST_RUNS
