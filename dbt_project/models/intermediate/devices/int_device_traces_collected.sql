with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

events as (

    select * from {{ ref('stg_web__events') }}

),

push_tokens as (

    select * from {{ ref('stg_push__tokens') }}

),

accounts as (

    select * from {{ ref('int_login_accounts_resolved') }}

),

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}
    where identifier_type = 'device'

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

devices as (

    select
        device_id,
        max(count_holders) as count_holders
    from {{ ref('int_device_holders_found') }}
    where not is_placeholder
    group by device_id

),

-- Who is seen on a device; where several are, also what happens in between.
traced as (

    select
        devices.device_id,
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
    where accounts.holder_id is not null
        or devices.count_holders > 1
    union all
    select
        devices.device_id,
        cast(null as {{ dbt.type_string() }}) as event_id,
        resolved.customer_id as holder_id,
        resolved.customer_id,
        identifiers.first_seen_at as occurred_at,
        identifiers.first_seen_at as known_at
    from identifiers
    inner join devices
        on identifiers.identifier_value = devices.device_id
    inner join resolved
        on identifiers.node_id = resolved.node_id
    where resolved.source_record_key like 'orders:%'
    union all
    select
        devices.device_id,
        cast(null as {{ dbt.type_string() }}) as event_id,
        resolved.customer_id as holder_id,
        resolved.customer_id,
        coalesce(push_tokens.last_seen_at, push_tokens.registered_at) as occurred_at,
        coalesce(push_tokens.last_seen_at, push_tokens.registered_at) as known_at
    from push_tokens
    inner join devices
        on push_tokens.device_id = devices.device_id
    inner join resolved
        on resolved.source = 'push'
            and resolved.source_record_key = concat('tokens:', push_tokens.push_token)

),

collected as (

    select traced.*
    from traced
    left join clock
        on true
    where not {{ is_future('traced.occurred_at', 'clock.as_of') }}

)

select * from collected
