"""Keep identifiers in the ledger that were left to a row which then did not take them over."""

from datetime import datetime

from activation.connection import Connection
from activation.identities import identity_of
from activation.ledger_schema import HANDED_OVER
from activation.spec import SyncSpec
from activation.statements import literal, render

# An address that moves from one row to another is not removed and added: it simply stays. When the
# other row is then refused or held back, nobody would know that the platform still has it.
_KEEP = """
insert into ledger.sync_rows (
    sync, account, row_key, customer_id, contact_point_id, identifiers, state, code, is_held,
    first_held_at, acknowledged_at, run_id
)
select
    plan_rows.sync,
    {account},
    'handed over|' || plan_rows.run_id || '|' || cast(plan_rows.row_number as varchar),
    plan_rows.customer_id,
    plan_rows.contact_point_id,
    plan_rows.held_identifiers,
    'unknown',
    {handed_over},
    true,
    plan_rows.held_since,
    {now},
    plan_rows.run_id
from ledger.plan_rows
where
    plan_rows.run_id = {run_id}
    and plan_rows.was_held
    and plan_rows.state = 'delivered'
    and ({is_lost})
"""

_IS_LOST = """(
        {held} is not null
        and not ({stale})
        and {held} not in (
            select {kept} from ledger.sync_rows
            where sync = {sync} and account = {account} and is_held and {kept} is not null
        )
    )"""

_COUNT_UNDELIVERED = """
select count(*) from ledger.plan_rows
where run_id = {run_id} and action in ('add', 'change', 'retry') and state <> 'delivered'
"""


def keep_handed_over(
    connection: Connection, spec: SyncSpec, account: str, run_id: str, moment: datetime
) -> None:
    """Record identifiers that no held row of the ledger has any more although none was removed."""
    identities = spec.capabilities.identities
    undelivered = connection.execute(render(_COUNT_UNDELIVERED, run_id=literal(run_id)))
    if not identities or not undelivered[0][0]:
        return
    lost = [
        render(
            _IS_LOST,
            held=identity_of("plan_rows.held_identifiers", identity, spec.capabilities),
            kept=identity_of("sync_rows.identifiers", identity, spec.capabilities),
            stale=f"',' || plan_rows.stale like {literal('%,' + identity[0] + ',%')}",
            sync=literal(spec.name),
            account=literal(account),
        )
        for identity in identities
    ]
    statement = render(
        _KEEP,
        account=literal(account),
        handed_over=literal(HANDED_OVER),
        now=literal(moment),
        run_id=literal(run_id),
        is_lost=" or ".join(lost),
    )
    connection.execute(statement)
