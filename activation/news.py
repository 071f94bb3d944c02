"""What has landed since the models were built: it may forbid, and it never allows."""

from collections.abc import Collection

from activation.connection import Connection
from activation.spec import SyncSpec
from activation.statements import literal, literals, render

RELATION = ("raw", "landed_news")
COLUMNS = ("customer_id", "reason", "channel", "purpose", "source_table")
"""Whose, a reason of the gate or `left_audience`, where and what for (null: all), whence."""

# Of several reasons the first in the alphabet is told: a complaint before a withdrawal.
_FORBIDS = """(
    select customer_id, min(reason) as reason from {relation}
    where
        reason <> 'left_audience'
        and (channel is null or channel in ('all', {channel}))
        and (purpose is null or purpose in ({purposes}) or reason = 'objection')
        and (reason <> 'service_hold' or {is_marketing})
    group by customer_id
)"""
NO_NEWS = """(
    select cast(null as varchar) as customer_id, cast(null as varchar) as reason where 1 = 0
)"""
_LEFT = """(
    select distinct customer_id from {relation}
    where reason = 'left_audience' and source_table in ({tables})
)"""


def forbidding(connection: Connection, spec: SyncSpec) -> str:
    """Return a relation: whom the gate withholds from a sync because of news, and the reason."""
    if not connection.table_exists(*RELATION):
        return NO_NEWS
    return render(
        _FORBIDS,
        relation=".".join(RELATION),
        channel=literal(spec.channel),
        purposes=literals(spec.purposes),
        is_marketing="1 = 1" if "marketing" in spec.purposes else "1 = 0",
    )


def leaving(connection: Connection, tables: Collection[str]) -> str | None:
    """Return a relation of the customers about whom one of these source tables has news.

    None when there is nothing that could have any.
    """
    if not tables or not connection.table_exists(*RELATION):
        return None
    return render(_LEFT, relation=".".join(RELATION), tables=literals(sorted(tables)))
