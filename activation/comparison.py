"""Write the one query that compares desired rows with the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from activation.attempts import waits_for
from activation.changed_columns import changed_columns
from activation.clearance import clearance
from activation.connection import Connection
from activation.content import content_digest
from activation.digests import ContentRule, DigestKeys, RowRule
from activation.gate import Gate
from activation.identities import carried, own, shared, stale, wanted
from activation.jumps import SIZE_JUMPED, held_leavers
from activation.ledger_schema import HANDED_OVER, NO_SYNC_ROWS, readable
from activation.plain_changes import LOOKED, RECORDED, has_plain_changes, plain_changes, weighed
from activation.rows import desired_rows, field_names, mapping, payload
from activation.spec import SyncSpec
from activation.spec_rules import LEFT_AUDIENCE
from activation.statements import literal, literals, render
from activation.unchanged import (
    CARRIED,
    IS_UNSETTLED,
    cleared_rows,
    doubtful_rows,
    passed_rows,
    unsettled,
)

FEW_ROWS = 1_000

# Rows whose key vanished because the customer was merged, or whose identifiers a new key uses,
# keep their ledger row under the new key: a removal would take a wanted person away. `stale` names
# the identities that were sent and that no desired row uses any more; only those are removed.
_COMPARED = """
with {unsettled}
source_rows as ({source}),
{leavers}
judged as ({judged}),
desired as (
    select *, {row_hash} as row_hash {own} from judged
),
recorded as (
    select * from {recorded}
    where
        sync = {sync}
        and account = {account} {is_unsettled}
),
orphans as (
    select recorded.row_key, recorded.identifiers from recorded
    where
        recorded.is_held
        and not exists (select 1 from desired where desired.row_key = recorded.row_key)
),
newcomers as (
    select desired.row_key, desired.payload from desired
    where
        desired.block_reason is null
        and not exists (select 1 from recorded where recorded.row_key = desired.row_key)
),
shared as ({shared}),
ranked as (
    select
        old_key,
        new_key,
        row_number() over (partition by old_key order by strength, new_key) as rank_of_new,
        row_number() over (partition by new_key order by strength, old_key) as rank_of_old
    from shared
),
held as (
    select
        coalesce(ranked.new_key, recorded.row_key) as current_key,
        recorded.*
    from recorded
    left join ranked
        on
            ranked.old_key = recorded.row_key
            and ranked.rank_of_new = 1
            and ranked.rank_of_old = 1
),
joined as (
    select
        coalesce(desired.row_key, held.current_key) as row_key,
        desired.row_key is not null as is_desired,
        held.row_key as ledger_key,
        coalesce(held.row_key <> held.current_key, false) as is_renamed,
        coalesce(desired.customer_id, held.customer_id) as customer_id,
        coalesce(desired.contact_point_id, held.contact_point_id) as contact_point_id,
        desired.block_reason,
        desired.row_hash,
        desired.payload,
        held.identifiers as held_identifiers,
        held.is_held as was_held,
        held.first_held_at as held_since,
        held.state as held_state,
        coalesce(held.code = {handed_over}, false) as is_handed_over,
        held.attempts as held_attempts,
        held.retry_from,
        held.version as held_version,
        held.pieces as held_pieces,
        {carried}
        {is_same} as is_same,
        coalesce(held.mapping = {mapping} and held.key_id in ({key_ids}), false) as has_pieces
    from desired
    full outer join held on held.current_key = desired.row_key
),
patient as (
    select
        *,
        {waits_for} as waits_for
    from joined
),
compared as (
    select
        *,
        case when is_desired then coalesce(block_reason, waits_for) else {left_audience} end
            as why,
        case
            when was_held and {is_message} then
                case when block_reason is null and waits_for is not null then 'blocked' end
            when not is_desired and was_held and {removes_leavers} then 'remove'
            when not is_desired then null
            when block_reason is not null and was_held then 'remove'
            when block_reason is not null then 'blocked'
            when ledger_key is null then 'add'
            when waits_for is not null then 'blocked'
            when held_state = 'unknown' then 'retry'
            when is_renamed then 'change'
            when is_same and held_state = 'rejected' then 'retry'
            when is_same then null
            when was_held then 'change'
            else 'add'
        end as wish
    from patient
),
touched as (
    select
        *,
        case when {is_held_back} then 'blocked' else wish end as action,
        case when {is_held_back} then {size_jumped} else why end as reason,
        case when wish in ('add', 'change', 'retry') then {pieces} end as pieces
    from compared
    where wish is not null
),
settled as (
    select
        touched.row_key,
        touched.is_handed_over,
        touched.ledger_key,
        touched.customer_id,
        touched.contact_point_id,
        touched.action,
        touched.reason,
        touched.row_hash,
        touched.payload,
        touched.held_identifiers,
        touched.was_held,
        touched.held_since,
        touched.pieces,
        case when touched.is_same then touched.held_attempts else 0 end as attempts,
        {changed_columns} as changed_columns,
        case
            when touched.action = 'remove' or (touched.is_same and touched.held_state = 'unknown')
                then touched.held_version
        end as version,
        {stale} as stale
    from touched
    {wanted}
    {plain}
),
changes as (
    select * from settled where not is_handed_over or action <> 'remove' or stale <> ''
)
"""


@dataclass(frozen=True)
class Comparison:
    """The rows of one sync, as they are desired now and as one account holds them.

    Where more than `few_rows` could be unchanged, those that are so are left out before the others
    are read; for fewer, a second look at the tables costs more than it saves.
    """

    connection: Connection
    spec: SyncSpec
    gate: Gate
    account: str
    keys: DigestKeys
    few_rows: int = FEW_ROWS

    def changes(self, *, is_paused: bool = False) -> str:
        """Return the common table expressions that end in `changes`: one row per row to act on.

        Of a paused sync only what the gate forbids is acted on; the rest is blocked.
        """
        spec, capabilities = self.spec, self.spec.capabilities
        has_ledger = self._has_rows()
        sync_rows = readable(self.connection, "sync_rows") if has_ledger else NO_SYNC_ROWS
        identities = capabilities.identities if has_ledger else ()
        leavers = held_leavers(spec, self.account) if is_paused else ""
        unsettled = self._unsettled(sync_rows) if has_ledger else ""
        has_plain = bool(unsettled) and has_plain_changes(spec)
        sent = "payload" if has_plain else payload(spec, CARRIED)
        judged = self.gate.judged("source_rows", are_few=bool(unsettled))
        if unsettled:
            judged += passed_rows(sent)
        if leavers:
            judged += " union all " + self.gate.judged("leavers", are_held=True)
        return render(
            _COMPARED,
            unsettled=unsettled,
            is_unsettled=IS_UNSETTLED if unsettled else "",
            source=doubtful_rows(sent) if unsettled else desired_rows(spec),
            leavers=f"leavers as ({leavers})," if leavers else "",
            judged=judged,
            row_hash=row_hash(spec, self.keys.row_rule),
            is_same=_is_same(spec, self.keys.former_row_rules),
            recorded=RECORDED if has_plain else sync_rows,
            plain=plain_changes(changed_columns(spec), is_paused=is_paused) if has_plain else "",
            sync=literal(spec.name),
            account=literal(self.account),
            shared=shared(self.connection, spec, identities),
            left_audience=literal(LEFT_AUDIENCE),
            removes_leavers="1 = 1" if spec.mode == "mirror" else "1 = 0",
            handed_over=literal(HANDED_OVER),
            mapping=literal(mapping(spec)),
            key_ids=literals(self.keys.of_same_pieces),
            waits_for=waits_for(self.connection, spec),
            pieces=self.keys.current.pieces("payload", field_names(spec)),
            changed_columns=changed_columns(spec),
            own=own(capabilities, identities),
            carried=carried(capabilities, identities),
            stale=stale(capabilities, identities),
            wanted=wanted(spec, identities, leaves_out_unchanged=bool(unsettled)),
            is_message="1 = 1" if spec.sends_messages else "1 = 0",
            is_held_back="wish in ('add', 'change', 'retry')" if is_paused else "1 = 0",
            size_jumped=literal(SIZE_JUMPED),
        )

    def _unsettled(self, sync_rows: str) -> str:
        """Return the table expression of the rows to look at; nothing where that saves nothing."""
        cleared = clearance(self.gate)
        if cleared is None or not self._has_many_alike(sync_rows):
            return ""
        content = content_digest(self.connection, self.spec)
        rows = cleared_rows(self.spec, cleared, self.keys.row_rule, content)
        if not has_plain_changes(self.spec):
            return unsettled(rows, self.spec, sync_rows, self.account)
        digest = row_hash(self.spec, self.keys.row_rule)
        looked = unsettled(rows, self.spec, sync_rows, self.account, LOOKED)
        return looked + weighed(self.spec, self.keys, digest, sync_rows, self.account)

    def _has_rows(self) -> bool:
        """Say whether the ledger knows anything of a sync; if not, nothing need be compared."""
        if not self.connection.table_exists("ledger", "sync_rows"):
            return False
        return self._count(readable(self.connection, "sync_rows"), "1 = 1", 1) > 0

    def _has_many_alike(self, sync_rows: str) -> bool:
        """Say whether many rows were digested of the same columns and by the same rule as now."""
        alike = (
            f"mapping = {literal(mapping(self.spec))}"
            f" and key_id = {literal(self.keys.row_rule.identifier)}"
        )
        return self._count(sync_rows, alike, self.few_rows + 1) > self.few_rows

    def _count(self, sync_rows: str, condition: str, most: int) -> int:
        """Count rows of the ledger, no further than to `most`."""
        found = self.connection.execute(
            f"select count(*) from (select 1 from {sync_rows} where sync = ? and account = ?"
            f" and {condition} limit {most}) as counted",
            (self.spec.name, self.account),
        )
        return int(found[0][0])


def row_hash(spec: SyncSpec, rule: RowRule | ContentRule, document: str = "payload") -> str:
    """Return the expression for the digest of a payload under the rules it is sent by."""
    return rule.of_row(spec.capabilities.normaliser, document)


def _is_same(spec: SyncSpec, former: Sequence[RowRule | ContentRule]) -> str:
    """Compare with the digest that the row's own rule gives."""
    by_rule = " ".join(
        f"when {literal(rule.identifier)} then {row_hash(spec, rule, 'desired.payload')}"
        for rule in former
    )
    return f"coalesce(held.row_hash = case held.key_id {by_rule} else desired.row_hash end, false)"
