"""Read the answers that mean the same at every platform, and cut bodies to their size."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from urllib.parse import urlsplit

from activation.destinations.base import (
    Batch,
    Narrow,
    Outcome,
    Request,
    Response,
    Retry,
    Row,
    Stop,
)
from activation.destinations.capabilities import BatchLimits
from activation.errors import AuthenticationRefused, PlatformRefused

Packed = tuple[tuple[int, ...], list[bytes]]
"""The numbers of some rows, and their texts, of which one may be that of several rows."""

_TRY_AGAIN = {408, 425, 429}
_NOT_DONE = {425, 429, 503}


def common_outcome(
    destination: str, variable: str, request: Request, response: Response, reset: str = ""
) -> Outcome | None:
    """Classify by status alone; None when the platform's own rules must decide.

    `variable` is the environment variable that holds the credentials, `reset` the header that a
    platform without Retry-After says the seconds in.
    """
    status = response.status
    if status in _TRY_AGAIN or status >= 500:
        asked = wait_seconds(response)
        if asked is None and status == 429 and reset:
            asked = wait_seconds(response, reset)
        return Retry(f"http_{status}", asked, status not in _NOT_DONE)
    if status == 401:
        return Stop(refused_credentials(destination, variable))
    if status in (402, 403):
        msg = (
            f"{destination} forbids {request.step} (HTTP {status}). "
            f"Give the credentials in {variable} the scope for it."
        )
        return Stop(PlatformRefused(msg))
    if status == 410 or 300 <= status < 400:
        msg = (
            f"{destination} no longer answers {request.step} at this address (HTTP {status}). "
            "Check the base URL, or update to a release that speaks the current API version."
        )
        return Stop(PlatformRefused(msg))
    return None


def read_answer(
    destination: str, request: Request, response: Response, read: Callable[[], Outcome]
) -> Outcome:
    """Return what `read` makes of an answer, whatever shape the answer has.

    A success in another shape than documented is not believed; a refusal that explains nothing
    leaves the rows to be narrowed down.
    """
    try:
        return read()
    except (KeyError, TypeError, AttributeError, ValueError, IndexError):
        if response.status < 400:
            return Retry("garbled_answer", in_doubt=True)
        if request.rows:
            return Narrow(f"http_{response.status}")
        return refused_request(destination, request, response.status)


def refused_credentials(destination: str, variable: str) -> AuthenticationRefused:
    """Return the error for credentials that are wrong, expired or revoked."""
    msg = f"{destination} refused the credentials (HTTP 401). Set a valid value in {variable}."
    return AuthenticationRefused(msg)


def refused_request(destination: str, request: Request, status: int) -> Stop:
    """Return the outcome for a step without rows that the platform does not accept."""
    msg = f"{destination} refused {request.step} (HTTP {status}). Check target and account."
    return Stop(PlatformRefused(msg))


def wait_seconds(response: Response, header: str = "retry-after") -> float | None:
    """Return the seconds that a Retry-After header names, or its date is away; None when absent."""
    said = response.headers.get(header, "")
    try:
        seconds = float(said)
    except ValueError:
        return _seconds_until(said)
    return max(0.0, seconds) if isfinite(seconds) else None


def _seconds_until(date: str) -> float | None:
    """Return how far a date as HTTP writes them is away; None when it is none."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (zoned - datetime.now(UTC)).total_seconds())


def pack_batch(
    batch: Batch,
    encode: Callable[[Iterable[Row]], Iterable[tuple[int, bytes]]],
    limits: BatchLimits,
    row_bytes: int,
) -> Iterator[Packed]:
    """Cut a batch into groups that fit one request each.

    `limits.request_bytes` is the room for rows, `row_bytes` the most one may take. Rows that the
    warehouse has written are one piece, with those it could not write behind them; where that does
    not fit, `encode` makes every row.
    """
    written = batch.written
    if (
        written is not None
        and written.numbers
        and written.longest <= row_bytes
        and len(batch.rows) <= limits.upsert_rows
    ):
        others = list(encode(written.others))
        size = len(written.texts) + sum(len(text) + 1 for _, text in others)
        if size < limits.request_bytes:
            numbers = (*written.numbers, *(number for number, _ in others))
            yield numbers, [written.texts, *(text for _, text in others)]
            return
    yield from pack(encode(batch.rows), limits.upsert_rows, limits.request_bytes)


def pack(items: Iterable[tuple[int, bytes]], most_rows: int, most_bytes: int) -> Iterator[Packed]:
    """Cut (row number, encoded row) pairs into groups that fit one request each."""
    rows: list[int] = []
    parts: list[bytes] = []
    size = 0
    for number, part in items:
        if rows and (len(rows) == most_rows or size + len(part) + 1 > most_bytes):
            yield tuple(rows), parts
            rows, parts, size = [], [], 0
        rows.append(number)
        parts.append(part)
        size += len(part) + 1
    if rows:
        yield tuple(rows), parts


def apart(rows: Iterable[tuple[str, tuple[int, bytes]]]) -> list[list[tuple[int, bytes]]]:
    """Part (identifier, (row number, encoded row)) pairs so that no part has one twice.

    A platform that takes a batch by identifier refuses or drops the second of two.
    """
    seen: dict[str, int] = {}
    parts: list[list[tuple[int, bytes]]] = []
    for identifier, row in rows:
        turn = seen.get(identifier, 0)
        seen[identifier] = turn + 1
        if turn == len(parts):
            parts.append([])
        parts[turn].append(row)
    return parts


def place(base_url: str) -> str:
    """Name the host and path of an address; a local sandbox changes its port at every start."""
    parts = urlsplit(base_url)
    return f"{parts.hostname or ''}{parts.path}".rstrip("/")
