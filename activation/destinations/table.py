"""Keep a table in a Postgres database in step, one transaction per batch.

A row carries the name of its sync (`regulars_sync`) and a digest of its values
(`regulars_digest`). A row of another sync, or of nobody, is neither changed nor removed. The table
needs a primary key or a unique index on the sync's key. It is made only when
REGULARS_TABLE_CREATE says yes; an existing one is never altered.

Decimals of more than 15 digits and whole numbers beyond 64 bits arrive rounded: rows travel from
the warehouse as JSON. A column that a sync no longer sends keeps its last values.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

from activation.destinations import tables
from activation.destinations.answers import pack, read_answer
from activation.destinations.base import (
    Batch,
    FollowUp,
    Found,
    Listed,
    Narrow,
    Outcome,
    Prepared,
    Request,
    Response,
    Retry,
    Row,
    Settled,
    Stop,
    Target,
)
from activation.destinations.capabilities import BatchLimits, Capabilities, Surface
from activation.destinations.layout import Layout
from activation.errors import AuthenticationRefused, PlatformRefused, TargetMissing

_URL = "REGULARS_TABLE_URL"
_CREATE = "REGULARS_TABLE_CREATE"
_SCHEMES = ("postgres", "postgresql")

# Classes of SQLSTATE. Values of single rows; what passes by itself; what a person must settle.
_OF_VALUES = ("21", "22", "23", "27", "44", "P0")
_PASSING = ("08", "40", "53", "54", "55", "57", "58", "XX")
_MISSING_TABLE = ("42P01", "3F000")


@dataclass(frozen=True)
class TableSettings:
    """Where the database is, with user and password, and whether tables may be made there."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {"base_url": _URL, "creates": _CREATE}
    REQUIRED: ClassVar[tuple[str, ...]] = ("base_url",)

    base_url: str = field(default="", repr=False)
    creates: str = ""


class _Asked(NamedTuple):
    """What a question about the table is about."""

    name: str
    layout: Layout


@dataclass(frozen=True)
class Table:
    """A table in a database, by the sync's own key."""

    settings: TableSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="table",
        surfaces={"rows": Surface("row")},
        fields=frozenset(),
        takes_any_field=True,
        identities=(),
        is_keyed=True,
        addresses={"email": "email", "phone": "phone"},
        batch=BatchLimits(upsert_rows=5_000, removal_rows=5_000),
        normaliser="table/1",
        transport="database",
        reserved=frozenset({tables.OWNER, tables.DIGEST, "row_number"}),
        in_flight=1,
    )

    @property
    def base_url(self) -> str:
        """Return the database's address, which holds the password."""
        return self.settings.base_url

    @property
    def account(self) -> str:
        """Return host and database; empty when the address is not one of Postgres."""
        try:
            parts = urlsplit(self.base_url)
        except ValueError:
            return ""
        if parts.scheme not in _SCHEMES:
            return ""
        place = parts.netloc.rpartition("@")[2] or "".join(parse_qs(parts.query).get("host", []))
        return f"{place}{parts.path}"

    def headers(self) -> Mapping[str, str]:
        """Return nothing: credentials are in the address."""
        return {}

    def parameters(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def target(self, name: str) -> Request | Target:
        """Return the table; whether it is there was found out before."""
        return Target(name, name)

    def check(self, name: str, layout: Layout) -> Request:
        """Return the request that finds out whether the table takes the rows of a sync."""
        return _request("describe_table", tables.describe(name), context=_Asked(name, layout))

    def members(self, target: Target, layout: Layout) -> Request:
        """Return the request for the first keys of the sync's rows."""
        asked = _Asked(target.identifier, layout)
        return _request("list_rows", tables.list_keys(*asked, None), context=asked)

    def requests(self, batch: Batch) -> Prepared:
        """Return one transaction for as many rows as fit; each is done as a whole or not at all."""
        removes = batch.operation == "remove"
        settled = tuple(row.number for row in batch.rows if removes and not row.stale)
        texts = {
            row.number: _texts(row, batch.layout, only_key=removes)
            for row in batch.rows
            if not removes or row.stale
        }
        invalid = {number: code for number, found in texts.items() if (code := _fault(found))}
        good = {number: found for number, found in texts.items() if number not in invalid}
        return Prepared(tuple(_transactions(batch, good)), invalid, settled)

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what the database's answer means for the rows of its transaction."""
        return read_answer(
            "table", request, response, lambda: self._read(request, response.document() or {})
        )

    def _read(self, request: Request, answer: Mapping[str, Any]) -> Outcome:
        if "sqlstate" in answer:
            return _refusal(request, answer["sqlstate"], answer.get("message", ""))
        results = answer["results"]
        match request.step:
            case "describe_table":
                return self._described(request.context, {name for (name,) in results[0]})
            case "create_table":
                return _rehearsal(request.context)
            case "rehearse":
                (holds,) = results[-1][0]
                return Found(Target(request.context.name, request.context.name), not holds)
            case "list_rows":
                return _listed(request.context, [key for (key,) in results[0]])
            case "upsert":
                foreign = {number: "foreign_row" for (number,) in results[-1]}
                delivered = tuple(number for number in request.rows if number not in foreign)
                return Settled(delivered, foreign)
        return Settled(request.rows)

    def _described(self, asked: _Asked, present: set[str]) -> Outcome:
        """Ask on when every column is there."""
        wanted = [*asked.layout.types, tables.OWNER, tables.DIGEST]
        missing = [name for name in wanted if name not in present]
        if not missing:
            return _rehearsal(asked)
        statement = tables.create(asked.name, asked.layout).replace("%%", "%")
        if present:
            return Stop(PlatformRefused(_lacks(asked, missing)))
        if self.settings.creates.lower() in ("1", "true", "yes"):
            making = tables.Statement(tables.create(asked.name, asked.layout))
            return FollowUp((_request("create_table", [making], context=asked),))
        msg = (
            f"table: there is no table {asked.name} that this user may see. Set {_CREATE}=yes for "
            f"one run, or make it: {statement};"
        )
        return Stop(TargetMissing(msg))


def _request(
    step: str,
    statements: Sequence[tables.Statement],
    rows: tuple[int, ...] = (),
    context: Any = None,
) -> Request:
    body = tables.encoded(statements)
    return Request(step, "POST", "", rows, body=body, context=context)


def _rehearsal(asked: _Asked) -> Outcome:
    statements = tables.rehearse(asked.name, asked.layout)
    return FollowUp((_request("rehearse", statements, context=asked),))


def _listed(asked: _Asked, keys: list[str]) -> Listed:
    """Return a page of keys, and the request for the next one when there may be more."""
    members = tuple({asked.layout.key: key} for key in keys)
    if len(keys) < tables.PAGE:
        return Listed(members)
    following = tables.list_keys(*asked, keys[-1])
    return Listed(members, _request("list_rows", following, context=asked))


def _lacks(asked: _Asked, missing: Sequence[str]) -> str:
    """Say which columns are missing, and how to add them."""
    types = {**asked.layout.types, tables.OWNER: "text", tables.DIGEST: "text"}
    added = ", ".join(
        f"add column {tables.quoted(name)} {tables.column_type(types[name])}" for name in missing
    )
    place = tables.quoted(*tables.split_name(asked.name))
    statement = f"alter table {place} {added};".replace("%%", "%")
    return (
        f"table: {asked.name} has no column {', '.join(missing)} that this user may see. Nothing "
        f"was written; add what is missing: {statement}"
    )


def _transactions(batch: Batch, texts: Mapping[int, list[str | None]]) -> Iterator[Request]:
    """Cut the rows into transactions, with room for the statements around them."""
    limits, removes = Table.capabilities.batch, batch.operation == "remove"
    room = limits.request_bytes - 8_192 - 512 * len(batch.layout.columns)
    most = limits.removal_rows if removes else limits.upsert_rows
    sized = ((number, orjson.dumps([number, *found])) for number, found in texts.items())
    write, step = (tables.delete, "remove") if removes else (tables.upsert, "upsert")
    for numbers, _ in pack(sized, most, room):
        rows = [(number, texts[number]) for number in numbers]
        statements = write(batch.target.identifier, batch.layout, rows)
        yield _request(step, statements, numbers)


def _texts(row: Row, layout: Layout, *, only_key: bool) -> list[str | None]:
    """Return a row's values as texts, with the sync's name and, when it is written, a digest."""
    if only_key:
        return [_text(row.values.get(layout.key)), layout.sync]
    texts = [_text(row.values.get(name)) for name, _ in layout.columns]
    named = [Table.capabilities.normaliser, *zip(layout.types, texts, strict=True)]
    return [*texts, layout.sync, hashlib.sha256(orjson.dumps(named)).hexdigest()]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return str(value)


def _fault(texts: Sequence[str | None]) -> str | None:
    """Return why a database takes none of these texts."""
    return "nul_character" if any("\0" in text for text in texts if text) else None


def _refusal(request: Request, state: str, message: str) -> Outcome:
    """Classify by SQLSTATE: the standard's classes mean the same in every database."""
    if request.rows and state.startswith(_OF_VALUES):
        return Narrow(f"sql_{state}")
    if state.startswith(_PASSING):
        return Retry(f"sql_{state}")
    if state in _MISSING_TABLE:
        msg = "table: the table or its schema is not there. Make it; the next run sends every row."
        return Stop(TargetMissing(msg))
    told = f" ({message})" if message and state.startswith("42") else ""
    msg = f"table: the database refused to {request.step}: SQLSTATE {state}{told}. "
    if state.startswith("28"):
        return Stop(AuthenticationRefused(f"{msg}Set a valid user and password in {_URL}."))
    return Stop(PlatformRefused(msg + _REMEDIES.get(state, _REMEDIES[""])))


_REMEDIES = {
    "42501": (
        "Grant the user select, insert, update and delete on the table, usage of its schema, and "
        "connect and temporary on the database."
    ),
    "42P10": "Give the table a primary key or a unique index on the sync's key.",
    "42804": "Give the table's column the type of the model's contract, or cast in the model.",
    "3D000": f"Name an existing database in {_URL}.",
    "25006": f"Name the primary server in {_URL}; this one only reads.",
    "invalid_address": f"Write {_URL} as postgresql://user:password@host:5432/database.",
    "": "Check the table and the sync model against each other.",
}
