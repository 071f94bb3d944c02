{#- How long a cart may lie about before it is taken for left behind. -#}
{%- set cart_hours = 4 -%}

with

events as (

    select
        event_id,
        customer_id,
        occurred_at,
        customer_known_at,
        {{ dbt.dateadd('hour', cart_hours, 'occurred_at') }} as left_at
    from {{ ref('events') }}
    where customer_id is not null
        and not is_bot
        and event_type = 'add_to_cart'

),

orders as (

    select * from {{ ref('orders') }}
    where customer_id is not null

),

detected as (

    select
        events.*,
        {{ later_of('left_at', 'customer_known_at') }} as detected_at
    from events

),

followers as (

    select
        customer_id,
        occurred_at,
        customer_known_at as known_at
    from events
    union all
    select
        customer_id,
        ordered_at as occurred_at,
        ordered_at as known_at
    from orders

),

-- What follows counts only as far as it was known when the time was up.
followed as (

    select distinct detected.event_id
    from detected
    inner join followers
        on detected.customer_id = followers.customer_id
            and detected.occurred_at < followers.occurred_at
            and detected.left_at >= followers.occurred_at
            and detected.detected_at >= followers.known_at

),

abandoned as (

    select
        detected.customer_id,
        'cart_abandoned' as moment,
        detected.event_id as entry_key,
        detected.occurred_at,
        detected.detected_at,
        concat('web/events:', detected.event_id) as evidence
    from detected
    left join followed
        on detected.event_id = followed.event_id
    where followed.event_id is null

)

select * from abandoned
