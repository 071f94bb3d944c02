with

sessionised as (

    select * from {{ ref('int_events_sessionised') }}

),

final as (

    select
        event_id,
        session_id,
        customer_id,
        anonymous_id,
        event_type,
        platform,
        device_type,
        geo_region,
        page_path,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        click_id,
        sku,
        asset_id,
        is_session_start,
        cast(seconds_since_previous as {{ dbt.type_bigint() }})
            as seconds_since_previous,
        is_bot,
        has_analytics_consent,
        occurred_at,
        received_at,
        customer_known_at
    from sessionised

)

select * from final
