{%- set by_hand = season_indices() -%}

with

months as (

    select * from {{ ref('int_season_months_dated') }}

),

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}
    where is_current

),

seasons as (

    select * from {{ ref('int_seasons_learned') }}

),

-- The twelve months from the version's quarter on.
coming as (

    select
        months.rule_version,
        months.season_index,
        cast({{ date_part('month', 'months.month_start') }} as {{ dbt.type_int() }})
            as month_number
    from months
    inner join versions
        on months.rule_version = versions.rule_version
    where months.is_ahead
        and months.month_start < {{ dbt.dateadd('month', 12, 'versions.valid_from') }}

),

final as (

    select
        coming.month_number,
        coming.rule_version,
        cast(coming.season_index as {{ type_double() }}) as season_index,
        coalesce(seasons.count_years, 0) as count_years,
        case
            when {{ 'true' if season_indices() else 'false' }} then 'set by hand'
            when seasons.month_number is not null then 'measured'
            else 'none: not two years around every month, or years that disagree'
        end as reason
    from coming
    left join seasons
        on coming.rule_version = seasons.rule_version
            and coming.month_number = seasons.month_number

)

select * from final
