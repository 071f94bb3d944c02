{%- set by_device = 'partition by coalesce(anonymous_id, event_id) '
    ~ 'order by occurred_at, event_id' -%}

with

events as (

    select * from {{ ref('int_events_attributed') }}

),

-- An event without a device is followed by none: it is a device of its own, in no session.
compared as (

    select
        event_id,
        anonymous_id,
        coalesce(anonymous_id, event_id) as device_id,
        customer_id,
        customer_known_at,
        campaign,
        occurred_at,
        lag(occurred_at) over ({{ by_device }}) as previous_at,
        lag(customer_id) over ({{ by_device }}) as previous_customer_id,
        lag(campaign) over ({{ by_device }}) as previous_campaign
    from events

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
        device_id,
        customer_id,
        customer_known_at,
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
        anonymous_id,
        customer_id,
        customer_known_at,
        seconds_since_previous,
        is_start = 1 and anonymous_id is not null as is_session_start,
        cast(sum(is_start) over (
            partition by device_id order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as {{ dbt.type_int() }}) as session_number
    from started

),

sessionised as (

    select
        event_id,
        customer_id,
        customer_known_at,
        seconds_since_previous,
        is_session_start,
        case when anonymous_id is not null then session_number end as session_number
    from numbered

)

select * from sessionised
