with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

transitions as (

    select * from {{ ref('lifecycle_transitions') }}
    where to_stage = 'new_customer'

),

thresholds as (

    select * from {{ ref('lifecycle_thresholds') }}

),

-- Bought once, did not come back on their own, can still be won in time.
waited as (

    select
        transitions.customer_id,
        {{ add_days('transitions.occurred_at', 'thresholds.w2_days') }} as entered_at,
        transitions.left_at
    from transitions
    cross join thresholds

),

entered as (

    select waited.*
    from waited
    cross join clock
    where waited.entered_at < coalesce(waited.left_at, clock.as_of)

)

select * from entered
