"""Give a plan one name for all that is in it, so that what was looked at is what is sent."""

import hashlib

import orjson

from activation.comparison import Comparison
from activation.rows import mapping
from activation.spec import SyncSpec
from activation.statements import literal, render

LENGTH = 12

CONTENT = """
    row_key || '|' || action || '|' || coalesce(reason, '')
    || '|' || coalesce(row_hash, '') || '|' || coalesce(ledger_key, '')
    || '|' || coalesce(stale, '')
"""
"""What of a planned row is in the digest of its plan."""

_VERSION = """
select coalesce(max(plan_number), 0) from ledger.runs
where
    sync = {sync}
    and account = {account}
    and delivered + rejected + invalid + unknown > 0
"""


def digest_of(comparison: Comparison, count: int, total: int | None) -> str:
    """Return the digest of a plan's rows, of how they are sent, and of the ledger they are for.

    Of the rows it takes their number and the sum of their digests, none without any: a sum knows no
    order, so that the same rows have the same digest whatever way the engine chose.
    """
    content = [str(count), str(total)]
    parts = [_settings(comparison.spec), comparison.account, _version(comparison), content]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:LENGTH]


def _settings(spec: SyncSpec) -> list[str]:
    """Return what of a sync decides what the platform is told."""
    return [
        *(spec.name, spec.relation, spec.destination, spec.surface, spec.target),
        *(spec.key, spec.mode, spec.channel, *spec.purposes, mapping(spec)),
    ]


def _version(comparison: Comparison) -> int:
    """Return the number of the last run that told the platform anything."""
    if not comparison.connection.table_exists("ledger", "runs"):
        return 0
    statement = render(
        _VERSION, sync=literal(comparison.spec.name), account=literal(comparison.account)
    )
    return int(comparison.connection.execute(statement)[0][0])
