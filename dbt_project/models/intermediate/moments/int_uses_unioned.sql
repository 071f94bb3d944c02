{#- Silence that means something: longer than people who still use a thing leave it alone. -#}
{%- set app_days = 60 -%}
{%- set service_days = 30 -%}

with

events as (

    select * from {{ ref('events') }}
    where customer_id is not null
        and platform = 'app'
        and not is_bot

),

usage_events as (

    select * from {{ ref('usage_events') }}
    where customer_id is not null

),

unioned as (

    select
        customer_id,
        'app_inactive' as moment,
        event_id as entry_key,
        occurred_at,
        customer_known_at as known_at,
        {{ dbt.dateadd('day', app_days, 'occurred_at') }} as silent_at,
        concat('web/events:', event_id) as evidence
    from events
    union all
    select
        customer_id,
        'service_unused' as moment,
        usage_event_id as entry_key,
        occurred_at,
        received_at as known_at,
        {{ dbt.dateadd('day', service_days, 'occurred_at') }} as silent_at,
        replace(usage_event_id, 'usage:', 'usage/events:') as evidence
    from usage_events

)

select * from unioned
