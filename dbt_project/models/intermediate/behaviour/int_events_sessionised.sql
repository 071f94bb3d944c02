{% set session_number = 'cast(numbered.session_number as ' ~ dbt.type_string() ~ ')' %}

with

events as (

    select * from {{ ref('int_events_attributed') }}

),

-- Windows sort all they are given: they get what they need, and the rest is joined to it after.
compared as (

    select
        event_id,
        anonymous_id,
        customer_id,
        coalesce(utm_campaign, click_id) as campaign,
        occurred_at,
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
    where anonymous_id is not null

),

timed as (

    select
        *,
        {{ dbt.datediff('previous_at', 'occurred_at', 'second') }}
            as seconds_since_previous
    from compared

),

-- A session ends after half an hour of silence, where another campaign brings the visitor back,
-- and where somebody else takes over the device.
started as (

    select
        event_id,
        anonymous_id,
        occurred_at,
        seconds_since_previous,
        case
            when seconds_since_previous is null
                or seconds_since_previous > 1800
                or campaign <> coalesce(previous_campaign, '')
                or coalesce(customer_id, '') <> coalesce(previous_customer_id, '')
                then 1
            else 0
        end as is_start
    from timed

),

numbered as (

    select
        event_id,
        seconds_since_previous,
        is_start,
        sum(is_start) over (
            partition by anonymous_id order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as session_number
    from started

),

sessionised as (

    select
        events.*,
        numbered.seconds_since_previous,
        case
            when numbered.event_id is not null
                then concat(events.anonymous_id, ':', {{ session_number }})
        end as session_id,
        coalesce(numbered.is_start = 1, false) as is_session_start
    from events
    left join numbered on events.event_id = numbered.event_id

)

select * from sessionised
