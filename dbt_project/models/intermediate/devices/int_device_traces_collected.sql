with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

events as (

    select * from {{ ref('int_device_events_condensed') }}

),

push_tokens as (

    select * from {{ ref('stg_push__tokens') }}

),

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}
    where identifier_type = 'device'

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

devices as (

    select distinct device_id
    from {{ ref('int_device_holders_found') }}
    where not is_placeholder

),

placed as (

    select
        identifiers.identifier_value as device_id,
        resolved.customer_id,
        identifiers.first_seen_at as occurred_at
    from identifiers
    inner join resolved
        on identifiers.node_id = resolved.node_id
    where resolved.source_record_key like 'orders:%'
    union all
    select
        push_tokens.device_id,
        resolved.customer_id,
        coalesce(push_tokens.last_seen_at, push_tokens.registered_at) as occurred_at
    from push_tokens
    inner join resolved
        on resolved.source = 'push'
            and resolved.source_record_key = concat('tokens:', push_tokens.push_token)

),

collected as (

    select
        device_id,
        event_id,
        holder_id,
        customer_id,
        occurred_at,
        last_at,
        known_at
    from events
    union all
    select
        placed.device_id,
        null as event_id,
        placed.customer_id as holder_id,
        placed.customer_id,
        placed.occurred_at,
        placed.occurred_at as last_at,
        placed.occurred_at as known_at
    from placed
    inner join devices
        on placed.device_id = devices.device_id
    left join clock
        on true
    where not {{ is_future('placed.occurred_at', 'clock.as_of') }}

)

select * from collected
