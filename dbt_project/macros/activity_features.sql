{#- Events of web site and app per customer and date of spine_dates; late events count
    from the moment they were received, events before a login from the login. -#}
{% macro activity_features() %}
    {%- set is_recent = 'events.occurred_at >= spine_dates.starts_30d_before' %}
    select
        events.customer_id,
        spine_dates.as_of,
        {{ dbt.datediff('max(events.occurred_at)', 'spine_dates.as_of', 'day') }}
            as days_since_last_event,
        {{ count_where(is_recent) }} as count_events_30d,
        {{ count_where(
            'events.occurred_at >= spine_dates.starts_90d_before and not ' ~ is_recent
        ) }} as count_events_60d_before,
        {{ count_where(is_recent ~ " and events.event_type = 'product_view'") }}
            as count_product_views_30d,
        {{ count_where(is_recent ~ " and events.event_type = 'add_to_cart'") }}
            as count_carts_30d,
        max(case when events.platform = 'app' then 1 else 0 end) = 1 as has_app_event
    from {{ ref('events') }} as events
    inner join spine_dates
        on
            events.occurred_at < spine_dates.as_of
            and events.customer_known_at < spine_dates.as_of
    where events.customer_id is not null and not events.is_bot
    group by events.customer_id, spine_dates.as_of
{% endmacro %}
