{%- set memory_days = var('device_memory_days') -%}
{%- set previous_until = dbt.dateadd('day', memory_days, 'previous_seen_at') -%}

with

sightings as (

    select * from {{ ref('int_device_traces_collected') }}
    where holder_id is not null

),

compared as (

    select
        sightings.*,
        lag(holder_id) over (
            partition by device_id order by occurred_at, holder_id
        ) as previous_holder_id,
        max(last_at) over (
            partition by device_id order by occurred_at, holder_id
            rows between unbounded preceding and 1 preceding
        ) as previous_at
    from sightings

),

numbered as (

    select
        compared.*,
        sum(
            case
                when previous_holder_id = holder_id
                    and {{ dbt.datediff('previous_at', 'occurred_at', 'second') }}
                    <= {{ memory_days }} * 86400
                    then 0
                else 1
            end
        ) over (
            partition by device_id order by occurred_at, holder_id
            rows between unbounded preceding and current row
        ) as span_number
    from compared

),

spanned as (

    select
        device_id,
        span_number,
        holder_id,
        customer_id,
        min(occurred_at) as first_seen_at,
        max(last_at) as last_seen_at,
        min(known_at) as known_at
    from numbered
    group by
        device_id,
        span_number,
        holder_id,
        customer_id

),

neighboured as (

    select
        spanned.*,
        lag(holder_id) over (
            partition by device_id order by span_number
        ) as previous_holder_id,
        lag(last_seen_at) over (
            partition by device_id order by span_number
        ) as previous_seen_at,
        lead(holder_id) over (
            partition by device_id order by span_number
        ) as next_holder_id,
        lead(first_seen_at) over (
            partition by device_id order by span_number
        ) as next_seen_at,
        {{ dbt.dateadd('day', '-' ~ memory_days, 'first_seen_at') }} as earliest_from,
        {{ dbt.dateadd('day', memory_days, 'last_seen_at') }} as latest_to,
        min(holder_id) over (partition by device_id)
        = max(holder_id) over (partition by device_id) as is_only_holder
    from spanned

),

-- What lies before the first sighting, or after a silence, is claimed by no other span.
bounded as (

    select
        device_id,
        span_number,
        holder_id,
        customer_id,
        first_seen_at,
        last_seen_at,
        case
            when previous_holder_id <> holder_id then first_seen_at
            when {{ previous_until }} > earliest_from then {{ previous_until }}
            else earliest_from
        end as valid_from,
        case
            when next_holder_id <> holder_id and next_seen_at < latest_to
                then next_seen_at
            else latest_to
        end as valid_to,
        known_at,
        is_only_holder
    from neighboured

)

select * from bounded
