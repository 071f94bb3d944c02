with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

transitions as (

    select * from {{ ref('lifecycle_transitions') }}

),

series as (

    {{ dbt.generate_series(3660) }}

),

days as (

    select
        {{ dbt.dateadd(
            'day',
            '1 - cast(series.generated_number as ' ~ dbt.type_int() ~ ')',
            to_local_date('clock.as_of')
        ) }} as calendar_date
    from series
    cross join clock

),

dated as (

    select
        customer_id,
        to_stage as stage,
        {{ to_local_date('occurred_at') }} as entered_date,
        {{ to_local_date('left_at') }} as left_date
    from transitions

),

-- The stage in which the day ended.
spread as (

    select
        cast(days.calendar_date as date) as calendar_date,
        dated.customer_id,
        dated.stage
    from dated
    inner join days
        on days.calendar_date >= dated.entered_date
            and (dated.left_date is null or days.calendar_date < dated.left_date)

)

select * from spread
