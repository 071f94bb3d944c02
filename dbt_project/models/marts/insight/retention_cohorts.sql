with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_purchase_occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

series as (

    {{ dbt.generate_series(10) }}

),

purchases as (

    select
        int_purchase_occasions.customer_id,
        int_purchase_occasions.occurred_at,
        clock.as_of,
        min(int_purchase_occasions.occurred_at) over (
            partition by int_purchase_occasions.customer_id
        ) as first_ordered_at
    from int_purchase_occasions
    cross join clock

),

-- Year 1 begins with the first purchase, year 2 on its first anniversary.
active_years as (

    select distinct
        customer_id,
        as_of,
        first_ordered_at,
        cast(floor(
            {{ elapsed_days('first_ordered_at', 'occurred_at') }} / 365.0
        ) as {{ dbt.type_int() }}) + 1 as year_number
    from purchases

),

years as (

    select cast(generated_number as {{ dbt.type_int() }}) + 1 as year_number from series

),

-- Whoever bought in the year before is asked: again in this year?
followed as (

    select
        cast({{ dbt.date_trunc('month', 'earlier.first_ordered_at') }} as date)
            as cohort_month,
        years.year_number,
        earlier.first_ordered_at <= {{ dbt.dateadd(
            'day', '-365 * years.year_number', 'earlier.as_of'
        ) }} as is_observed,
        later.customer_id is not null as is_retained
    from active_years as earlier
    inner join years on earlier.year_number = years.year_number - 1
    left join active_years as later
        on
            later.customer_id = earlier.customer_id
            and later.year_number = years.year_number
    where earlier.first_ordered_at < {{ dbt.dateadd(
        'day', '-365 * (years.year_number - 1)', 'earlier.as_of'
    ) }}

),

counted as (

    select
        cohort_month,
        year_number,
        cast(count(*) as {{ dbt.type_bigint() }}) as count_active_before,
        {{ count_where('is_retained') }} as count_retained,
        min(case when is_observed then 1 else 0 end) = 1 as is_mature
    from followed
    group by cohort_month, year_number

),

rated as (

    select
        cohort_month,
        year_number,
        count_active_before,
        count_retained,
        is_mature,
        case
            when is_mature
                then cast(count_retained as {{ type_double() }}) / count_active_before
        end as retention_rate
    from counted

)

select * from rated
