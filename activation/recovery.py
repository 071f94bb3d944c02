"""Finish what runs that died have left: ask for the end of their jobs, and close them."""

import threading
from typing import Any

import httpx

from activation.batch_result import BatchResult
from activation.conversation import Conversation
from activation.jobs import Job, close_jobs, open_jobs
from activation.ledger import Ledger
from activation.pacing import Patience, pace_for
from activation.transport import Send, sender_for


def recover(
    ledger: Ledger, destination: Any, client: httpx.Client | None, patience: Patience
) -> None:
    """Close the runs that died.

    Rows in an accepted job get the outcome the platform names; other rows in flight are in doubt
    and will be tried again. Raise what keeps the platform from telling.
    """
    for run_id in _dead_runs(ledger):
        with ledger.connection.transaction():
            ledger.apply_notes(run_id)
        jobs = list(open_jobs(ledger, run_id))
        if jobs:
            with sender_for(destination, client) as send:
                conversation = conversation_with(destination, send, patience)
                for job in jobs:
                    _acknowledge(ledger, job, conversation.follow(job.request))
        close_jobs(ledger, run_id)
        ledger.close_run(run_id, "interrupted", 0, None)


def conversation_with(destination: Any, send: Send, patience: Patience) -> Conversation:
    """Return a conversation that nobody stops."""
    return Conversation(
        destination, send, pace_for(destination, patience, threading.Event().wait), patience
    )


def _dead_runs(ledger: Ledger) -> list[str]:
    rows = ledger.connection.execute(
        "select run_id from ledger.runs where sync = ? and account = ? and status = 'delivering'"
        " order by plan_number",
        (ledger.spec.name, ledger.account),
    )
    return [run_id for (run_id,) in rows]


def _acknowledge(ledger: Ledger, job: Job, result: BatchResult) -> None:
    if result.error is not None:
        raise result.error
    rows = f"row_number in ({', '.join(map(str, job.request.rows))})"
    with ledger.connection.transaction():
        if job.operation == "remove":
            ledger.acknowledge_removals(job.run_id, rows, result.exceptions())
        else:
            ledger.acknowledge_upserts(job.run_id, rows, result.exceptions())
        ledger.reject_unnamed(job.run_id, result.unattributed)
