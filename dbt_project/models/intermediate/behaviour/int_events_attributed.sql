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

spans as (

    select * from {{ ref('int_device_spans_found') }}
    where is_only_holder

),

visits as (

    select * from {{ ref('int_device_visits_claimed') }}

),

placeholders as (

    select distinct device_id
    from {{ ref('int_device_holders_found') }}
    where is_placeholder

),

-- Who is logged in is known. Otherwise, where analytics is allowed: who was seen in the same
-- visit on a shared device, or who held the device at the time when nobody else ever did.
matched as (

    select
        events.*,
        clock.as_of,
        case when placeholders.device_id is null then events.anonymous_id end
            as device_id,
        case
            when accounts.holder_id is not null then accounts.customer_id
            when not events.has_analytics_consent then null
            else coalesce(visits.customer_id, spans.customer_id)
        end as customer_id,
        case
            when accounts.holder_id is null
                then coalesce(
                        visits.known_at,
                        case
                            when events.occurred_at < spans.first_seen_at
                                then spans.known_at
                        end
                    )
        end as holder_known_at
    from events
    -- An outer join, so that no optimiser takes the events for few and hashes them instead.
    left join clock
        on true
    left join accounts
        on events.shop_customer_id = accounts.shop_customer_id
    left join visits
        on events.event_id = visits.event_id
    left join spans
        on events.anonymous_id = spans.device_id
            and events.occurred_at >= spans.valid_from
            and events.occurred_at < spans.valid_to
    left join placeholders
        on events.anonymous_id = placeholders.device_id

),

attributed as (

    select
        matched.event_id,
        matched.customer_id,
        matched.device_id as anonymous_id,
        matched.event_type,
        matched.platform,
        matched.device_type,
        matched.geo_region,
        matched.page_path,
        matched.referrer,
        matched.utm_source,
        matched.utm_medium,
        matched.utm_campaign,
        matched.click_id,
        matched.sku,
        matched.asset_id,
        coalesce(matched.device_type, '') = 'bot' as is_bot,
        matched.has_analytics_consent,
        {{ known_time('matched.occurred_at', 'matched.as_of') }} as occurred_at,
        coalesce(matched.received_at, matched.occurred_at) as received_at,
        case
            when matched.customer_id is null then null
            when matched.holder_known_at
                > coalesce(matched.received_at, matched.occurred_at)
                then matched.holder_known_at
            else coalesce(matched.received_at, matched.occurred_at)
        end as customer_known_at
    from matched
    where not {{ is_future('matched.occurred_at', 'matched.as_of') }}

)

select * from attributed
