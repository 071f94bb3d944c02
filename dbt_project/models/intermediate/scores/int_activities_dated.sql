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

-- News of one day may come on several: a limit per day has to know what came before. Before what
-- is known on the day itself nothing was, and hardly anything is known later.
late as (

    select
        counted.customer_id,
        counted.activity_kind,
        counted.activity_type,
        counted.occurred_on,
        counted.known_on,
        counted.count_activities,
        coalesce(sum(earlier.count_activities), 0) as count_known_before
    from counted
    left join counted as earlier
        on counted.customer_id = earlier.customer_id
            and counted.activity_type = earlier.activity_type
            and counted.occurred_on = earlier.occurred_on
            and counted.known_on > earlier.known_on
    where counted.known_on > counted.occurred_on
    group by
        counted.customer_id,
        counted.activity_kind,
        counted.activity_type,
        counted.occurred_on,
        counted.known_on,
        counted.count_activities

),

numbered as (

    select
        counted.*,
        0 as count_known_before
    from counted
    where known_on = occurred_on
    union all
    select * from late

)

select * from numbered
