with

events as (

    select * from {{ ref('events') }}
    where session_id is not null

),

-- What an event inside a session tells of its pace, and a session's first of its origin.
told as (

    select
        *,
        case when not is_session_start then seconds_since_previous end as gap_seconds,
        is_session_start
        and seconds_since_previous <= 1800
        and coalesce(utm_campaign, click_id) is null as is_handed_over
    from events

),

summed as (

    select
        session_id,
        min(customer_id) as customer_id,
        min(anonymous_id) as anonymous_id,
        max(case when is_session_start then platform end) as platform,
        max(case when is_session_start then device_type end) as device_type,
        max(case when is_session_start then geo_region end) as geo_region,
        max(case when is_session_start then page_path end) as landing_page_path,
        max(case when is_session_start then referrer end) as referrer,
        max(case when is_session_start then utm_source end) as utm_source,
        max(case when is_session_start then utm_medium end) as utm_medium,
        max(case when is_session_start then utm_campaign end) as utm_campaign,
        max(case when is_session_start then click_id end) as click_id,
        count(*) as count_events,
        {{ count_where("event_type = 'page_view'") }} as count_page_views,
        {{ count_where("event_type = 'product_view'") }} as count_product_views,
        {{ count_where("event_type = 'add_to_cart'") }} as count_carts,
        {{ count_where("event_type = 'order_completed'") }} as count_orders,
        {{ count_where("event_type in ('page_view', 'product_view')") }} as count_views,
        {{ count_where(
            "event_type in ('login', 'sign_up', 'checkout_started', 'order_completed')"
        ) }} as count_commitments,
        count(gap_seconds) as count_gaps,
        sum(gap_seconds) as sum_gaps,
        sum(gap_seconds * gap_seconds) as sum_squared_gaps,
        {{ dbt.bool_or('is_bot') }} as is_declared_bot,
        {{ dbt.bool_or('is_handed_over') }} as is_handed_over,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        {{ dbt.datediff('min(occurred_at)', 'max(occurred_at)', 'second') }}
            as duration_seconds
    from told
    group by session_id

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
