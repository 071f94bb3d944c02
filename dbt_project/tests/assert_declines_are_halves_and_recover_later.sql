select customer_id
from {{ ref('activity_declines') }}
where 2 * count_28d > usual_28d
    or z_score >= 0
    or recovered_at <= flagged_at
    or is_open <> (recovered_at is null)
