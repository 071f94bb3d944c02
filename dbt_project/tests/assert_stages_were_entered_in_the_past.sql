-- A stage holds since a moment after the first purchase that was ever told, never since one to
-- come.
with

firsts as (

    select
        customer_id,
        min(occurred_at) as occurred_at
    from {{ ref('int_purchase_occasions_told') }}
    group by customer_id

)

select
    lifecycle_stages.customer_id,
    lifecycle_stages.stage
from {{ ref('lifecycle_stages') }} as lifecycle_stages
inner join {{ ref('purchase_rhythm') }} as purchase_rhythm
    on purchase_rhythm.customer_id = lifecycle_stages.customer_id
inner join firsts
    on firsts.customer_id = lifecycle_stages.customer_id
where
    lifecycle_stages.entered_at > lifecycle_stages.as_of
    or lifecycle_stages.entered_at < firsts.occurred_at
