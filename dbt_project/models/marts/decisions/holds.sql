with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

hold_reasons as (

    select * from {{ ref('hold_reasons') }}

),

troubles as (

    select * from {{ ref('int_troubles_found') }}

),

-- A hold outlasts its trouble by some days, and ends by itself where news of an end may be lost.
held as (

    select
        troubles.trouble_id as hold_id,
        troubles.customer_id,
        troubles.reason,
        troubles.started_at as starts_at,
        troubles.ended_at as resolved_at,
        case
            when troubles.ended_at is not null
                then {{ dbt.dateadd(
                    'day', 'hold_reasons.cool_off_days', 'troubles.ended_at'
                ) }}
            when hold_reasons.longest_days is not null
                then {{ dbt.dateadd(
                    'day', 'hold_reasons.longest_days', 'troubles.started_at'
                ) }}
        end as ends_at,
        clock.as_of
    from troubles
    inner join hold_reasons
        on troubles.reason = hold_reasons.reason
    cross join clock

),

judged as (

    select
        hold_id,
        customer_id,
        reason,
        starts_at,
        resolved_at,
        ends_at,
        ends_at is null or ends_at > as_of as is_active
    from held

)

select * from judged
