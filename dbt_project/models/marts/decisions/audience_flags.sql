with

lifecycle_stages as (

    select * from {{ ref('lifecycle_stages') }}

),

flagged as (

    select
        customer_id,
        as_of,
        -- bought once, did not come back on their own, can still be won in time
        stage = 'new_customer' and substage = 'second_chance'
            as is_second_purchase_nudge,
        -- whoever ever bought needs no advertising meant for strangers
        days_since_last_order is not null as is_existing_customer,
        -- bought well for a while, then stopped
        is_former_good as is_win_back,
        stage = 'loyal' as is_loyal_early_access,
        stage,
        reason
    from lifecycle_stages

)

select * from flagged
