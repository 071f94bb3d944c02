with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

activities as (

    select * from {{ ref('int_activities_unioned') }}

),

counted as (

    select
        customer_id,
        activity_kind,
        activity_type,
        {{ to_local_date('occurred_at') }} as occurred_on,
        {{ to_local_date(later_of('occurred_at', 'known_at')) }} as known_on,
        count(*) as count_activities
    from activities
    cross join clock
    where activities.occurred_at <= clock.as_of
        and activities.known_at <= clock.as_of
    group by
        customer_id,
        activity_kind,
        activity_type,
        {{ to_local_date('occurred_at') }},
        {{ to_local_date(later_of('occurred_at', 'known_at')) }}

),

-- News of one day may come on several: a limit per day has to know what came before.
numbered as (

    select
        counted.*,
        sum(count_activities) over (
            partition by customer_id, activity_type, occurred_on
            order by known_on
            rows between unbounded preceding and current row
        ) - count_activities as count_known_before
    from counted

)

select * from numbered
