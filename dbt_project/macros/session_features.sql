{#- Sessions of people per customer and date of spine_dates, cut from the events known by
    then with the rule of int_events_sessionised: a later event must not merge visits,
    nor a later login tell whose they were. -#}
{% macro session_features() %}
    {%- set known_customer -%}
        case when events.customer_known_at < spine_dates.as_of then events.customer_id end
    {%- endset %}
    select
        followed.customer_id,
        followed.as_of,
        {{ count_where('followed.occurred_at >= followed.starts_30d_before') }}
            as count_sessions_30d,
        {{ count_where('followed.occurred_at >= followed.starts_90d_before') }}
            as count_sessions_90d
    from (
        select
            spine_dates.*,
            {{ known_customer }} as customer_id,
            events.occurred_at,
            events.is_bot,
            coalesce(events.utm_campaign, events.click_id) as campaign,
            lag(events.occurred_at) over (
                partition by spine_dates.as_of, events.anonymous_id
                order by events.occurred_at, events.event_id
            ) as previous_at,
            lag({{ known_customer }}) over (
                partition by spine_dates.as_of, events.anonymous_id
                order by events.occurred_at, events.event_id
            ) as previous_customer_id,
            lag(coalesce(events.utm_campaign, events.click_id)) over (
                partition by spine_dates.as_of, events.anonymous_id
                order by events.occurred_at, events.event_id
            ) as previous_campaign
        from {{ ref('events') }} as events
        inner join spine_dates
            on
                events.occurred_at < spine_dates.as_of
                and events.occurred_at >= spine_dates.starts_91d_before
                and events.received_at < spine_dates.as_of
        where events.anonymous_id is not null
    ) as followed
    where
        followed.customer_id is not null
        and not followed.is_bot
        and (
            followed.previous_at is null
            or {{ dbt.datediff('followed.previous_at', 'followed.occurred_at', 'second') }} > 1800
            or followed.campaign <> coalesce(followed.previous_campaign, '')
            or followed.customer_id <> coalesce(followed.previous_customer_id, '')
        )
    group by followed.customer_id, followed.as_of
{% endmacro %}
