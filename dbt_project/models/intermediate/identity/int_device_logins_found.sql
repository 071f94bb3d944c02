with

events as (

    select * from {{ ref('stg_web__events') }}

),

logins as (

    select
        anonymous_id as device_id,
        shop_customer_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from events
    where anonymous_id is not null
        and shop_customer_id is not null
    group by
        anonymous_id,
        shop_customer_id

)

select * from logins
