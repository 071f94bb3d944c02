"""Remember erased identifiers as keyed digests, so that a stale file cannot bring them back."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import pyarrow as pa

from activation.connection import Connection
from activation.digests import FORMER_KEY_VARIABLE, KEY_VARIABLE, DigestKey, DigestKeys
from activation.errors import UnknownKey
from activation.ledger_schema import create_tables
from activation.statements import literal, literals, render

Kind = tuple[str, str]
"""A type of identifier, and an expression for (or the text of) a value in its one form."""

_WRITE = """
insert into ledger.tombstones
select distinct identifier_type, {digest}, {key_id}, {moment}
from erased_values
where {digest} not in (select tombstone from ledger.tombstones)
"""

_LIFT = """
insert into ledger.lifted_tombstones
select identifier_type, tombstone, key_id, erased_at, {moment}, {reason}
from ledger.tombstones
where tombstone in ({digests})
"""

_COUNT_OF_OTHER_KEYS = "select count(*) from ledger.tombstones where key_id not in ({keys})"


def write_tombstones(
    connection: Connection, keys: DigestKeys, values: Iterable[Kind], moment: datetime
) -> None:
    """Write down the digest of every value, once; nothing leads back from it to the value."""
    create_tables(connection)
    kinds, texts = zip(*sorted(set(values)), strict=True)
    connection.execute(
        "create or replace temporary table erased_values"
        " (identifier_type varchar, identifier_value varchar)"
    )
    rows = {
        "identifier_type": pa.array(kinds, pa.string()),
        "identifier_value": pa.array(texts, pa.string()),
    }
    connection.insert("erased_values", pa.table(rows))
    statement = render(
        _WRITE,
        digest=_digest(keys.current, "identifier_type", "identifier_value"),
        key_id=literal(keys.current.identifier),
        moment=literal(moment),
    )
    with connection.transaction():
        connection.execute(statement)
    connection.execute("drop table erased_values")


def has_tombstones(connection: Connection) -> bool:
    """Say whether anybody was erased."""
    if not connection.table_exists("ledger", "tombstones"):
        return False
    return bool(connection.execute("select 1 from ledger.tombstones limit 1"))


def refuse_unknown_key(connection: Connection, keys: DigestKeys) -> None:
    """Raise UnknownKey when tombstones cannot be compared: erased persons would come back."""
    known = literals(key.identifier for key in _keys(keys))
    count = connection.execute(render(_COUNT_OF_OTHER_KEYS, keys=known))[0][0]
    if count:
        msg = (
            f"{count} tombstones of erased persons were made with another key than {KEY_VARIABLE}, "
            f"so that they could come back. Set {FORMER_KEY_VARIABLE} to that key, and keep it."
        )
        raise UnknownKey(msg)


def is_buried(keys: DigestKeys, kinds: Sequence[Kind]) -> str:
    """Return the condition that one of the values, given as expressions, was erased."""
    parts = [
        f"{_digest(key, literal(kind), expression)} in (select tombstone from ledger.tombstones)"
        for kind, expression in kinds
        for key in _keys(keys)
    ]
    return f"coalesce({' or '.join(parts)}, false)" if parts else "1 = 0"


def find_burial(
    connection: Connection, keys: DigestKeys, values: Sequence[Kind]
) -> datetime | None:
    """Return when one of these values was erased; None when none was."""
    return min(
        (erased_at for _, erased_at in find_tombstones(connection, keys, values)), default=None
    )


def find_tombstones(
    connection: Connection, keys: DigestKeys, values: Sequence[Kind]
) -> list[tuple[str, datetime]]:
    """Return type and moment of the tombstones that these values have."""
    digests = _digests(keys, values)
    if not digests or not has_tombstones(connection):
        return []
    return connection.execute(
        "select identifier_type, erased_at from ledger.tombstones"
        f" where tombstone in ({digests}) order by all"
    )


def lift_tombstones(
    connection: Connection,
    keys: DigestKeys,
    values: Sequence[Kind],
    moment: datetime,
    reason: str,
) -> int:
    """Let these values in again and note that it was done, why and when; return their number.

    What is noted is the tombstone itself, a keyed digest. The caller's transaction commits.
    """
    create_tables(connection)
    digests = _digests(keys, values)
    found = len(find_tombstones(connection, keys, values))
    if found:
        statement = render(_LIFT, moment=literal(moment), reason=literal(reason), digests=digests)
        connection.execute(statement)
        connection.execute(f"delete from ledger.tombstones where tombstone in ({digests})")
    return found


def _digests(keys: DigestKeys, values: Sequence[Kind]) -> str:
    return ", ".join(
        _digest(key, literal(kind), literal(text)) for kind, text in values for key in _keys(keys)
    )


def _digest(key: DigestKey, kind: str, expression: str) -> str:
    return key.digest(f"{literal('tombstone|')} || {kind} || '|' || {expression}")


def _keys(keys: DigestKeys) -> list[DigestKey]:
    return [keys.current, keys.former] if keys.former else [keys.current]
