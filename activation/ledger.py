"""Write schema `ledger`: runs, row states, what each platform holds, rejections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa

from activation import ledger_statements as statements
from activation.attempts import RUNS_UNTIL_RETRY
from activation.connection import Connection
from activation.digests import DigestKeys
from activation.handover import keep_handed_over
from activation.ledger_schema import create_tables
from activation.plan import PlanCounts
from activation.recipients import KEEP_FORMER
from activation.rows import identifiers, mapping
from activation.spec import SyncSpec
from activation.statements import column, literal, render

_BATCH_COLUMNS = {"remove": "removal_batch", "upsert": "upsert_batch"}
FINAL_STATES = ("delivered", "rejected", "invalid", "blocked", "unknown")
EVERY_ROW = "1 = 1"


def now() -> datetime:
    """Return the wall clock in UTC, without zone, as the warehouse stores it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Note(NamedTuple):
    """A batch that goes out (`sent`) or has come back (`settled`), and (state, code) by row."""

    operation: str
    batch: int
    state: str
    outcomes: Mapping[int, tuple[str, str]]


@dataclass(frozen=True)
class Ledger:
    """The ledger of one sync at one account; `rows` are SQL conditions on the plan's rows.

    The caller commits what belongs together; closing a run commits by itself.
    """

    connection: Connection
    spec: SyncSpec
    account: str
    keys: DigestKeys

    def prepare(self) -> None:
        """Create the ledger's tables where they are missing."""
        create_tables(self.connection)

    def count_held(self) -> int:
        """Return how many rows the platform holds or may hold."""
        return self._count("is_held")

    def count_acknowledged(self) -> int:
        """Return how many rows the platform is known to hold."""
        return self._count("is_held and state <> 'unknown'")

    def open_run(self, run_id: str, as_of: datetime, desired: int) -> None:
        """Begin a run; its plan is sealed in the same transaction."""
        name = self.spec.name
        values = (run_id, name, self.account, as_of, now(), desired, name)
        self.connection.execute(statements.OPEN_RUN, values)

    def drop_outdated(self, run_id: str) -> None:
        """Forget blocked rows of earlier plans, and rejected rows that nobody desires any more."""
        self.connection.execute(
            "delete from ledger.plan_rows where sync = ? and run_id <> ? and action = 'blocked'",
            (self.spec.name, run_id),
        )
        if self.spec.is_enabled and self._count("not is_held"):
            key = column(self.spec.key)
            self._run(statements.DROP_UNDESIRED, key=key, relation=self.spec.relation)

    def write_counts(self, run_id: str, counts: PlanCounts, allowed: int) -> None:
        """Record what the plan of a run contains, and how many desired rows the gate lets pass."""
        numbers = [
            counts.by_action.get(name, 0)
            for name in ("add", "change", "remove", "retry", "blocked")
        ]
        self.connection.execute(
            "update ledger.runs set added = ?, changed = ?, removed = ?, retried = ?, blocked = ?,"
            " digest = ?, allowed = ? where run_id = ?",
            (*numbers, counts.digest, allowed, run_id),
        )

    def discard_plan(self, run_id: str) -> None:
        """Throw the plan of a run away, to make another one."""
        self.connection.execute("delete from ledger.plan_rows where run_id = ?", (run_id,))

    def start(self, run_id: str, rows: str, state: str, blocked: Mapping[int, str]) -> None:
        """Note that rows are about to be sent, and which of them may not be sent any more."""
        self._except(run_id, {row: ("blocked", code) for row, code in blocked.items()})
        self._move(run_id, f"{rows} and state = 'planned'", state)

    def acknowledge_upserts(
        self, run_id: str, rows: str, exceptions: Mapping[int, tuple[str, str]]
    ) -> None:
        """Note the outcome of sent rows; those not named in `exceptions` were delivered."""
        self._except(run_id, exceptions)
        self._settle(run_id, f"{rows} and state = 'sending'", "delivered", None)
        self._record(run_id, rows)

    def acknowledge_removals(
        self, run_id: str, rows: str, exceptions: Mapping[int, tuple[str, str]]
    ) -> None:
        """Note the outcome of removals; changed rows go on to be sent with their new values.

        A changed row whose former identifiers could not be removed is held back for the next run.
        """
        changed, gone = f"{rows} and action <> 'remove'", f"{rows} and action = 'remove'"
        self._except(run_id, exceptions)
        self._run(statements.DOUBT, run_id, f"{rows} and state = 'unknown'")
        self._run(statements.DOUBT, run_id, f"{changed} and state = 'removing'")
        self._run(statements.HOLD_BACK, run_id, f"{changed} and state = 'unknown'")
        self._move(run_id, f"{changed} and state = 'removing'", "planned")
        self._settle(run_id, f"{gone} and state = 'removing'", "delivered", None)
        if self.spec.capabilities.erases:
            for statement in KEEP_FORMER:
                self._run(statement, run_id, f"{gone} and state = 'delivered'")
        self._run(statements.FORGET, run_id, f"{gone} and state = 'delivered'")

    def note(self, run_id: str, notes: Sequence[Note]) -> None:
        """Note what goes out and what has come back; `apply_notes` tells the rows.

        Of a batch that has come back, rows without an outcome were delivered.
        """
        if notes:
            values = ", ".join(self._values(run_id, note) for note in notes)
            self.connection.execute(f"insert into ledger.batches values {values}")
        outcomes = [
            {
                "run_id": run_id,
                "sync": self.spec.name,
                "row_number": row,
                "state": told,
                "code": code,
            }
            for note in notes
            for row, (told, code) in note.outcomes.items()
        ]
        if outcomes:
            self.connection.insert("ledger.outcomes", pa.Table.from_pylist(outcomes))

    def apply_notes(self, run_id: str) -> None:
        """Give the rows of all noted batches the states their notes tell, and drop the notes.

        Batches that are still under way are applied too, as under way.
        """
        statement = render(statements.NOTED, run_id=literal(run_id))
        sent: dict[str, list[int]] = {}
        settled: dict[str, list[int]] = {}
        for operation, batch, is_settled in self.connection.execute(statement):
            sent.setdefault(operation, []).append(batch)
            if is_settled:
                settled.setdefault(operation, []).append(batch)
        if not sent:
            return
        for operation, batches in sent.items():
            state = "removing" if operation == "remove" else "sending"
            self.start(run_id, _rows_of(operation, batches), state, {})
        self._run(statements.OUTCOMES, run_id)
        if removed := settled.get("remove"):
            self.acknowledge_removals(run_id, _rows_of("remove", removed), {})
        if upserted := settled.get("upsert"):
            self.acknowledge_upserts(run_id, _rows_of("upsert", upserted), {})
        for table in ("batches", "outcomes"):
            self.connection.execute(f"delete from ledger.{table} where run_id = ?", (run_id,))

    def close_run(self, run_id: str, status: str, requests: int, stopped_by: str | None) -> None:
        """Give every row its final state, count the states and purge the values sent."""
        with self.connection.transaction():
            self.apply_notes(run_id)
            self._settle_open_rows(run_id)
            keep_handed_over(self.connection, self.spec, self.account, run_id, now())
            self._run(statements.REJECTIONS, run_id)
            self._write_result(run_id, status, requests, stopped_by)
            self._run(statements.PURGE, run_id)

    def count_states(self, run_id: str) -> dict[str, int]:
        """Return the rows of a run by state, those blocked by the plan itself left out."""
        rows = self.connection.execute(
            "select state, count(*) from ledger.plan_rows"
            " where run_id = ? and action <> 'blocked' group by state",
            (run_id,),
        )
        return {state: int(count) for state, count in rows}

    def reject_unnamed(self, run_id: str, codes: Mapping[str, int]) -> None:
        """Record rejections the platform counts without naming the rows."""
        for code, count in codes.items():
            self.connection.execute(
                "insert into ledger.rejections (run_id, sync, state, code, count_rows, rejected_at)"
                " values (?, ?, 'rejected', ?, ?, ?)",
                (run_id, self.spec.name, code, count, now()),
            )

    def count_unnamed(self, run_id: str) -> int:
        """Return how many rejections of a run the platform counted without naming the rows."""
        rows = self.connection.execute(
            "select coalesce(sum(count_rows), 0) from ledger.rejections"
            " where run_id = ? and row_key is null",
            (run_id,),
        )
        return int(rows[0][0])

    def doubt_everything(self) -> None:
        """Have every held row sent again: the target at the platform was deleted."""
        self._run(
            "update ledger.sync_rows set state = 'unknown', version = null where {mine} and is_held"
        )

    def _settle_open_rows(self, run_id: str) -> None:
        """Turn in-flight rows into unknown ones, in the plan and in what the platform may hold."""
        self._run(statements.DOUBT, run_id, "state = 'removing'")
        self._settle(run_id, "state = 'removing'", "unknown", "removal_interrupted")
        self._settle(run_id, "state = 'sending'", "unknown", "sending_interrupted")
        self._record(run_id, "code = 'sending_interrupted'")
        self._settle(run_id, "state = 'planned'", "unknown", "not_sent")

    def _record(self, run_id: str, rows: str) -> None:
        settled = "state in ('delivered', 'rejected', 'invalid', 'unknown')"
        self._run(statements.FORGET, run_id, f"{rows} and {settled}")
        self._run(statements.RECORD, run_id, rows)

    def _settle(self, run_id: str, rows: str, state: str, code: str | None) -> None:
        self._run(statements.SETTLE, run_id, rows, state=literal(state), code=literal(code))

    def _move(self, run_id: str, rows: str, state: str) -> None:
        self._run(statements.MOVE, run_id, rows, state=literal(state))

    def _values(self, run_id: str, note: Note) -> str:
        parts = (run_id, self.spec.name, note.operation, note.batch, note.state, now())
        return f"({', '.join(literal(part) for part in parts)})"

    def _except(self, run_id: str, outcomes: Mapping[int, tuple[str, str]]) -> None:
        groups: dict[tuple[str, str], list[int]] = {}
        for number, outcome in outcomes.items():
            groups.setdefault(outcome, []).append(number)
        for (state, code), numbers in groups.items():
            rows = f"row_number in ({', '.join(map(str, numbers))})"
            self._settle(run_id, rows, state, code)

    def _count(self, condition: str) -> int:
        statement = render(statements.COUNT, mine=self._mine, condition=condition)
        return int(self.connection.execute(statement)[0][0])

    def _run(self, template: str, run_id: str = "", rows: str = EVERY_ROW, **parts: str) -> None:
        statement = render(
            template,
            mine=self._mine,
            account=literal(self.account),
            now=literal(now()),
            normaliser=literal(self.spec.capabilities.normaliser),
            key_id=literal(self.keys.row_rule.identifier),
            mapping=literal(mapping(self.spec)),
            runs_until_retry=RUNS_UNTIL_RETRY,
            run_id=literal(run_id),
            identifiers=identifiers(self.spec),
            rows=rows,
            **parts,
        )
        self.connection.execute(statement)

    @property
    def _mine(self) -> str:
        return f"sync = {literal(self.spec.name)} and account = {literal(self.account)}"

    def _write_result(
        self, run_id: str, status: str, requests: int, stopped_by: str | None
    ) -> None:
        states = self.count_states(run_id)
        self.connection.execute(
            "update ledger.runs set status = ?, finished_at = ?, requests = ?, stopped_by = ?,"
            " delivered = ?, rejected = ?, invalid = ?, blocked_at_dispatch = ?, unknown = ?"
            " where run_id = ?",
            (
                status,
                now(),
                requests,
                stopped_by,
                *(states.get(state, 0) for state in FINAL_STATES),
                run_id,
            ),
        )


def _rows_of(operation: str, batches: Sequence[int]) -> str:
    return f"{_BATCH_COLUMNS[operation]} in ({', '.join(map(str, batches))})"
