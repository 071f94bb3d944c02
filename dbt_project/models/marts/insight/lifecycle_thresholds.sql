{%- set count_required = 50 -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_customer_values_measured as (

    select * from {{ ref('int_customer_values_measured') }}

),

rules as (

    select * from {{ ref('int_lifecycle_rules_gathered') }}
    where is_current

),

loyalties as (

    select * from {{ ref('int_loyalty_limits_learned') }}

),

second_purchase_window as (

    select * from {{ ref('second_purchase_window') }}

),

buyers as (

    select
        count(*) as count_buyers,
        {{ percentile('recent_margin', 0.60) }} as good_margin,
        {{ percentile('price_sensitivity', 0.75) }} as price_sensitivity
    from int_customer_values_measured

),

-- Nobody is called good on the evidence of a handful of buyers.
kept as (

    select
        count_buyers,
        case when count_buyers >= {{ count_required }} then good_margin end
            as good_margin,
        case when count_buyers >= {{ count_required }} then price_sensitivity end
            as price_sensitivity
    from buyers

),

gathered as (

    select
        clock.as_of,
        rules.rule_version,
        {{ lifecycle_threshold('second_purchase_window', 'w2_days') }},
        cast(rules.w95_days as {{ dbt.type_int() }}) as w95_days,
        rules.window_reason,
        cast(rules.mean_gap_days as {{ type_double() }}) as mean_gap_days,
        cast(rules.risk_ratio as {{ type_double() }}) as risk_ratio,
        cast(rules.lapse_ratio as {{ type_double() }}) as lapse_ratio,
        rules.rhythm_reason,
        cast(kept.count_buyers as {{ dbt.type_bigint() }}) as count_buyers,
        cast(kept.good_margin as {{ type_double() }}) as good_margin,
        cast(kept.price_sensitivity as {{ type_double() }}) as price_sensitivity,
        cast(loyalties.count_repeaters as {{ dbt.type_bigint() }}) as count_repeaters,
        cast(rules.enter_count_orders as {{ type_double() }})
            as loyal_count_orders_365d,
        cast(rules.enter_margin as {{ type_double() }}) as loyal_margin_365d,
        case
            when kept.good_margin is null
                then 'none: fewer than {{ count_required }} buyers'
            when rules.enter_margin is null
                then 'none for loyal: fewer than {{ count_required }} repeaters'
            else 'measured'
        end as value_reason,
        cast(rules.set_by_hand as {{ dbt.type_string() }}) as set_by_hand
    from kept
    cross join clock
    cross join second_purchase_window
    cross join rules
    inner join loyalties
        on rules.rule_version = loyalties.rule_version

)

select * from gathered
