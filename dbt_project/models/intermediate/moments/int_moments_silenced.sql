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

contracts as (

    select
        customer_id,
        {{ start_of_day('max(ends_date)', 1) }} as covered_until
    from {{ ref('contracts') }}
    where customer_id is not null
    group by customer_id

),

uses as (

    select
        customer_id,
        'app_inactive' as moment,
        event_id as entry_key,
        occurred_at,
        customer_known_at as known_at,
        concat('web/events:', event_id) as evidence
    from events
    union all
    select
        customer_id,
        'service_unused' as moment,
        usage_event_id as entry_key,
        occurred_at,
        received_at as known_at,
        replace(usage_event_id, 'usage:', 'usage/events:') as evidence
    from usage_events

),

ordered as (

    select
        uses.*,
        case
            when moment = 'app_inactive'
                then {{ dbt.dateadd('day', app_days, 'occurred_at') }}
            else {{ dbt.dateadd('day', service_days, 'occurred_at') }}
        end as silent_at,
        lead(occurred_at) over (
            partition by customer_id, moment order by occurred_at, entry_key
        ) as next_at
    from uses

),

-- Nobody misses a service that is over.
silenced as (

    select
        ordered.customer_id,
        ordered.moment,
        ordered.entry_key,
        ordered.occurred_at,
        {{ later_of('ordered.silent_at', 'ordered.known_at') }} as detected_at,
        ordered.evidence
    from ordered
    left join contracts
        on ordered.customer_id = contracts.customer_id
    where coalesce(ordered.next_at > ordered.silent_at, true)
        and (
            ordered.moment = 'app_inactive'
            or contracts.covered_until is null
            or contracts.covered_until > ordered.silent_at
        )

)

select * from silenced
