{%- set count_required = 50 -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

int_purchase_margins_computed as (

    select * from {{ ref('int_purchase_margins_computed') }}

),

-- Loyal is measured among those who came back and still buy.
years as (

    select
        versions.rule_version,
        int_purchase_margins_computed.customer_id,
        count(*) as count_orders,
        sum(int_purchase_margins_computed.margin_amount) as margin_amount
    from versions
    inner join int_purchase_margins_computed
        on int_purchase_margins_computed.occurred_at < versions.valid_from
            and int_purchase_margins_computed.occurred_at
            >= {{ dbt.dateadd('day', -365, 'versions.valid_from') }}
    group by versions.rule_version, int_purchase_margins_computed.customer_id
    having max(int_purchase_margins_computed.occasion_number) >= 2

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
