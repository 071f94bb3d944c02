"""Write the statements that keep a table in step, and carry them in a request."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from activation.destinations.base import Request
from activation.destinations.layout import Layout

OWNER, DIGEST = "regulars_sync", "regulars_digest"
STAGE = "regulars_rows"
PAGE = 10_000

_TYPES = {
    "tinyint": "smallint",
    "utinyint": "smallint",
    "smallint": "smallint",
    "int2": "smallint",
    "usmallint": "integer",
    "integer": "integer",
    "int": "integer",
    "int4": "integer",
    "uinteger": "bigint",
    "bigint": "bigint",
    "int8": "bigint",
    "ubigint": "numeric",
    "hugeint": "numeric",
    "double": "double precision",
    "double precision": "double precision",
    "float": "double precision",
    "float4": "double precision",
    "float8": "double precision",
    "float64": "double precision",
    "real": "double precision",
    "boolean": "boolean",
    "bool": "boolean",
    "date": "date",
    "time": "time",
    "uuid": "uuid",
    "json": "jsonb",
}
_DECIMAL = re.compile(r"(decimal|numeric)\s*(\(\s*\d+\s*(,\s*\d+\s*)?\))?")
_NESTED = re.compile(r".*\]|(struct|map|list|row|union)\b.*")

# Rows of the batch wait in a table that lasts as long as the transaction.
_STAGE = "create temporary table {stage} (row_number bigint, {columns}) on commit drop"

_LOAD = "insert into {stage} ({names}) values ({marks})"

# A row of somebody else under the same key is left as it is, and so is one that is in step.
_UPSERT = """
insert into {table} as held ({names})
select {names} from {stage}
on conflict ({key}) do update set {assignments}
where held.{owner} = excluded.{owner} and held.{digest} is distinct from excluded.{digest}
"""

_FOREIGN = """
select {stage}.row_number from {stage}
inner join {table} as held on held.{key} = {stage}.{key}
where held.{owner} is distinct from {stage}.{owner}
"""

_DELETE = """
delete from {table} as held using {stage}
where held.{key} = {stage}.{key} and held.{owner} = {stage}.{owner}
"""

_COLUMNS = """
select column_name from information_schema.columns where table_schema = %s and table_name = %s
"""

_HOLDS_ANY = "select exists (select 1 from {table} where {owner} = %s)"

_KEYS = """
select cast({key} as text) from {table}
where {owner} = %s and (%s = '' or {key} > cast(%s as {type}))
order by {key} limit {page}
"""

_CREATE = "create table if not exists {table} ({columns}, primary key ({key}))"

# The session's zone must not decide what a time means, and a batch must not wait for ever.
_SETTINGS = ("set local time zone 'UTC'", "set local lock_timeout = '30s'")


class Statement(NamedTuple):
    """A statement with `%s` marks; it is run once for each list of values."""

    text: str
    values: Sequence[Sequence[Any]] = ((),)


class TableDestination(Protocol):
    """A table that can be looked at before a plan is made."""

    def check(self, name: str, layout: Layout) -> Request:
        """Return the request that finds out whether the table takes the rows of a sync."""
        ...


def encoded(statements: Iterable[Statement]) -> bytes:
    """Write the statements of one transaction as the body of a request."""
    return orjson.dumps([[text, values] for text, values in statements])


def decoded(body: bytes) -> list[Statement]:
    """Read the statements of one transaction."""
    return [Statement(text, values) for text, values in orjson.loads(body)]


def column_type(data_type: str) -> str:
    """Return the table's type for one of the model's contract; whatever is not known is text.

    Times are moments in UTC. Lists and structures are JSON.
    """
    kind = " ".join(data_type.lower().split())
    if kind.startswith(("timestamp", "datetime")):
        return "timestamp with time zone"
    if _DECIMAL.fullmatch(kind):
        return kind.replace("decimal", "numeric")
    return "jsonb" if _NESTED.fullmatch(kind) else _TYPES.get(kind, "text")


def split_name(name: str) -> tuple[str, str]:
    """Return schema and table of a target; without a schema it is `public`."""
    schema, _, table = name.rpartition(".")
    return schema or "public", table


def quoted(*names: str) -> str:
    """Write a name so that no letter in it means anything else to the database or its driver."""
    return ".".join('"' + name.replace('"', '""').replace("%", "%%") + '"' for name in names)


def describe(name: str) -> list[Statement]:
    """Ask for the names of a table's columns."""
    return [Statement(_COLUMNS, (split_name(name),))]


def list_keys(name: str, layout: Layout, after: str | None) -> list[Statement]:
    """Ask for the next page of keys of the sync's rows, beginning after one."""
    kind = column_type(layout.types.get(layout.key, "text"))
    text = _KEYS.format(type=kind, page=PAGE, **_parts(name, layout.key))
    is_first = "" if after is None else "no"
    return [Statement(text, ((layout.sync, is_first, after),))]


def create(name: str, layout: Layout) -> str:
    """Return the statement that makes a table for a sync."""
    columns = [f"{quoted(column)} {column_type(kind)}" for column, kind in layout.columns]
    columns += [f"{quoted(column)} text not null" for column in (OWNER, DIGEST)]
    return _CREATE.format(
        table=quoted(*split_name(name)), columns=", ".join(columns), key=quoted(layout.key)
    )


def rehearse(name: str, layout: Layout) -> list[Statement]:
    """Do without rows all that a run does with them, and ask whether the sync has rows there.

    What the database refuses for a reason other than values, it refuses here.
    """
    holds = Statement(_HOLDS_ANY.format(**_parts(name, layout.key)), ((layout.sync,),))
    removing = delete(name, layout, ())[len(_SETTINGS) :]
    drop = Statement(f"drop table {STAGE}")
    return [*upsert(name, layout, ()), drop, *removing, holds]


def upsert(
    name: str, layout: Layout, rows: Sequence[tuple[int, Sequence[str | None]]]
) -> list[Statement]:
    """Return the statements of one transaction that writes rows and tells which are not ours.

    Each row is its number, then the texts of the layout's columns, owner and digest.
    """
    columns = [*layout.columns, (OWNER, "text"), (DIGEST, "text")]
    names = [quoted(column) for column, _ in columns]
    parts = _parts(name, layout.key)
    assignments = ", ".join(f"{one} = excluded.{one}" for one in names)
    text = _UPSERT.format(names=", ".join(names), assignments=assignments, **parts)
    return [
        *_staged(columns, rows),
        Statement(text),
        Statement(_FOREIGN.format(**parts)),
    ]


def delete(
    name: str, layout: Layout, rows: Sequence[tuple[int, Sequence[str | None]]]
) -> list[Statement]:
    """Return the statements of one transaction that removes our rows by key.

    Each row is its number, then the text of the key, then the owner.
    """
    columns = [(layout.key, layout.types.get(layout.key, "text")), (OWNER, "text")]
    return [*_staged(columns, rows), Statement(_DELETE.format(**_parts(name, layout.key)))]


def _staged(
    columns: Sequence[tuple[str, str]], rows: Sequence[tuple[int, Sequence[str | None]]]
) -> list[Statement]:
    typed = ", ".join(f"{quoted(column)} {column_type(kind)}" for column, kind in columns)
    names = ", ".join(["row_number", *(quoted(column) for column, _ in columns)])
    marks = ", ".join(["%s"] * (len(columns) + 1))
    load = _LOAD.format(stage=STAGE, names=names, marks=marks)
    return [
        *map(Statement, _SETTINGS),
        Statement(_STAGE.format(stage=STAGE, columns=typed)),
        Statement(load, [[number, *values] for number, values in rows]),
    ]


def _parts(name: str, key: str) -> dict[str, str]:
    return {
        "table": quoted(*split_name(name)),
        "stage": STAGE,
        "key": quoted(key),
        "owner": OWNER,
        "digest": DIGEST,
    }
