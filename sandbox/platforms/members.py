"""Members of advertising audiences, found again by any identifier they were added with.

A member is one row exactly as it was added. A row added later with other identifiers is another
member, although it may be the same person: platforms do not forget an old phone number either.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import orjson

from sandbox.platforms.state import Store

TABLES = """
create table if not exists members (
    number integer primary key, digest integer unique not null, audience integer not null,
    content text not null, note text not null, last_added_at integer not null);
create index if not exists members_by_audience on members (audience);
create table if not exists member_finders (
    finder integer not null, digest integer not null,
    primary key (finder, digest)) without rowid;
"""

SEPARATOR = "\x1f"
_HASH_DIGITS = 15  # 60 bits


class Member(NamedTuple):
    """A row as the platform keeps it (a tuple, because a batch makes ten thousand of them).

    `content` is every value as `kind:value`, joined by SEPARATOR; `finders` are the numbers that
    find it again; `note` is what else is kept of it.
    """

    content: str
    finders: list[int]
    note: str


def hash_finder(kind: int, sha256_hex: str) -> int:
    """Return the finder of a hashed identifier: 60 bits of its hash below its kind (1 to 7)."""
    return kind << 60 | int(sha256_hex[:_HASH_DIGITS], 16)


def text_finder(text: str) -> int:
    """Return the finder of any text: 64 bits of its digest."""
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def add_members(store: Store, audience: int, added: Iterable[Member], micros: int) -> int:
    """Add members, or refresh when they were last added (microseconds); return how many."""
    rows, links = [], []
    for content, finders, note in added:
        digest = text_finder(f"{audience} {content}")
        rows.append((digest, audience, content, note, micros))
        for finder in finders:
            links.append((finder, digest))
    links.sort()  # neighbours share pages: with many members this halves the work
    store.run_many(
        "insert into members (digest, audience, content, note, last_added_at)"
        " values (?, ?, ?, ?, ?) on conflict (digest) do update set"
        " note = excluded.note, last_added_at = excluded.last_added_at",
        rows,
    )
    store.run_many("insert or ignore into member_finders values (?, ?)", links)
    return len(rows)


def remove_members(store: Store, audience: int, finders: Iterable[int]) -> int:
    """Remove every member that one of the finders leads to; return how many were removed."""
    return store.run(
        "delete from members where audience = ? and digest in (select digest from member_finders"
        " where finder in (select value from json_each(?)))",
        (audience, orjson.dumps(list(finders)).decode()),
    )


def sweep_members(store: Store, audience: int, micros: int) -> int:
    """Remove every member last added before the moment; return how many were removed."""
    return store.run(
        "delete from members where audience = ? and last_added_at < ?", (audience, micros)
    )


def count_members(store: Store, audience: int) -> int:
    """Return how many members the audience holds."""
    return int(store.value("select count(*) from members where audience = ?", (audience,)))


def list_members(store: Store, audience: int, limit: int = -1) -> list[tuple[list[str], str, int]]:
    """Return (values as `kind:value`, note, last added in microseconds) of every member."""
    rows = store.rows(
        "select content, note, last_added_at from members where audience = ?"
        " order by content limit ?",
        (audience, limit),
    )
    return [(content.split(SEPARATOR), note, micros) for content, note, micros in rows]
