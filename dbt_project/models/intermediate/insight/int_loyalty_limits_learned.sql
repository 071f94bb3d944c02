{%- set count_required = 50 -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

margins as (

    select * from {{ ref('int_purchase_margins_told') }}

),

-- Loyal is measured among those who came back and still buy.
years as (

    select
        versions.rule_version,
        margins.customer_id,
        count(*) as count_orders,
        sum(
            case
                when margins.corrected_at >= versions.valid_from
                    then margins.bought_margin_amount
                else margins.margin_amount
            end
        ) as margin_amount
    from versions
    inner join margins
        on margins.occurred_at < versions.valid_from
            and margins.occurred_at
            >= {{ dbt.dateadd('day', -365, 'versions.valid_from') }}
            and {{ told_to_version('margins') }}
    group by versions.rule_version, margins.customer_id
    having max(margins.occasion_number) >= 2

),

measured as (

    select
        rule_version,
        count(*) as count_repeaters,
        {{ percentile('count_orders', 0.75) }} as enter_count_orders,
        {{ percentile('margin_amount', 0.75) }} as enter_margin,
        {{ percentile('count_orders', 0.65) }} as stay_count_orders,
        {{ percentile('margin_amount', 0.65) }} as stay_margin
    from years
    group by rule_version

),

-- Nobody is called loyal on the evidence of a handful of buyers.
learned as (

    select
        versions.rule_version,
        coalesce(measured.count_repeaters, 0) as count_repeaters,
        reliable.enter_count_orders,
        reliable.enter_margin,
        reliable.stay_count_orders,
        reliable.stay_margin
    from versions
    left join measured
        on versions.rule_version = measured.rule_version
    left join measured as reliable
        on versions.rule_version = reliable.rule_version
            and reliable.count_repeaters >= {{ count_required }}

)

select * from learned
