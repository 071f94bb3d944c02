{#- Beyond any silence that people live to see. -#}
{%- set forever_days = 1000000 -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

seasons as (

    select * from {{ ref('int_seasons_learned') }}

),

first_purchases as (

    select min(occurred_at) as occurred_at from {{ ref('int_purchase_occasions_told') }}

),

-- Twenty years back, as far as versions reach, and three ahead of the present one; after that
-- time runs evenly.
series as (

    {{ dbt.generate_series(276) }}

),

months as (

    select
        versions.rule_version,
        versions.valid_from,
        series.generated_number = 1 as is_last,
        {{ dbt.dateadd(
            'month',
            '36 - cast(series.generated_number as ' ~ dbt.type_int() ~ ')',
            'present.valid_from'
        ) }} as month_start
    from versions
    cross join versions as present
    cross join series
    where present.is_current

),

indexed as (

    select
        months.rule_version,
        months.valid_from,
        months.month_start,
        months.is_last,
        {{ dbt.dateadd('month', 1, 'months.month_start') }} as next_month_start,
        {{ season_index_of(
            date_part('month', 'months.month_start'), 'seasons.season_index'
        ) }} as season_index
    from months
    inner join first_purchases
        on months.month_start
            >= {{ dbt.date_trunc('month', 'first_purchases.occurred_at') }}
    left join seasons
        on months.rule_version = seasons.rule_version
            and {{ date_part('month', 'months.month_start') }} = seasons.month_number

),

lengthened as (

    select
        indexed.*,
        season_index * {{ elapsed_days('month_start', 'next_month_start') }}
            as length_days
    from indexed

),

cumulated as (

    select
        lengthened.*,
        sum(length_days) over (
            partition by rule_version order by month_start
            rows between unbounded preceding and current row
        ) as next_season_days
    from lengthened

),

dated as (

    select
        rule_version,
        valid_from,
        month_start,
        month_start >= valid_from as is_ahead,
        next_season_days - length_days as season_days,
        case when is_last then {{ forever_days }} else next_season_days end
            as next_season_days,
        case when is_last then 1 else season_index end as season_index
    from cumulated

)

select * from dated
