-- A person's stages leave no gap and no overlap, begin from nothing, and never lead to where they
-- came from.
select current_one.*
from {{ ref('lifecycle_transitions') }} as current_one
left join {{ ref('lifecycle_transitions') }} as previous_one
    on current_one.customer_id = previous_one.customer_id
        and current_one.transition_number = previous_one.transition_number + 1
where coalesce(current_one.from_stage, '') <> coalesce(previous_one.to_stage, '')
    or current_one.from_stage = current_one.to_stage
    or (
        current_one.transition_number > 1
        and current_one.occurred_at <> previous_one.left_at
    )
    or (current_one.transition_number = 1 and current_one.from_stage is not null)
