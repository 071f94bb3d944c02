"""Keep the ledger as large as the audience, however many runs there were, and its digests alike."""

from datetime import datetime

from activation.comparison import row_hash
from activation.connection import Connection
from activation.digests import ContentRule, RowRule
from activation.ledger import Ledger
from activation.rows import desired_rows, field_names
from activation.statements import literal, render

KEPT_PLANS = 2
KEPT_RUNS = 400

# Rows are written anew: to update them in place takes minutes instead of seconds, because
# the engine merges every changed row into the changed rows beside it.
_RENEW = (
    """
    create or replace temporary table renewed_rows as
    select sync_rows.* replace (
        {current} as key_id, fresh.row_hash as row_hash, fresh.pieces as pieces
    )
    from ledger.sync_rows
    inner join (
        select
            row_key,
            {row_hash} as row_hash,
            {former_hash} as former_hash,
            {pieces} as pieces
        from ({desired}) as desired
    ) as fresh
        on fresh.row_key = sync_rows.row_key and fresh.former_hash = sync_rows.row_hash
    where
        sync_rows.sync = {sync}
        and sync_rows.account = {account}
        and sync_rows.key_id = {former}
    """,
    """
    delete from ledger.sync_rows
    where
        sync = {sync}
        and account = {account}
        and key_id = {former}
        and row_key in (select row_key from renewed_rows)
    """,
    "insert into ledger.sync_rows by name select * from renewed_rows",
    "drop table renewed_rows",
)

# The last plans answer "why was this row sent"; before them the run's counts have to do.
_COMPACT = (
    """
    delete from ledger.plan_rows
    where
        sync = {sync}
        and run_id not in (
            select run_id from ledger.runs
            where sync = {sync} and (status = 'delivering' or plan_number > {newest} - {plans})
        )
    """,
    """
    delete from ledger.rejections
    where
        sync = {sync}
        and run_id not in (
            select run_id from ledger.runs where sync = {sync} and plan_number > {newest} - {plans}
        )
    """,
    """
    delete from ledger.jobs
    where
        sync = {sync}
        and run_id not in (
            select run_id from ledger.runs where sync = {sync} and status = 'delivering'
        )
    """,
    """
    delete from ledger.runs
    where
        sync = {sync}
        and plan_number <= {newest} - {runs}
        and plan_number not in (
            select max(plan_number) from ledger.runs
            where sync = {sync} and status = 'finished'
            group by account
        )
    """,
)


def renew_digests(ledger: Ledger) -> None:
    """Digest unchanged rows anew when key or rule changed, so that nobody is sent for it."""
    used = ledger.connection.execute(
        "select distinct key_id from ledger.sync_rows where sync = ? and account = ?",
        (ledger.spec.name, ledger.account),
    )
    for rule in ledger.keys.former_row_rules:
        if (rule.identifier,) in used:
            _renew(ledger, rule)


def _renew(ledger: Ledger, former: RowRule | ContentRule) -> None:
    spec, current = ledger.spec, ledger.keys.row_rule
    parts = {
        "current": literal(current.identifier),
        "former": literal(former.identifier),
        "row_hash": row_hash(spec, current),
        "former_hash": row_hash(spec, former),
        "pieces": ledger.keys.current.pieces("payload", field_names(spec)),
        "desired": desired_rows(spec),
        "sync": literal(spec.name),
        "account": literal(ledger.account),
    }
    with ledger.connection.transaction():
        for template in _RENEW:
            ledger.connection.execute(render(template, **parts))


def compact(ledger: Ledger) -> None:
    """Forget the rows of all but the last plans, and the runs of long ago."""
    connection, sync = ledger.connection, literal(ledger.spec.name)
    newest = connection.execute(
        "select max(plan_number) from ledger.runs where sync = ?", (ledger.spec.name,)
    )[0][0]
    parts = {"sync": sync, "newest": newest, "plans": KEPT_PLANS, "runs": KEPT_RUNS}
    with connection.transaction():
        for template in _COMPACT:
            connection.execute(render(template, **parts))


def former_moments(connection: Connection) -> list[tuple[str, datetime]]:
    """Return when each contact that is still in an account left its last list there, by sync."""
    if not connection.table_exists("ledger", "former_rows"):
        return []
    return connection.execute("select sync, removed_at from ledger.former_rows")


def forget_former(connection: Connection, cut: datetime) -> int:
    """Forget contacts that left a list before `cut`; return their number.

    Whoever is erased later is not deleted at that platform any more.
    """
    old = f"ledger.former_rows where removed_at < {literal(cut)}"
    with connection.transaction():
        count = int(connection.execute(f"select count(*) from {old}")[0][0])
        connection.execute(f"delete from {old}")
    return count
