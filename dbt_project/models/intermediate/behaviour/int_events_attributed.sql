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

attributed as (

    select
        events.*,
        coalesce(accounts.customer_id, devices.customer_id) as customer_id,
        coalesce(events.utm_campaign, events.click_id) as campaign,
        coalesce(events.device_type, '') = 'bot' as is_bot
    from events
    left join accounts
        on accounts.shop_customer_id = events.shop_customer_id
    left join devices
        on devices.device_id = events.anonymous_id
    cross join clock
    where not {{ is_future('events.occurred_at', 'clock.as_of') }}

)

select * from attributed
