{#- Counts below which no fall can be told from chance. -#}
{%- set least_count = 12 -%}

with

clock as (

    select
        cast({{ dbt.date_trunc('week', to_local_date('as_of')) }} as date) as this_week
    from {{ ref('stg_landing__clock') }}

),

weeks as (

    select * from {{ ref('int_activity_weeks_counted') }}

),

series as (

    {{ dbt.generate_series(600) }}

),

followed as (

    select
        customer_id,
        activity_kind,
        min(week_on) as first_week_on
    from weeks
    group by customer_id, activity_kind
    having sum(count_activities) >= {{ least_count }}

),

calendar as (

    select
        cast({{ dbt.dateadd(
            'day',
            '-7 * cast(series.generated_number as ' ~ dbt.type_int() ~ ')',
            'clock.this_week'
        ) }} as date) as week_on
    from series
    cross join clock

),

filled as (

    select
        followed.customer_id,
        followed.activity_kind,
        calendar.week_on,
        cast(coalesce(weeks.count_activities, 0) as {{ dbt.type_bigint() }})
            as count_activities
    from followed
    inner join calendar
        on followed.first_week_on <= calendar.week_on
    left join weeks
        on followed.customer_id = weeks.customer_id
            and followed.activity_kind = weeks.activity_kind
            and calendar.week_on = weeks.week_on

)

select * from filled
