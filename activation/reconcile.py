"""Compare what a platform says it holds with what the ledger says, and have the difference sent."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pyarrow as pa

from activation.connection import Connection
from activation.destinations import DESTINATIONS, refuse_settings
from activation.digests import DigestKeys
from activation.errors import NotReadable
from activation.identities import identity_of
from activation.lease import lease
from activation.ledger import Ledger
from activation.pacing import Patience
from activation.recovery import conversation_with, recover
from activation.spec import SyncSpec
from activation.statements import literal, render
from activation.targets import known_target
from activation.transport import sender_for

MISSING = "missing_at_platform"

_DOUBT = """
update ledger.sync_rows set state = 'unknown', code = {missing}, version = null
where {mine} and is_held and state = 'acknowledged' and not ({is_listed})
"""

_IS_LISTED = """coalesce(
        {held} in (select {listed} from listed_members where {listed} is not null), false
    )"""

_IS_HELD = """coalesce(
        {listed} in (
            select {held} from ledger.sync_rows where {mine} and is_held and {held} is not null
        ), false
    )"""

_COUNT_MISSING = "select count(*) from ledger.sync_rows where {mine} and is_held and code = {code}"

_COUNT_FOREIGN = "select count(*) from listed_members where not ({is_held})"


@dataclass(frozen=True)
class Drift:
    """How a platform's list differs from the ledger.

    `missing` rows are held by the ledger and not listed; the next run sends them again. `foreign`
    members are listed and not held: others put them there, and they are left alone.
    """

    sync: str
    held: int
    listed: int
    missing: int
    foreign: int


@dataclass(frozen=True)
class Size:
    """How many rows the ledger says a platform holds, and how many members it counts itself.

    It counts matched persons, not rows, late and rounded, and does not say who they are: nothing
    is sent again for it. `most` is None when it does not say.
    """

    sync: str
    held: int
    least: int
    most: int | None


def reconcile_sync(
    connection: Connection,
    spec: SyncSpec,
    settings: Any,
    *,
    keys: DigestKeys,
    client: httpx.Client | None = None,
    patience: Patience | None = None,
) -> Drift | Size:
    """Read a target back and doubt every held row that is not listed there.

    Of a platform that only counts its members return the count.

    Raise NotReadable when the platform does not tell who is in a target, or there is none yet.
    """
    refuse_settings(spec.destination, settings)
    destination = DESTINATIONS[spec.destination](settings)
    ledger = Ledger(connection, spec, destination.account, keys)
    ledger.prepare()
    target = known_target(connection, spec, ledger.account)
    is_listed, is_counted = hasattr(destination, "members"), hasattr(destination, "size")
    if target is None or not (is_listed or is_counted):
        mute = f"{spec.destination} does not tell who is in a target"
        why = "nothing was sent yet" if target is None else mute
        msg = f"{spec.name}: {why}, so there is nothing to compare."
        raise NotReadable(msg)
    with (
        lease(connection, spec.name, uuid4().hex),
        sender_for(destination, client) as send,
    ):
        bearable = patience or Patience()
        recover(ledger, destination, client, bearable)
        conversation = conversation_with(destination, send, bearable)
        if not is_listed:
            counted = conversation.count(destination.size(target))
            held = ledger.count_acknowledged()
            return Size(spec.name, held, counted.least, counted.most)
        members = conversation.read(destination.members(target, spec.layout))
        listed = _write(connection, list(members))
        return _compare(ledger, listed)


def _write(connection: Connection, members: list[Any]) -> int:
    """Put the listed identifiers into a table of this connection alone."""
    connection.execute("create or replace temporary table listed_members (document varchar)")
    documents = [orjson.dumps(member).decode() for member in members]
    connection.insert("listed_members", pa.table({"document": pa.array(documents, pa.string())}))
    return len(documents)


def _compare(ledger: Ledger, listed: int) -> Drift:
    spec, connection = ledger.spec, ledger.connection
    mine = f"sync = {literal(spec.name)} and account = {literal(ledger.account)}"
    pairs = [
        {
            "held": identity_of("sync_rows.identifiers", identity, spec.capabilities),
            "listed": identity_of("listed_members.document", identity, spec.capabilities),
            "mine": mine,
        }
        for identity in spec.capabilities.identities
    ]
    is_listed = " or ".join(render(_IS_LISTED, **pair) for pair in pairs)
    is_held = " or ".join(render(_IS_HELD, **pair) for pair in pairs)
    held = ledger.count_acknowledged()
    foreign = connection.execute(render(_COUNT_FOREIGN, is_held=is_held))
    doubt = render(_DOUBT, missing=literal(MISSING), mine=mine, is_listed=is_listed)
    connection.execute(doubt)
    missing = connection.execute(render(_COUNT_MISSING, mine=mine, code=literal(MISSING)))
    return Drift(spec.name, held, listed, int(missing[0][0]), int(foreign[0][0]))
