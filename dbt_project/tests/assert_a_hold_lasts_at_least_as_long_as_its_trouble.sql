-- No hold ends before its trouble does, none begins before it, and an open trouble of a kind
-- that knows no longest time is held.
select holds.hold_id
from {{ ref('holds') }} as holds
inner join {{ ref('hold_reasons') }} as hold_reasons
    on holds.reason = hold_reasons.reason
where holds.resolved_at < holds.starts_at
    or holds.ends_at < holds.resolved_at
    or (
        holds.resolved_at is null
        and hold_reasons.longest_days is null
        and not holds.is_active
    )
