-- Limits are passed at the same moment in seasonal days and in those of the calendar, but for the
-- last fraction of a second.
select customer_id
from {{ ref('purchase_rhythm') }}
where count_orders > 1
    and (
        (overdue_ratio > risk_ratio and elapsed_days < risk_days - 0.0001)
        or (overdue_ratio < risk_ratio and elapsed_days > risk_days + 0.0001)
        or (overdue_ratio > lapse_ratio and elapsed_days < lapse_days - 0.0001)
        or (overdue_ratio < lapse_ratio and elapsed_days > lapse_days + 0.0001)
    )
