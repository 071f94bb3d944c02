{% set text = dbt.type_string() %}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

web_events as (

    select * from {{ ref('stg_web__events') }}

),

sessionised as (

    select * from {{ ref('int_events_sessionised') }}

),

-- What takes part in no session has no device either.
final as (

    select
        web_events.event_id,
        case
            when sessionised.session_number is not null
                then concat(
                        web_events.anonymous_id,
                        ':',
                        cast(sessionised.session_number as {{ text }})
                    )
        end as session_id,
        sessionised.customer_id,
        case
            when sessionised.session_number is not null then web_events.anonymous_id
        end as anonymous_id,
        web_events.event_type,
        web_events.platform,
        web_events.device_type,
        web_events.geo_region,
        web_events.page_path,
        web_events.referrer,
        web_events.utm_source,
        web_events.utm_medium,
        web_events.utm_campaign,
        web_events.click_id,
        web_events.sku,
        web_events.asset_id,
        sessionised.is_session_start,
        cast(sessionised.seconds_since_previous as {{ dbt.type_bigint() }})
            as seconds_since_previous,
        coalesce(web_events.device_type, '') = 'bot' as is_bot,
        web_events.has_analytics_consent,
        {{ known_time('web_events.occurred_at', 'clock.as_of') }} as occurred_at,
        coalesce(web_events.received_at, web_events.occurred_at) as received_at,
        sessionised.customer_known_at
    from web_events
    inner join sessionised
        on web_events.event_id = sessionised.event_id
    left join clock
        on true

)

select * from final
