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

second_purchase_odds as (

    select * from {{ ref('second_purchase_odds') }}

),

-- Whose second purchase is worth less than the nudge costs; nobody where that is not known.
unpaid as (

    select customer_id from second_purchase_odds
    where nudge_value < 0

),

-- Bought once, did not come back on their own, can still be won in time.
waited as (

    select
        transitions.customer_id,
        {{ add_days('transitions.last_ordered_at', 'thresholds.w2_days') }}
            as waits_until,
        transitions.occurred_at,
        transitions.left_at
    from transitions
    cross join thresholds

),

-- Who is new once more because a purchase was taken back may have waited long ago.
began as (

    select
        customer_id,
        {{ later_of('waits_until', 'occurred_at') }} as entered_at,
        left_at
    from waited

),

entered as (

    select began.*
    from began
    cross join clock
    left join unpaid
        on began.customer_id = unpaid.customer_id
            and began.left_at is null
    where began.entered_at < coalesce(began.left_at, clock.as_of)
        and unpaid.customer_id is null

)

select * from entered
