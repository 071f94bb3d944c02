with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

win_back_cooldowns as (

    select * from {{ ref('win_back_cooldowns') }}

),

departures as (

    select * from {{ ref('int_departures_explained') }}

),

expected as (

    select
        departures.*,
        {{ dbt.dateadd(
            'day', 'win_back_cooldowns.cool_down_days', 'departures.settled_at'
        ) }} as expected_ends_at
    from departures
    inner join win_back_cooldowns
        on departures.reason = win_back_cooldowns.reason

),

ended as (

    select
        customer_id,
        reason,
        started_at as starts_at,
        case
            when revoked_at < expected_ends_at then revoked_at
            else expected_ends_at
        end as ends_at
    from expected

),

-- Two of a kind at one time are one; what is not settled outlasts what is.
summed as (

    select
        customer_id,
        reason,
        starts_at,
        case when count(*) = count(ends_at) then max(ends_at) end as ends_at
    from ended
    group by customer_id, reason, starts_at

),

judged as (

    select
        summed.*,
        summed.ends_at is null or summed.ends_at > clock.as_of as is_active
    from summed
    cross join clock

)

select * from judged
