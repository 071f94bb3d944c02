"""Deliver a sealed plan batch by batch, every outcome committed; the only loop."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from activation.batch_result import BatchResult
from activation.conversation import Conversation
from activation.destinations.base import (
    Batch,
    Destination,
    Document,
    Operation,
    Request,
    Response,
    Row,
    Target,
)
from activation.destinations.reach import WritingDestination
from activation.destinations.row_texts import RowText
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
from activation.plan_reader import PlanReader
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

_HEARTBEAT_SECONDS = 10.0
_MOST_FAILED_BATCHES = 3
_NOTED_ROWS = 1_000_000
_NOTED_SECONDS = 60.0


@dataclass
class Backlog:
    """How many rows have an outcome that is noted and not told to them yet, and since when."""

    clock: Callable[[], float] = time.monotonic
    rows: int = 0
    since: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing noted."""
        self.clear()

    def is_due(self) -> bool:
        """Say whether there are a million rows, or the oldest of them waits for a minute."""
        return self.rows >= _NOTED_ROWS or self.clock() - self.since > _NOTED_SECONDS

    def clear(self) -> None:
        """Count anew: all rows have been told."""
        self.rows, self.since = 0, self.clock()


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
    backlog: Backlog = field(default_factory=Backlog)
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
            self._row_text(),
        )

    def _row_text(self) -> RowText | None:
        """Return how the warehouse writes a row for this destination, if it can."""
        if not isinstance(self.destination, WritingDestination):
            return None
        spec = self.ledger.spec
        return self.destination.row_text(spec.target, spec.layout, self.run_id)

    def deliver(self) -> None:
        """Remove first, then send; commit before and after each batch; raise what stopped it."""
        limits = self.destination.capabilities
        self.pace = pace_for(self.destination, self.patience, self.stopping.wait)
        resends = limits.surfaces[self.ledger.spec.surface].resends_unknown
        conversation = Conversation(self.destination, self.send, self.pace, self.patience, resends)
        target = self._target(conversation)
        with closing(self.reader):
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
                    self._listen()
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

    def _listen(self) -> None:
        """Take in what has landed; what keeps it from being known lets nothing more go out."""
        try:
            self.recheck.listen()
        except ActivationError as error:
            self.error = self.error or error

    def _exchange(
        self, operation: Operation, done: list[Done], due: Iterable[int], target: Target
    ) -> list[tuple[int, Batch]]:
        """Note what has come back, and return the batches that are due and noted as going out."""
        with self.ledger.connection.transaction():
            notes = self._acknowledge_all(operation, done)
            loaded = [] if self.error else [self._load(operation, one, target) for one in due]
            self.ledger.note(self.run_id, [*notes, *(note for note, _ in loaded)])
            if self.backlog.is_due() or not loaded:
                self.ledger.apply_notes(self.run_id)
                self.backlog.clear()
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

    def _acknowledge_all(self, operation: Operation, done: list[Done]) -> list[Note]:
        """Return what is left to be noted of batches that have come back.

        Where one has failed that is nothing: what follows from it needs the notes.
        """
        notes = []
        for number, result in done:
            told = result.exceptions()
            told = _without_invalid(told) if operation == "remove" else told
            notes.append(Note(operation, number, "settled", told))
        if any(result.error for _, result in done):
            self.ledger.note(self.run_id, notes)
            notes = []
        for number, result in done:
            self._acknowledge(operation, number, result)
        if self.error is not None:
            self.stopping.set()
        return notes

    def _acknowledge(self, operation: Operation, number: int, result: BatchResult) -> None:
        self.ledger.reject_unnamed(self.run_id, result.unattributed)
        self.jobs.forget(self.run_id, operation, number)
        self.requests += result.requests
        self._note_failure(result)
        count = result.delivered + len(result.exceptions())
        self.backlog.rows += count
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
        spec = self.ledger.spec
        blocked: Mapping[int, str] = {}
        rows: Sequence[Row]
        if operation == "remove":
            rows, written = self.reader.removals(number), None
        else:
            rows, written, blocked = self.reader.upserts(number)
        batch = Batch(
            operation,
            rows,
            target,
            frozenset(spec.purposes),
            self.run_id,
            spec.layout,
            self.is_erasure,
            written,
        )
        outcomes = {row: ("blocked", reason) for row, reason in blocked.items()}
        return Note(operation, number, "sent", outcomes), batch


def _without_invalid(
    exceptions: dict[int, tuple[str, str]],
) -> dict[int, tuple[str, str]]:
    """Count a removal that cannot be expressed as done: such a row can never have been held."""
    return {number: outcome for number, outcome in exceptions.items() if outcome[0] != "invalid"}
