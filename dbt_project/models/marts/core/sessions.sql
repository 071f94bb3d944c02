{% set gap = 'case when not is_session_start then seconds_since_previous end' %}

with

events as (

    select * from {{ ref('events') }}
    where session_id is not null

),

-- What a session's first event tells of its origin; each session has exactly one.
starts as (

    select
        *,
        coalesce(
            seconds_since_previous <= 1800 and coalesce(utm_campaign, click_id) is null,
            false
        ) as is_handed_over
    from {{ ref('events') }}
    where is_session_start

),

counted as (

    select
        session_id,
        count(*) as count_events,
        {{ count_where("event_type = 'page_view'") }} as count_page_views,
        {{ count_where("event_type = 'product_view'") }} as count_product_views,
        {{ count_where("event_type = 'add_to_cart'") }} as count_carts,
        {{ count_where("event_type = 'order_completed'") }} as count_orders,
        {{ count_where("event_type in ('page_view', 'product_view')") }} as count_views,
        {{ count_where(
            "event_type in ('login', 'sign_up', 'checkout_started', 'order_completed')"
        ) }} as count_commitments,
        count({{ gap }}) as count_gaps,
        sum({{ gap }}) as sum_gaps,
        sum({{ gap }} * {{ gap }}) as sum_squared_gaps,
        {{ dbt.bool_or('is_bot') }} as is_declared_bot,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        {{ dbt.datediff('min(occurred_at)', 'max(occurred_at)', 'second') }}
            as duration_seconds
    from events
    group by session_id

),

summed as (

    select
        counted.*,
        starts.customer_id,
        starts.anonymous_id,
        starts.platform,
        starts.device_type,
        starts.geo_region,
        starts.page_path as landing_page_path,
        starts.referrer,
        starts.utm_source,
        starts.utm_medium,
        starts.utm_campaign,
        starts.click_id,
        starts.is_handed_over
    from counted
    inner join starts
        on counted.session_id = starts.session_id

),

judged as (

    select
        *,
        {{ bot_reason() }} as bot_reason
    from summed

),

grouped as (

    select
        session_id,
        customer_id,
        anonymous_id,
        coalesce(platform, 'unknown') as platform,
        coalesce(device_type, 'unknown') as device_type,
        coalesce(geo_region, 'unknown') as geo_region,
        landing_page_path,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        click_id,
        case
            when is_handed_over then 'continued'
            else {{ channel_group('utm_source', 'utm_medium', 'click_id', 'referrer') }}
        end as channel_group,
        cast(count_events as {{ dbt.type_bigint() }}) as count_events,
        count_page_views,
        count_product_views,
        count_carts,
        count_orders,
        bot_reason is not null as is_bot,
        bot_reason,
        cast({{ to_local_hour('started_at') }} as {{ dbt.type_int() }})
            as started_local_hour,
        started_at,
        ended_at
    from judged

)

select * from grouped
