"""Let rows that wait be sent again by the next run, because a person has mended the cause."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from activation.connection import Connection
from activation.destinations import DESTINATIONS, refuse_settings
from activation.digests import DigestKeys
from activation.lease import lease
from activation.ledger import Ledger
from activation.spec import SyncSpec
from activation.statements import literal, render
from activation.targets import forget_gone

_COUNT = "select count(*) from ledger.sync_rows where {mine} and {chosen}"
_RELEASE = """
update ledger.sync_rows set state = 'rejected', attempts = 0, retry_from = null
where {mine} and {chosen}
"""


@dataclass(frozen=True)
class Released:
    """How many rows of a sync the next run tries again: refused ones, and ones in doubt.

    `left` are rows in doubt that wait on, because sending them again may deliver them twice.
    """

    sync: str
    refused: int
    doubtful: int
    left: int


def release_rows(
    connection: Connection,
    spec: SyncSpec,
    settings: Any,
    *,
    keys: DigestKeys,
    doubtful: bool = False,
) -> Released:
    """Begin the count of refusals anew, so that parked rows and ones that wait are sent again.

    A receiver that had said it is gone is asked again, too.

    With `doubtful` also messages of which nobody knows whether the platform got them. Sends
    nothing. Raise ActivationError when the sync is being delivered at the moment.
    """
    refuse_settings(spec.destination, settings)
    ledger = Ledger(connection, spec, DESTINATIONS[spec.destination](settings).account, keys)
    ledger.prepare()
    resends = spec.capabilities.surfaces[spec.surface].resends_unknown
    mine = f"sync = {literal(spec.name)} and account = {literal(ledger.account)}"
    refused, unknown = "state = 'rejected'", f"state = 'unknown' and {int(not resends)} = 1"
    with lease(connection, spec.name, uuid4().hex), connection.transaction():
        counts = [
            int(connection.execute(render(_COUNT, mine=mine, chosen=chosen))[0][0])
            for chosen in (refused, unknown)
        ]
        forget_gone(connection, spec, ledger.account)
        for chosen in (refused, unknown) if doubtful else (refused,):
            connection.execute(render(_RELEASE, mine=mine, chosen=chosen))
    sent, kept = (counts[1], 0) if doubtful else (0, counts[1])
    return Released(spec.name, counts[0], sent, kept)
