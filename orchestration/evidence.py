"""Say why two records are one person: the shortest chain of evidence between them."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestration.warehouse import Connection

Record = tuple[str, str]
Bearers = dict[tuple[str, str], dict[Record, tuple[datetime | None, datetime | None]]]

FIND = """
select distinct source, source_record_key, customer_id from contact.customer_identities
where customer_id = ? or (not is_shared and lower(identifier_value) = lower(?))
    or concat(source, '/', source_record_key) = ?
order by all
"""
EVIDENCE = """
select source, source_record_key, identifier_type, identifier_value, first_seen_at, last_seen_at
from contact.customer_identities
where customer_id = ? and evidence_use = 'joins'
"""
DECLARED = """
select override_id, kind, record_a, record_b, author, reason, decided_on
from reference.identity_overrides
"""
LINKED = """
with mine as (
    select distinct source, source_record_key from contact.customer_identities where customer_id = ?
)
select source_a, source_record_key_a, source_b, source_record_key_b, probability
from staging.stg_ml__identity_links as links
inner join mine as mine_a
    on links.source_a = mine_a.source and links.source_record_key_a = mine_a.source_record_key
inner join mine as mine_b
    on links.source_b = mine_b.source and links.source_record_key_b = mine_b.source_record_key
where links.decision = 'link'
"""
MERGES = """
select event, from_customer_id, to_customer_id, count_records, occurred_at
from core.customer_merges
where from_customer_id in (?, ?) or to_customer_id in (?, ?)
order by run_number, customer_merge_id
"""
IN_COMMON = """
select distinct a.identifier_type, a.identifier_value, a.evidence_use
from contact.customer_identities as a
inner join contact.customer_identities as b
    on a.identifier_type = b.identifier_type and a.identifier_value = b.identifier_value
where a.customer_id = ? and b.customer_id = ?
order by all
"""
REASONS = {
    "refused": "it would break a limit, such as one account per person, or a declaration",
    "crowded": "too many records or names share it",
    "placeholder": "it is a placeholder",
    "not compared": "values of this type join nobody",
}


NO_IDENTIFIER = (
    "Nobody has this identifier. Give a customer_id, an e-mail address, or a phone number with "
    "country code (+49…)."
)


class CustomerNotFound(LookupError):
    """Nobody has this identifier."""


@dataclass(frozen=True)
class Link:
    """One step of a chain: two records and what they have in common."""

    record: str
    next_record: str
    evidence: str
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None


@dataclass(frozen=True)
class Kinship:
    """Whether two records are one customer, and why or why not."""

    customer_ids: tuple[str, str]
    chain: tuple[Link, ...]
    unused: tuple[str, ...]
    merges: tuple[str, ...]

    @property
    def is_one(self) -> bool:
        """Tell whether both are the same customer."""
        return self.customer_ids[0] == self.customer_ids[1]


def kinship(connection: Connection, first: str, second: str) -> Kinship:
    """Compare two customers, named by id, identifier or record (source/table:key).

    Raises CustomerNotFound, which does not repeat what was typed.
    """
    here, there = _find(connection, first), _find(connection, second)
    common = sorted(set(here.values()) & set(there.values()))
    ids = (common[0], common[0]) if common else (min(here.values()), min(there.values()))
    chain: tuple[Link, ...] = ()
    unused: tuple[str, ...] = ()
    if common:
        start = {record for record, customer in here.items() if customer == ids[0]}
        goal = {record for record, customer in there.items() if customer == ids[0]}
        chain = shortest_chain(_bearers(connection, ids[0]), start, goal)
    else:
        unused = tuple(_unused(connection, ids))
    return Kinship(ids, chain, unused, tuple(_merges(connection, ids)))


def shortest_chain(bearers: Bearers, start: set[Record], goal: set[Record]) -> tuple[Link, ...]:
    """Return the fewest steps from one record to another; none when they share a record."""
    values: dict[Record, list[tuple[str, str]]] = {}
    for value, records in sorted(bearers.items()):
        for record in records:
            values.setdefault(record, []).append(value)
    came_from: dict[Record, tuple[Record, tuple[str, str]] | None] = dict.fromkeys(start)
    queue = deque(sorted(start))
    seen_values: set[tuple[str, str]] = set()
    while queue:
        record = queue.popleft()
        if record in goal:
            return _walk_back(record, came_from, bearers)
        for value in values.get(record, ()):
            if value in seen_values:
                continue
            seen_values.add(value)
            for neighbour in sorted(bearers[value]):
                if neighbour not in came_from:
                    came_from[neighbour] = (record, value)
                    queue.append(neighbour)
    return ()


def _walk_back(
    record: Record,
    came_from: Mapping[Record, tuple[Record, tuple[str, str]] | None],
    bearers: Bearers,
) -> tuple[Link, ...]:
    links: list[Link] = []
    step = came_from[record]
    while step is not None:
        former, value = step
        first_seen_at, last_seen_at = bearers[value][record]
        kind, text = value
        evidence = f"{kind.replace('_', ' ')} {text}"
        links.append(
            Link("/".join(former), "/".join(record), evidence, first_seen_at, last_seen_at)
        )
        record, step = former, came_from[former]
    return tuple(reversed(links))


def _find(connection: Connection, text: str) -> dict[Record, str]:
    found = connection.execute(FIND, (text.strip(),) * 3)
    if not found:
        raise CustomerNotFound(f"{NO_IDENTIFIER} A record is written source/table:key.")
    return {(str(source), str(key)): str(customer) for source, key, customer in found}


def _bearers(connection: Connection, customer_id: str) -> Bearers:
    bearers: Bearers = {}
    for source, key, kind, value, first_at, last_at in connection.execute(EVIDENCE, (customer_id,)):
        bearers.setdefault((kind, value), {})[source, key] = (first_at, last_at)
    for source_a, key_a, source_b, key_b, sure in connection.execute(LINKED, (customer_id,)):
        said = ("name and address", f"of {key_a} and {key_b} alike, {sure:.1%} sure")
        bearers[said] = {(source_a, key_a): (None, None), (source_b, key_b): (None, None)}
    for _, kind, record_a, record_b, author, reason, day in connection.execute(DECLARED):
        if kind == "join":
            said = ("declaration", f"of {author} on {day}: {reason}")
            bearers[said] = {_record(record): (None, None) for record in (record_a, record_b)}
    return bearers


def _record(text: str) -> Record:
    source, _, key = text.partition("/")
    return source, key


def _unused(connection: Connection, ids: tuple[str, str]) -> Iterable[str]:
    for kind, value, use in connection.execute(IN_COMMON, ids):
        reason = REASONS.get(use, "other evidence contradicts it")
        yield f"both have {kind.replace('_', ' ')} {value}, which joins nobody: {reason}"
    records = "select concat(source, '/', source_record_key) from contact.customer_identities"
    sides = [
        {str(row[0]) for row in connection.execute(f"{records} where customer_id = ?", (one,))}
        for one in ids
    ]
    for _, kind, record_a, record_b, author, reason, day in connection.execute(DECLARED):
        pair = {record_a, record_b}
        if kind == "separate" and all(pair & side for side in sides):
            yield f"{author} declared them to be two on {day}: {reason}"


def _merges(connection: Connection, ids: tuple[str, str]) -> Iterable[str]:
    rows = connection.execute(MERGES, (*ids, *ids))
    for event, former, present, count, moment in rows:
        yield f"{moment:%Y-%m-%d} {event}: {count} records of {former} became {present}"
