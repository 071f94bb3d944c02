"""Remember jobs a platform has accepted, so that a later run asks for their end."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import orjson

from activation.destinations.base import Operation, Request
from activation.ledger import Ledger, now

Accept = Callable[[Request], None]


@dataclass(frozen=True)
class Job:
    """A batch's part that the platform has accepted and not finished yet."""

    run_id: str
    operation: Operation
    batch: int
    request: Request


@dataclass
class Mailbox:
    """Jobs on their way from the threads that talk to the one that writes."""

    ledger: Ledger
    mail: Future[None] = field(default_factory=Future)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[Job] = field(default_factory=list)
    _written: set[tuple[Operation, int]] = field(default_factory=set)

    def put(self, job: Job) -> None:
        """Hand a job over; `mail` is done when there is any."""
        with self._lock:
            self._waiting.append(job)
            if not self.mail.done():
                self.mail.set_result(None)

    def write(self) -> None:
        """Commit the jobs that were handed over."""
        with self._lock:
            jobs, self._waiting, self.mail = self._waiting, [], Future()
        if jobs:
            with self.ledger.connection.transaction():
                for job in jobs:
                    _remember(self.ledger, job)
                    self._written.add((job.operation, job.batch))

    def forget(self, run_id: str, operation: Operation, batch: int) -> None:
        """Forget the jobs of a batch whose outcome is known; the caller commits."""
        if (operation, batch) in self._written:
            self.ledger.connection.execute(
                "delete from ledger.jobs where run_id = ? and operation = ? and batch = ?",
                (run_id, operation, batch),
            )


def open_jobs(ledger: Ledger, run_id: str) -> Iterator[Job]:
    """Yield the jobs of a run whose end was never written down."""
    rows = ledger.connection.execute(
        "select operation, batch, request from ledger.jobs where run_id = ?", (run_id,)
    )
    for operation, batch, request in rows:
        yield Job(run_id, operation, int(batch), _decoded(orjson.loads(request)))


def close_jobs(ledger: Ledger, run_id: str) -> None:
    """Forget all jobs of a run; the caller commits."""
    ledger.connection.execute("delete from ledger.jobs where run_id = ?", (run_id,))


def _remember(ledger: Ledger, job: Job) -> None:
    ledger.connection.execute(
        "insert into ledger.jobs values (?, ?, ?, ?, ?, ?)",
        (job.run_id, ledger.spec.name, job.operation, job.batch, _encoded(job.request), now()),
    )


def _encoded(request: Request) -> str:
    """Write a poll as JSON: it names a job, and neither a value nor a credential."""
    return orjson.dumps(
        {
            "step": request.step,
            "method": request.method,
            "path": request.path,
            "rows": request.rows,
            "parameters": dict(request.parameters),
            "headers": dict(request.headers),
            "context": request.context,
        }
    ).decode()


def _decoded(document: dict[str, Any]) -> Request:
    return Request(**{**document, "rows": tuple(document["rows"])}, is_poll=True)
