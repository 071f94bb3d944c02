"""Plan what a sync that is switched off still owes: to take back whom nobody may hold any more."""

from collections.abc import Collection
from dataclasses import dataclass

from activation.comparison import Comparison
from activation.connection import Connection
from activation.destinations import DESTINATIONS
from activation.digests import DigestKeys
from activation.gate import Gate
from activation.identities import identity_of
from activation.ledger_schema import NO_SYNC_ROWS, readable
from activation.recipients import Holder, all_holders, remembered_syncs
from activation.spec import SyncSpec
from activation.statements import literal, render

# The model may be gone, or nobody looks after it any more: the ledger alone says who is held. A
# former customer is judged as the one they are now, an address also as whoever has it by now.
_COMPARED = """
with held as (
    select
        sync_rows.row_key,
        coalesce(aliases.customer_id, sync_rows.customer_id) as customer_id,
        sync_rows.contact_point_id,
        sync_rows.identifiers as payload,
        sync_rows.first_held_at,
        sync_rows.version
    from {sync_rows}
    left join {aliases} on aliases.former_customer_id = sync_rows.customer_id
    where
        sync_rows.sync = {sync}
        and sync_rows.account = {account}
        and sync_rows.is_held
        and {can_be_taken_back}
),
candidates as (
    select row_key, customer_id, contact_point_id, payload from held
    {owners}
),
judged as ({judged}),
forbidden as (
    select row_key, min(block_reason) as reason from judged
    where block_reason is not null
    group by row_key
),
kept as (
    select payload from held
    where not exists (select 1 from forbidden where forbidden.row_key = held.row_key)
),
changes as (
    select
        held.row_key,
        held.row_key as ledger_key,
        held.customer_id,
        held.contact_point_id,
        'remove' as action,
        forbidden.reason,
        cast(null as varchar) as row_hash,
        cast(null as varchar) as payload,
        held.payload as held_identifiers,
        1 = 1 as was_held,
        held.first_held_at as held_since,
        cast(null as varchar) as pieces,
        0 as attempts,
        cast(null as varchar) as changed_columns,
        held.version,
        {stale} as stale
    from held
    inner join forbidden on forbidden.row_key = held.row_key
)
"""

_OWNERS = """
    union all
    select held.row_key, points.customer_id, held.contact_point_id, held.payload
    from held
    inner join contact.contact_points as points
        on
            points.contact_point_id = held.contact_point_id
            and points.customer_id <> coalesce(held.customer_id, '')
"""

_ALIASES = """(
        select former_customer_id, max(customer_id) as customer_id from core.customer_aliases
        group by former_customer_id
    ) as aliases"""

_NO_ALIASES = """(
        select cast(null as varchar) as former_customer_id, cast(null as varchar) as customer_id
    ) as aliases"""

# A value that another person's row has too stays there: it is theirs as well.
_STALE = """case
            when {held} is not null
                and {held} not in (select {kept} from kept where {kept} is not null)
                then {name} else '' end"""


@dataclass(frozen=True)
class Withdrawals(Comparison):
    """The rows an account holds by a sync that is switched off, as the gate judges them now."""

    def changes(self, *, is_paused: bool = False) -> str:
        """Return the expressions that end in `changes`: a removal per row the gate forbids."""
        spec, connection = self.spec, self.connection
        has_aliases = connection.table_exists("core", "customer_aliases")
        return render(
            _COMPARED,
            sync_rows=readable(self.connection, "sync_rows") if self._has_rows() else NO_SYNC_ROWS,
            aliases=_ALIASES if has_aliases else _NO_ALIASES,
            sync=literal(spec.name),
            account=literal(self.account),
            can_be_taken_back="1 = 0" if spec.sends_messages else "1 = 1",
            owners=_OWNERS if self.gate.is_open and not spec.is_internal else "",
            judged=self.gate.judged("candidates", are_held=True),
            stale=_stale(spec),
        )


@dataclass(frozen=True)
class Retired:
    """Rows that an account holds by a sync the project has no more, and the sync as it last ran.

    `spec` is switched off; it is None when the ledger does not remember where the sync went.
    """

    holder: Holder
    spec: SyncSpec | None


def comparison_for(
    connection: Connection, spec: SyncSpec, gate: Gate, account: str, keys: DigestKeys
) -> Comparison:
    """Return what the plan of a sync is made of: all that is desired, or only withdrawals."""
    kind = Comparison if spec.is_enabled else Withdrawals
    return kind(connection, spec, gate, account, keys)


def find_retired(
    connection: Connection, looked_after: Collection[tuple[str, str]]
) -> list[Retired]:
    """Return who holds rows that no sync of the project looks after.

    `looked_after` are the project's syncs and the accounts they go to today: rows that a sync left
    at another account are retired, too. Sent messages are not among them: nobody can take them
    back.
    """
    remembered = remembered_syncs(connection)
    found = [
        Retired(holder, _if_known(remembered.get((holder.sync, holder.account))))
        for holder in all_holders(connection)
        if (holder.sync, holder.account) not in looked_after
    ]
    return [one for one in found if one.spec is None or not one.spec.sends_messages]


def _if_known(spec: SyncSpec | None) -> SyncSpec | None:
    """Return a remembered sync, unless its destination or surface is no more."""
    if spec is None or spec.destination not in DESTINATIONS:
        return None
    return spec if spec.surface in spec.capabilities.surfaces else None


def count_forbidden(comparison: Comparison) -> int:
    """Return how many rows an account holds that it may not hold any more."""
    statement = f"{comparison.changes()} select count(*) from changes"
    return int(comparison.connection.execute(statement)[0][0])


def _stale(spec: SyncSpec) -> str:
    """Name each identity of a held row that no kept row has, as a comma-separated text."""
    parts = [
        render(
            _STALE,
            held=identity_of("held.payload", identity, spec.capabilities),
            kept=identity_of("kept.payload", identity, spec.capabilities),
            name=literal(identity[0] + ","),
        )
        for identity in spec.capabilities.identities
    ]
    return " || ".join(parts) or "''"
