with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

push_tokens as (

    select * from {{ ref('stg_push__tokens') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

devices as (

    select * from {{ ref('int_devices_held') }}

),

-- A message shows up on the device, whoever holds it: the token is its account's as long as
-- nobody else was seen there since, or lately.
assigned as (

    select
        push_tokens.push_token,
        case
            when devices.device_id is null then resolved.customer_id
            when devices.is_contested then null
            when resolved.customer_id is null and devices.count_holders > 1 then null
            when coalesce(resolved.customer_id, devices.customer_id)
                = devices.customer_id
                then devices.customer_id
        end as customer_id,
        push_tokens.registered_at,
        coalesce(push_tokens.last_seen_at, push_tokens.registered_at) as last_seen_at,
        coalesce(push_tokens.invalidated_at <= clock.as_of, false) as is_invalidated
    from push_tokens
    cross join clock
    left join resolved
        on resolved.source = 'push'
            and resolved.source_record_key = concat('tokens:', push_tokens.push_token)
    left join devices
        on push_tokens.device_id = devices.device_id
    where not {{ is_future('push_tokens.registered_at', 'clock.as_of') }}

)

select * from assigned
