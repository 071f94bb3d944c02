"""Members of advertising audiences, found again by any identifier they were added with.

A member is one row exactly as it was added. A row added later with other identifiers is another
member, although it may be the same person: platforms do not forget an old phone number either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from sandbox.platforms.state import Store

TABLES = """
create table if not exists members (
    number integer primary key, audience text not null, record text not null,
    last_added_at integer not null);
create index if not exists members_by_audience on members (audience, last_added_at);
create table if not exists member_identifiers (
    identifier integer not null, member integer not null,
    primary key (identifier, member)) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A row as the platform keeps it: its whole content, what finds it, what is shown of it."""

    content: str
    identifiers: tuple[str, ...]
    record: object


def _number(audience: str, text: str) -> int:
    digest = blake2b(f"{audience}\n{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def add_members(store: Store, audience: str, added: Iterable[Member], micros: int) -> int:
    """Add members, or refresh when they were last added (microseconds); return how many."""
    rows, links = [], []
    for member in added:
        number = _number(audience, member.content)
        rows.append((number, audience, orjson.dumps(member.record).decode(), micros))
        links.extend((_number(audience, i), number) for i in member.identifiers)
    store.run_many(
        "insert into members values (?, ?, ?, ?) on conflict (number) do update set"
        " record = excluded.record, last_added_at = excluded.last_added_at",
        rows,
    )
    store.run_many("insert or ignore into member_identifiers values (?, ?)", links)
    return len(rows)


def remove_members(store: Store, audience: str, identifiers: Iterable[str]) -> int:
    """Remove every member holding one of the identifiers; return how many were removed."""
    numbers = orjson.dumps([_number(audience, identifier) for identifier in identifiers]).decode()
    return store.run(
        "delete from members where number in (select member from member_identifiers"
        " where identifier in (select value from json_each(?)))",
        (numbers,),
    )


def sweep_members(store: Store, audience: str, micros: int) -> int:
    """Remove every member last added before the moment; return how many were removed."""
    return store.run(
        "delete from members where audience = ? and last_added_at < ?", (audience, micros)
    )


def count_members(store: Store, audience: str) -> int:
    """Return how many members the audience holds."""
    return int(store.value("select count(*) from members where audience = ?", (audience,)))


def list_members(store: Store, audience: str) -> list[tuple[str, int]]:
    """Return (record as JSON, last added in microseconds) of every member."""
    return [
        (record, micros)
        for record, micros in store.rows(
            "select record, last_added_at from members where audience = ? order by record",
            (audience,),
        )
    ]
