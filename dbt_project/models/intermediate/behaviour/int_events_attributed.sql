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
        events.event_id,
        events.occurred_at,
        events.received_at,
        coalesce(events.utm_campaign, events.click_id) as campaign,
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
        event_id,
        customer_id,
        device_id as anonymous_id,
        campaign,
        {{ known_time('occurred_at', 'as_of') }} as occurred_at,
        case
            when customer_id is null then null
            when holder_known_at > coalesce(received_at, occurred_at)
                then holder_known_at
            else coalesce(received_at, occurred_at)
        end as customer_known_at
    from matched
    where not {{ is_future('occurred_at', 'as_of') }}

)

select * from attributed
