{%- set count_required = 50 -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

int_purchase_gaps_measured as (

    select * from {{ ref('int_purchase_gaps_measured') }}
    where occasion_number = 2

),

-- First purchases a year before the version began, with a second one within that year: then
-- everybody had the same time, and quick second purchases are not over-represented.
observed as (

    select
        versions.rule_version,
        int_purchase_gaps_measured.gap_days
    from versions
    inner join int_purchase_gaps_measured
        on int_purchase_gaps_measured.previous_occurred_at
            <= {{ dbt.dateadd('day', -365, 'versions.valid_from') }}
            and int_purchase_gaps_measured.gap_days <= 365
            and {{ told_to_version('int_purchase_gaps_measured') }}

),

measured as (

    select
        rule_version,
        count(*) as count_second_purchases,
        {{ percentile('gap_days', 0.95) }} as share_95_days
    from observed
    group by rule_version

),

learned as (

    select
        versions.rule_version,
        coalesce(measured.count_second_purchases, 0) as count_second_purchases,
        cast(
            case
                when measured.count_second_purchases >= {{ count_required }}
                    then ceil(measured.share_95_days)
                else 180
            end as {{ dbt.type_int() }}
        ) as w95_days,
        coalesce(measured.count_second_purchases, 0) >= {{ count_required }}
            as is_reliable,
        case
            when measured.count_second_purchases >= {{ count_required }}
                then 'measured on first purchases at least a year old'
            else 'default: fewer than {{ count_required }} second purchases'
        end as reason
    from versions
    left join measured
        on versions.rule_version = measured.rule_version

)

select * from learned
