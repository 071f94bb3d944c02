"""The statements by which the ledger notes what became of rows."""

# A row is written anew with what the platform now holds or may hold. After a rejection it still
# holds the former values, and the hash says which values not to try again.
RECORD = """
insert into ledger.sync_rows
select
    sync, {account}, row_key, customer_id, contact_point_id, row_hash,
    case when state in ('delivered', 'unknown') then {identifiers} else held_identifiers end,
    case state when 'delivered' then 'acknowledged' else state end,
    code,
    state in ('delivered', 'unknown') or coalesce(was_held, false),
    case
        when state in ('delivered', 'unknown') then coalesce(held_since, {now}) else held_since
    end,
    {now}, {normaliser}, run_id, {key_id}, {mapping}, pieces,
    case when state = 'rejected' then attempts + 1 else 0 end,
    case
        when state = 'rejected'
            then {runs_until_retry}
                + (select plan_number from ledger.runs where run_id = {run_id})
    end, version
from ledger.plan_rows
where run_id = {run_id} and {rows} and state in ('delivered', 'rejected', 'invalid', 'unknown')
"""

FORGET = """
delete from ledger.sync_rows
where {mine} and row_key in (
    select ledger_key from ledger.plan_rows
    where run_id = {run_id} and {rows} and ledger_key is not null
)
"""

# What was refused is not what the platform holds: in doubt, nothing counts as the same.
DOUBT = """
update ledger.sync_rows
set
    state = 'unknown', version = null,
    row_hash = case when state in ('rejected', 'invalid') then null else row_hash end
where {mine} and row_key in (
    select ledger_key from ledger.plan_rows where run_id = {run_id} and {rows}
)
"""

SETTLE = """
update ledger.plan_rows set state = {state}, code = {code}, settled_at = {now}
where run_id = {run_id} and {rows}
"""

MOVE = """
update ledger.plan_rows set state = {state} where run_id = {run_id} and {rows}
"""

OUTCOMES = """
update ledger.plan_rows
set state = outcomes.state, code = outcomes.code, settled_at = {now}
from ledger.outcomes as outcomes
where
    outcomes.run_id = {run_id}
    and plan_rows.run_id = {run_id}
    and plan_rows.row_number = outcomes.row_number
"""

NOTED = """
select operation, batch, max(case when state = 'settled' then 1 else 0 end)
from ledger.batches
where run_id = {run_id}
group by operation, batch
order by operation, batch
"""

HOLD_BACK = """
update ledger.plan_rows set upsert_batch = null where run_id = {run_id} and {rows}
"""

REJECTIONS = """
insert into ledger.rejections
select run_id, sync, row_key, customer_id, action, row_hash, state, code, 1, {now}
from ledger.plan_rows
where run_id = {run_id} and state in ('rejected', 'invalid')
"""

PURGE = """
update ledger.plan_rows set payload = null, held_identifiers = null
where run_id = {run_id} and (payload is not null or held_identifiers is not null)
"""

DROP_UNDESIRED = """
delete from ledger.sync_rows
where {mine} and not is_held and row_key not in (select cast({key} as varchar) from {relation})
"""

COUNT = "select count(*) from ledger.sync_rows where {mine} and {condition}"

OPEN_RUN = """
insert into ledger.runs (run_id, sync, account, plan_number, status, as_of, started_at, desired)
select ?, ?, ?, coalesce(max(plan_number), 0) + 1, 'delivering', ?, ?, ?
from ledger.runs where sync = ?
"""
