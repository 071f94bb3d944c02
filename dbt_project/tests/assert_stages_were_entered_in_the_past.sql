-- A stage holds since a moment after the first purchase, never since one to come.
select
    lifecycle_stages.customer_id,
    lifecycle_stages.stage
from {{ ref('lifecycle_stages') }} as lifecycle_stages
inner join {{ ref('purchase_rhythm') }} as purchase_rhythm
    on purchase_rhythm.customer_id = lifecycle_stages.customer_id
where
    lifecycle_stages.entered_at > lifecycle_stages.as_of
    or lifecycle_stages.entered_at < purchase_rhythm.first_ordered_at
