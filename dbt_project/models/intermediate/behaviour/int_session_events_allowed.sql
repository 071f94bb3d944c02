{#- Half an hour of silence ends a visit, as in int_events_sessionised. -#}
{%- set visit_seconds = 1800 -%}
{%- set by_device = 'partition by anonymous_id order by occurred_at, event_id' -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

-- Before the windows, which would go over all years otherwise.
recent as (

    select
        events.*,
        clock.as_of as clock_at
    from {{ ref('events') }} as events
    cross join clock
    where events.anonymous_id is not null
        and events.occurred_at
        >= {{ dbt.dateadd('day', '-' ~ var('session_memory_days'), 'clock.as_of') }}

),

events as (

    select
        *,
        lead(event_type) over ({{ by_device }}) as following_type,
        lead(sku) over ({{ by_device }}) as following_sku,
        lead(occurred_at) over ({{ by_device }}) as following_at,
        lead(has_analytics_consent) over ({{ by_device }}) as following_consent
    from recent

),

sessions as (

    select * from {{ ref('sessions') }}
    where not is_bot

),

products as (

    select * from {{ ref('products') }}

),

-- Only of visitors who allow it, and only what happened before it was known whose it is.
allowed as (

    select
        events.*,
        sessions.channel_group,
        {{ action_of('events.event_type', 'products.category') }} as action,
        products.category,
        {{ action_of('events.following_type', 'following_products.category') }}
            as following_action,
        coalesce(
            {{ dbt.datediff('events.occurred_at', 'events.following_at', 'second') }}
            <= {{ visit_seconds }},
            false
        ) as is_followed
    from events
    inner join sessions
        on events.session_id = sessions.session_id
    left join products
        on events.sku = products.sku
    left join products as following_products
        on events.following_sku = following_products.sku
    where events.has_analytics_consent
        and (
            events.customer_id is null
            or events.customer_known_at > events.received_at
        )

)

select * from allowed
