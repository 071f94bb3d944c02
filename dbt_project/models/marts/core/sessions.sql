with

events as (

    select * from {{ ref('events') }}
    where session_id is not null

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
        sum(case when event_type = 'page_view' then 1 else 0 end) as count_page_views,
        sum(case when event_type = 'product_view' then 1 else 0 end)
            as count_product_views,
        sum(case when event_type = 'add_to_cart' then 1 else 0 end) as count_carts,
        sum(case when event_type = 'order_completed' then 1 else 0 end) as count_orders,
        {{ dbt.bool_or('is_bot') }} as is_bot,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from events
    group by session_id

),

grouped as (

    select
        session_id,
        customer_id,
        anonymous_id,
        platform,
        device_type,
        geo_region,
        landing_page_path,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        click_id,
        {{ channel_group('utm_source', 'utm_medium', 'click_id', 'referrer') }}
            as channel_group,
        cast(count_events as {{ dbt.type_bigint() }}) as count_events,
        cast(count_page_views as {{ dbt.type_bigint() }}) as count_page_views,
        cast(count_product_views as {{ dbt.type_bigint() }}) as count_product_views,
        cast(count_carts as {{ dbt.type_bigint() }}) as count_carts,
        cast(count_orders as {{ dbt.type_bigint() }}) as count_orders,
        is_bot,
        started_at,
        ended_at
    from summed

)

select * from grouped
