{#- Half an hour of silence ends a visit, as in int_events_sessionised. -#}
{%- set visit_seconds = 1800 -%}
{%- set so_far = 'partition by session_id order by occurred_at, event_id '
    ~ 'rows between unbounded preceding and current row' -%}

with

allowed as (

    select * from {{ ref('int_session_events_allowed') }}

),

counted as (

    select
        *,
        row_number() over (
            partition by session_id order by occurred_at, event_id
        ) as step_number,
        lag(action) over (
            partition by session_id order by occurred_at, event_id
        ) as previous_action,
        lag(occurred_at) over (
            partition by session_id order by occurred_at, event_id
        ) as previous_at,
        min(occurred_at) over ({{ so_far }}) as began_at,
        {{ dbt.datediff('occurred_at', 'clock_at', 'second') }} as seconds_silent,
        sum(case when event_type = 'page_view' then 1 else 0 end)
            over ({{ so_far }}) as count_page_views,
        sum(case when event_type = 'product_view' then 1 else 0 end)
            over ({{ so_far }}) as count_product_views,
        sum(case when event_type = 'search' then 1 else 0 end)
            over ({{ so_far }}) as count_searches,
        sum(case when event_type = 'add_to_cart' then 1 else 0 end)
            over ({{ so_far }}) as count_carts
    from allowed

),

-- What follows is known once it came, or once the visit is over; not without consent to it.
taken as (

    select
        event_id,
        session_id,
        step_number,
        occurred_at,
        clock_at,
        platform,
        device_type,
        channel_group,
        action,
        category,
        previous_action,
        coalesce({{ dbt.datediff('previous_at', 'occurred_at', 'second') }}, 0)
            as seconds_since_previous,
        {{ dbt.datediff('began_at', 'occurred_at', 'second') }} as seconds_since_start,
        count_page_views,
        count_product_views,
        count_searches,
        count_carts,
        case
            when is_followed and following_consent then following_action
            when is_followed then null
            when seconds_silent > {{ visit_seconds }} then 'leaves'
        end as next_action,
        case
            when is_followed
                then {{ dbt.datediff('occurred_at', 'following_at', 'second') }}
        end as seconds_to_next,
        customer_id is null
        and not is_followed
        and seconds_silent <= {{ visit_seconds }} as is_open
    from counted

)

select * from taken
