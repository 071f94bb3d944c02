with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

events as (

    select * from {{ ref('stg_web__events') }}

),

accounts as (

    select * from {{ ref('int_login_accounts_resolved') }}

),

devices as (

    select
        device_id,
        max(count_holders) as count_holders
    from {{ ref('int_device_holders_found') }}
    where not is_placeholder
    group by device_id

),

seen as (

    select
        devices.device_id,
        devices.count_holders,
        events.event_id,
        accounts.holder_id,
        accounts.customer_id,
        events.occurred_at,
        coalesce(events.received_at, events.occurred_at) as known_at
    from events
    inner join devices
        on events.anonymous_id = devices.device_id
    left join accounts
        on events.shop_customer_id = accounts.shop_customer_id
    left join clock
        on true
    where (accounts.holder_id is not null or devices.count_holders > 1)
        and not {{ is_future('events.occurred_at', 'clock.as_of') }}

),

-- On a device of one holder nobody comes in between: a row a day says as much as all events.
days as (

    select
        device_id,
        holder_id,
        customer_id,
        min(occurred_at) as occurred_at,
        max(occurred_at) as last_at,
        min(known_at) as known_at
    from seen
    where count_holders = 1
    group by
        device_id,
        holder_id,
        customer_id,
        {{ dbt.date_trunc('day', 'occurred_at') }}

),

condensed as (

    select
        device_id,
        event_id,
        holder_id,
        customer_id,
        occurred_at,
        occurred_at as last_at,
        known_at
    from seen
    where count_holders > 1
    union all
    select
        device_id,
        null as event_id,
        holder_id,
        customer_id,
        occurred_at,
        last_at,
        known_at
    from days

)

select * from condensed
