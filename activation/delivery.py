"""Deliver a sealed plan batch by batch, every outcome committed; the only place with HTTP."""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import httpx

from activation.addresses import GuardedTransport, tls_context
from activation.batch_result import BatchResult
from activation.conversation import Conversation, Unanswered
from activation.destinations.base import (
    Batch,
    Destination,
    Document,
    Operation,
    Request,
    Response,
    Target,
)
from activation.destinations.reach import SealingDestination, check_url
from activation.errors import (
    ActivationError,
    PlatformUnreachable,
    ReceiverGone,
    TargetMissing,
)
from activation.jobs import Job, Mailbox
from activation.lease import Lease
from activation.ledger import Ledger, Note
from activation.pacing import Pace, Patience, pace_for
from activation.plan_reader import WINDOW_ROWS, PlanReader
from activation.recheck import Recheck
from activation.rows import values_reader
from activation.targets import (
    forget_target,
    known_target,
    remember_gone,
    remember_target,
)

Progress = Callable[[int, int], None]
Done = tuple[int, BatchResult]

# They log whole addresses, and those hold push tokens and e-mail addresses.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_HEARTBEAT_SECONDS = 10.0
_MOST_FAILED_BATCHES = 3


def utc_now() -> datetime:
    """Return the wall clock in UTC, with its zone."""
    return datetime.now(UTC)


def http_client(destination: Any) -> httpx.Client:
    """Return a client that follows no redirect and gives up on a silent platform.

    A destination with an address rule is talked to directly: a proxy resolves names by itself.
    """
    rule = getattr(destination, "address_rule", None)
    if rule is None:
        return httpx.Client(timeout=_TIMEOUT, verify=tls_context())
    return httpx.Client(timeout=_TIMEOUT, transport=GuardedTransport(rule), trust_env=False)


@dataclass(frozen=True)
class HttpSender:
    """Send a destination's requests; credentials are added here and nowhere kept."""

    client: httpx.Client
    destination: Destination
    clock: Callable[[], datetime] = utc_now

    def __call__(self, request: Request) -> Response:
        """Return the platform's answer.

        Raise Unanswered when there is none, AddressRefused when nothing may be sent there.
        """
        url = request.address or self.destination.base_url.rstrip("/") + request.path
        rule = getattr(self.destination, "address_rule", None)
        if rule is not None:
            check_url(url, rule)
        if isinstance(self.destination, SealingDestination) and not request.address:
            request = self.destination.sealed(request, self.clock())
        headers, parameters = dict(request.headers), dict(request.parameters)
        if not request.address:
            headers = {**self.destination.headers(), **headers}
            parameters |= self.destination.parameters()
        if request.body is not None:
            headers["content-type"] = request.content_type
        try:
            answer = self.client.request(
                request.method,
                url,
                params=parameters or None,
                content=request.body,
                headers=headers,
            )
        except _NEVER_SENT:
            raise Unanswered("no_connection", was_sent=False) from None
        except httpx.RequestError:
            raise Unanswered("no_answer", was_sent=True) from None
        return Response(answer.status_code, _lower(answer.headers), answer.content)


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@dataclass
class Delivery:
    """One run's plan on its way to the platform."""

    ledger: Ledger
    recheck: Recheck
    lease: Lease
    destination: Destination
    send: Callable[[Request], Response]
    run_id: str
    planned: int
    patience: Patience
    progress: Progress | None = None
    is_erasure: bool = False
    requests: int = 0
    settled: int = 0
    failed_batches: int = 0
    error: ActivationError | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    noted: int = 0
    jobs: Mailbox = field(init=False)
    reader: PlanReader = field(init=False)
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        """Have jobs written down beside the plan, which is read window by window."""
        self.jobs = Mailbox(self.ledger)
        can = self.destination.capabilities
        self.reader = PlanReader(
            self.ledger.connection,
            self.recheck,
            self.run_id,
            {"upsert": can.batch.upsert_rows, "remove": can.batch.removal_rows},
            Document if can.sends_text else values_reader(self.ledger.spec),
        )

    def deliver(self) -> None:
        """Remove first, then send; commit before and after each batch; raise what stopped it."""
        limits = self.destination.capabilities
        self.pace = pace_for(self.destination, self.patience, self.stopping.wait)
        resends = limits.surfaces[self.ledger.spec.surface].resends_unknown
        conversation = Conversation(self.destination, self.send, self.pace, self.patience, resends)
        target = self._target(conversation)
        self._stage(conversation, "remove", target)
        self._stage(conversation, "upsert", target)

    def _target(self, conversation: Conversation) -> Target:
        known = known_target(self.ledger.connection, self.ledger.spec, self.ledger.account)
        if known is not None:
            return known
        target, self_requests = conversation.find_target(self.ledger.spec.target)
        self.requests += self_requests
        remember_target(self.ledger.connection, self.ledger.spec, self.ledger.account, target)
        return target

    def _stage(self, conversation: Conversation, operation: Operation, target: Target) -> None:
        """Keep as many batches in flight as the destination allows; drain them whatever happens.

        One commit notes what has come back and what goes out next; the rows are told later.
        """
        under_way: dict[Future[BatchResult], int] = {}
        done: list[Done] = []
        waiting = iter(range(self.reader.count_batches(operation)))
        width = self.destination.capabilities.in_flight
        with ThreadPoolExecutor(width) as pool:
            try:
                while True:
                    self.recheck.listen()
                    due = islice(waiting, width - len(under_way))
                    for number, batch in self._exchange(operation, done, due, target):
                        accept = partial(self._accept, operation, number)
                        under_way[pool.submit(conversation.deliver, batch, accept)] = number
                    if not under_way:
                        break
                    done = self._await_some(under_way)
            except BaseException:
                self.stopping.set()
                raise
        if self.error is not None:
            raise self.error

    def _exchange(
        self, operation: Operation, done: list[Done], due: Iterable[int], target: Target
    ) -> list[tuple[int, Batch]]:
        """Note what has come back, and return the batches that are due and noted as going out."""
        with self.ledger.connection.transaction():
            self._acknowledge_all(operation, done)
            loaded = [] if self.error else [self._load(operation, one, target) for one in due]
            self.ledger.note(self.run_id, [note for note, _ in loaded])
            if self.noted >= WINDOW_ROWS or not loaded:
                self.ledger.apply_notes(self.run_id)
                self.noted = 0
        return [(note.batch, batch) for note, batch in loaded]

    def _await_some(self, under_way: dict[Future[BatchResult], int]) -> list[Done]:
        """Wait until at least one batch has come back, keeping the lease alive."""
        done: set[Future[BatchResult]] = set()
        while not done:
            awaited: set[Future[Any]] = {*under_way, self.jobs.mail}
            wait(awaited, timeout=_HEARTBEAT_SECONDS, return_when=FIRST_COMPLETED)
            done = {future for future in under_way if future.done()}
            self.jobs.write()
            self.lease.renew()
        return [(under_way.pop(future), future.result()) for future in done]

    def _accept(self, operation: Operation, number: int, request: Request) -> None:
        self.jobs.put(Job(self.run_id, operation, number, request))

    def _acknowledge_all(self, operation: Operation, done: list[Done]) -> None:
        notes = []
        for number, result in done:
            told = result.exceptions()
            told = _without_invalid(told) if operation == "remove" else told
            notes.append(Note(operation, number, "settled", told))
        self.ledger.note(self.run_id, notes)
        for number, result in done:
            self._acknowledge(operation, number, result)
        if self.error is not None:
            self.stopping.set()

    def _acknowledge(self, operation: Operation, number: int, result: BatchResult) -> None:
        self.ledger.reject_unnamed(self.run_id, result.unattributed)
        self.jobs.forget(self.run_id, operation, number)
        self.requests += result.requests
        self._note_failure(result)
        count = result.delivered + len(result.exceptions())
        self.noted += count
        self._report(count)

    def _note_failure(self, result: BatchResult) -> None:
        if self.error is None:
            self.error = result.error
        if isinstance(result.error, TargetMissing):
            self.ledger.apply_notes(self.run_id)
            forget_target(self.ledger.connection, self.ledger.spec, self.ledger.account)
            self.ledger.doubt_everything()
        if isinstance(result.error, ReceiverGone):
            remember_gone(self.ledger.connection, self.ledger.spec, self.ledger.account)
        failed = bool(result.unknown or result.unsent) and result.delivered == 0
        self.failed_batches = self.failed_batches + 1 if failed else 0
        if self.failed_batches == _MOST_FAILED_BATCHES and self.error is None:
            name = self.destination.capabilities.name
            msg = f"{name} keeps failing. Look at its status page; the next run tries again."
            self.error = PlatformUnreachable(msg)
            self.pace.trip()

    def _report(self, count: int) -> None:
        self.settled += count
        if self.progress is not None:
            self.progress(min(self.settled, self.planned), self.planned)

    def _load(self, operation: Operation, number: int, target: Target) -> tuple[Note, Batch]:
        """Read a batch, ask the gate once more, and say what to note: that it is under way."""
        blocked: dict[int, str] = {}
        if operation == "remove":
            rows = self.reader.removals(number)
        else:
            rows, blocked = self.reader.upserts(number)
        spec = self.ledger.spec
        purposes = frozenset(spec.purposes)
        batch = Batch(operation, rows, target, purposes, self.run_id, spec.layout, self.is_erasure)
        outcomes = {row: ("blocked", reason) for row, reason in blocked.items()}
        return Note(operation, number, "sent", outcomes), batch


def _without_invalid(
    exceptions: dict[int, tuple[str, str]],
) -> dict[int, tuple[str, str]]:
    """Count a removal that cannot be expressed as done: such a row can never have been held."""
    return {number: outcome for number, outcome in exceptions.items() if outcome[0] != "invalid"}
