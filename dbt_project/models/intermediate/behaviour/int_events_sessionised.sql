{% set session_number = 'cast(session_number as ' ~ dbt.type_string() ~ ')' %}

with

events as (

    select * from {{ ref('int_events_attributed') }}

),

compared as (

    select
        events.*,
        lag(occurred_at) over (
            partition by anonymous_id order by occurred_at, event_id
        ) as previous_at,
        lag(customer_id) over (
            partition by anonymous_id order by occurred_at, event_id
        ) as previous_customer_id,
        lag(coalesce(utm_campaign, click_id)) over (
            partition by anonymous_id order by occurred_at, event_id
        ) as previous_campaign
    from events

),

timed as (

    select
        compared.*,
        case
            when anonymous_id is not null
                then {{ dbt.datediff('previous_at', 'occurred_at', 'second') }}
        end as seconds_since_previous
    from compared

),

-- A session ends after half an hour of silence, where another campaign brings the visitor back,
-- and where somebody else takes over the device.
started as (

    select
        timed.*,
        case
            when seconds_since_previous is null
                or seconds_since_previous > 1800
                or coalesce(utm_campaign, click_id) <> coalesce(previous_campaign, '')
                or coalesce(customer_id, '') <> coalesce(previous_customer_id, '')
                then 1
            else 0
        end as is_start
    from timed

),

numbered as (

    select
        started.*,
        sum(is_start) over (
            partition by anonymous_id order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as session_number
    from started

),

sessionised as (

    select
        numbered.*,
        case
            when anonymous_id is not null
                then concat(anonymous_id, ':', {{ session_number }})
        end as session_id,
        anonymous_id is not null and is_start = 1 as is_session_start
    from numbered

)

select * from sessionised
