"""Send a destination's requests to a database: one request is one transaction."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import orjson
import psycopg
from psycopg.conninfo import conninfo_to_dict

from activation.conversation import Unanswered
from activation.destinations.base import Destination, Request, Response
from activation.destinations.tables import Statement, decoded

_SCHEMES = ("postgresql://", "postgres://")
_DEFAULTS = {"connect_timeout": 10, "tcp_user_timeout": 60_000, "application_name": "regulars"}
# A server tells why it lets nobody in as a sentence alone; one that is set up to speak another
# language than English counts as unreachable.
_LOGINS = {
    "authentication failed": "28P01",
    "no password supplied": "28P01",
    "pg_hba.conf": "28000",
    "not permitted to log in": "28000",
    "permission denied": "42501",
}
_ABSENT = {"role": "28P01", "database": "3D000"}


@dataclass
class DatabaseSender:
    """A connection that is opened for the first request and again when it was lost.

    An answer is a JSON object: `results`, the rows of every statement that gives any; or
    `sqlstate`, and `message` where it speaks of the table and not of values.
    """

    destination: Destination
    _connection: psycopg.Connection[Any] | None = field(default=None, repr=False)

    def __enter__(self) -> "DatabaseSender":
        """Return the sender; nothing is opened yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._drop()

    def __call__(self, request: Request) -> Response:
        """Run a transaction and return its answer; raise Unanswered when there is none."""
        try:
            connection = self._open()
        except _Refused as refused:
            return _answer(400, {"sqlstate": refused.state})
        try:
            with connection.transaction():
                results = [_run(connection, one) for one in decoded(request.body or b"[]")]
        except psycopg.Error as error:
            return self._failed(connection, error)
        return _answer(200, {"results": [rows for rows in results if rows is not None]})

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = _connect(self.destination.base_url)
        return self._connection

    def _failed(self, connection: psycopg.Connection[Any], error: psycopg.Error) -> Response:
        """Tell a refusal from a lost connection, after which nobody knows what was committed."""
        if connection.closed or error.sqlstate is None:
            self._drop()
            raise Unanswered("no_answer", was_sent=True) from None
        speaks_of_values = not error.sqlstate.startswith("42")
        message = "" if speaks_of_values else error.diag.message_primary or ""
        return _answer(400, {"sqlstate": error.sqlstate, "message": message})

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Refused(Exception):
    """The server, or its address, lets nobody in."""

    def __init__(self, state: str) -> None:
        self.state = state
        super().__init__(state)


def _connect(url: str) -> psycopg.Connection[Any]:
    """Open a connection; raise _Refused or Unanswered, neither of which holds the address."""
    try:
        if not url.startswith(_SCHEMES):
            raise _Refused("invalid_address")
        given = conninfo_to_dict(url)
        defaults: dict[str, Any] = {k: v for k, v in _DEFAULTS.items() if k not in given}
        # A pooler may give every transaction another server, which knows no prepared statement.
        return psycopg.connect(url, autocommit=True, prepare_threshold=None, **defaults)
    except psycopg.OperationalError as error:
        state = _state_of_login(error)
    except (psycopg.Error, ValueError, UnicodeError):
        state = "invalid_address"
    if state is None:
        raise Unanswered("no_connection", was_sent=False)
    raise _Refused(state)


def _state_of_login(error: psycopg.OperationalError) -> str | None:
    """Return the SQLSTATE of a refused login; None when nobody answered or it may pass."""
    said = str(error).rpartition("FATAL:")[2].strip() if "FATAL:" in str(error) else ""
    if said.endswith("does not exist"):
        return _ABSENT.get(said.partition(" ")[0])
    asked = error.pgconn is not None and error.pgconn.needs_password
    refused = (state for words, state in _LOGINS.items() if words in said)
    return next(refused, "28P01" if asked and not said else None)


def _run(connection: psycopg.Connection[Any], statement: Statement) -> list[Any] | None:
    """Run one statement for all its values; return its rows when it gives any."""
    cursor = connection.cursor()
    if len(statement.values) == 1:
        cursor.execute(statement.text.encode(), statement.values[0])
        return cursor.fetchall() if cursor.description else None
    cursor.executemany(statement.text.encode(), statement.values)
    return None


def _answer(status: int, document: dict[str, Any]) -> Response:
    return Response(status, body=orjson.dumps(document))
