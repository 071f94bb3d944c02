with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

events as (

    select * from {{ ref('stg_web__events') }}

),

accounts as (

    select * from {{ ref('int_accounts_resolved') }}

),

devices as (

    select * from {{ ref('int_devices_owned') }}

),

-- Who is logged in is known; otherwise the owner of a device that nobody else uses.
attributed as (

    select
        events.event_id,
        coalesce(accounts.customer_id, devices.customer_id) as customer_id,
        events.anonymous_id,
        events.event_type,
        events.platform,
        events.device_type,
        events.geo_region,
        events.page_path,
        events.referrer,
        events.utm_source,
        events.utm_medium,
        events.utm_campaign,
        events.click_id,
        events.sku,
        coalesce(events.device_type, '') = 'bot' as is_bot,
        events.has_analytics_consent,
        {{ known_time('events.occurred_at', 'clock.as_of') }} as occurred_at,
        coalesce(events.received_at, events.occurred_at) as received_at
    from events
    left join accounts
        on events.shop_customer_id = accounts.shop_customer_id
    left join devices
        on events.anonymous_id = devices.device_id
    cross join clock
    where not {{ is_future('events.occurred_at', 'clock.as_of') }}

)

select * from attributed
