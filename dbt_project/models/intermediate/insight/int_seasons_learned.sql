{#- Shrunk towards no season as far as the years disagree, as by James and Stein (1961). -#}
{%- set years_required = 2 -%}
{%- set lowest_index = 0.1 -%}
{%- set by_version = 'partition by rule_version' -%}

with

ratios as (

    select * from {{ ref('int_season_ratios_measured') }}

),

summed as (

    select
        rule_version,
        month_number,
        count(*) as count_years,
        avg(ratio) as mean_ratio,
        sum(ratio * ratio) - count(*) * avg(ratio) * avg(ratio) as sum_of_squares
    from ratios
    group by rule_version, month_number

),

-- How much the months differ from each other, and how much the same month does between years.
compared as (

    select
        rule_version,
        month_number,
        count_years,
        mean_ratio / avg(mean_ratio) over ({{ by_version }}) as ratio,
        min(count_years) over ({{ by_version }}) as fewest_years,
        count(*) over ({{ by_version }}) as count_months,
        12.0 / 11 * (
            avg(mean_ratio * mean_ratio) over ({{ by_version }})
            / power(avg(mean_ratio) over ({{ by_version }}), 2) - 1
        ) as variance_of_months,
        sum(sum_of_squares) over ({{ by_version }})
        / nullif(sum(count_years - 1) over ({{ by_version }}), 0)
        / avg(count_years) over ({{ by_version }}) as variance_of_years
    from summed

),

shrunk as (

    select
        rule_version,
        month_number,
        cast(count_years as {{ dbt.type_bigint() }}) as count_years,
        1 + (ratio - 1) * (1 - variance_of_years / variance_of_months) as season_index
    from compared
    where count_months = 12
        and fewest_years >= {{ years_required }}
        and variance_of_years < variance_of_months

),

learned as (

    select
        rule_version,
        month_number,
        count_years,
        case
            when season_index < {{ lowest_index }}
                then cast({{ lowest_index }} as {{ type_double() }})
            else season_index
        end as season_index
    from shrunk

)

select * from learned
