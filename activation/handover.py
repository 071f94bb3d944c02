"""Keep identifiers in the ledger that were left to a row which then did not take them over."""

from collections.abc import Mapping
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

_COUNT_KEPT = """
select count(*) from ledger.sync_rows
where sync = {sync} and account = {account} and code = {handed_over}
"""

_DROP = """
delete from ledger.sync_rows
where sync = {sync} and account = {account} and code = {handed_over} and {is_taken_over}
"""

_IS_TAKEN_OVER = """(
        {held} is null
        or {held} in (
            select {kept} from ledger.sync_rows as takers
            where
                sync = {sync}
                and account = {account}
                and is_held
                and coalesce(code, '') <> {handed_over}
                and {kept} is not null
        )
    )"""

_COUNT_UNDELIVERED = """
select count(*) from ledger.plan_rows
where run_id = {run_id} and action in ('add', 'change', 'retry') and state <> 'delivered'
"""


def keep_handed_over(
    connection: Connection, spec: SyncSpec, account: str, run_id: str, moment: datetime
) -> None:
    """Record identifiers that no held row of the ledger has any more although none was removed.

    Forget those that another row has taken over since.
    """
    if not spec.capabilities.identities:
        return
    parts = {
        "sync": literal(spec.name),
        "account": literal(account),
        "handed_over": literal(HANDED_OVER),
    }
    if connection.execute(render(_COUNT_KEPT, **parts))[0][0]:
        taken = _for_each_identity(spec, _IS_TAKEN_OVER, "sync_rows", "takers", parts)
        connection.execute(render(_DROP, is_taken_over=" and ".join(taken), **parts))
    if connection.execute(render(_COUNT_UNDELIVERED, run_id=literal(run_id)))[0][0]:
        lost = " or ".join(_for_each_identity(spec, _IS_LOST, "plan_rows", "sync_rows", parts))
        moments = {"now": literal(moment), "run_id": literal(run_id)}
        connection.execute(render(_KEEP, is_lost=lost, **moments, **parts))


def _for_each_identity(
    spec: SyncSpec, template: str, holder: str, others: str, parts: Mapping[str, str]
) -> list[str]:
    """Return a condition per identity of the platform, about a holder and other rows."""
    column = "held_identifiers" if holder == "plan_rows" else "identifiers"
    return [
        render(
            template,
            held=identity_of(f"{holder}.{column}", identity, spec.capabilities),
            kept=identity_of(f"{others}.identifiers", identity, spec.capabilities),
            stale=f"',' || plan_rows.stale like {literal('%,' + identity[0] + ',%')}",
            **parts,
        )
        for identity in spec.capabilities.identities
    ]
