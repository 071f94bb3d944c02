{#- Ratio to the centred average of twelve months: the classical decomposition of a time series. -#}
{%- set in_time = 'partition by rule_version order by month_start rows between ' -%}
{%- set from_6_to_5 = in_time ~ '6 preceding and 5 following' -%}
{%- set from_5_to_6 = in_time ~ '5 preceding and 6 following' -%}
{%- set all_13 = in_time ~ '6 preceding and 6 following' -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

repeats as (

    select * from {{ ref('int_repeats_by_month_counted') }}

),

series as (

    {{ dbt.generate_series(240) }}

),

opening as (

    select min(month_start) as month_start from repeats

),

known as (

    select
        versions.rule_version,
        repeats.month_start,
        sum(repeats.count_purchases) as count_purchases
    from versions
    inner join repeats
        on repeats.quarter_start < versions.valid_from
    group by versions.rule_version, repeats.month_start

),

months as (

    select
        versions.rule_version,
        {{ dbt.dateadd(
            'month',
            '-cast(series.generated_number as ' ~ dbt.type_int() ~ ')',
            'versions.valid_from'
        ) }} as month_start
    from versions
    cross join series

),

-- The first month is not a whole one, those before the version began are.
daily as (

    select
        months.rule_version,
        months.month_start,
        {{ date_part('month', 'months.month_start') }} as month_number,
        coalesce(known.count_purchases, 0) / ({{ elapsed_days(
            'months.month_start', dbt.dateadd('month', 1, 'months.month_start')
        ) }}) as purchases
    from months
    inner join opening
        on months.month_start > opening.month_start
    left join known
        on months.rule_version = known.rule_version
            and months.month_start = known.month_start

),

smoothed as (

    select
        daily.*,
        (
            avg(purchases) over ({{ from_6_to_5 }})
            + avg(purchases) over ({{ from_5_to_6 }})
        ) / 2 as usual_purchases,
        count(*) over ({{ all_13 }}) as count_months
    from daily

),

measured as (

    select
        rule_version,
        month_start,
        cast(month_number as {{ dbt.type_int() }}) as month_number,
        purchases / usual_purchases as ratio
    from smoothed
    where count_months = 13
        and usual_purchases > 0

)

select * from measured
