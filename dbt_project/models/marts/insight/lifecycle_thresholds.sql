{%- set count_required = 50 -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_customer_values_measured as (

    select * from {{ ref('int_customer_values_measured') }}

),

int_purchase_rhythms_calibrated as (

    select * from {{ ref('int_purchase_rhythms_calibrated') }}

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

-- Loyal is measured among those who came back and still buy.
repeaters as (

    select
        count(*) as count_repeaters,
        {{ percentile('count_orders_365d', 0.75) }} as loyal_count_orders_365d,
        {{ percentile('margin_365d', 0.75) }} as loyal_margin_365d
    from int_customer_values_measured
    where count_orders >= 2 and count_orders_365d >= 1

),

judged as (

    select
        buyers.*,
        repeaters.*,
        buyers.count_buyers >= {{ count_required }} as has_buyers,
        repeaters.count_repeaters >= {{ count_required }} as has_repeaters
    from buyers
    cross join repeaters

),

-- Nobody is called good or loyal on the evidence of a handful of buyers.
kept as (

    select
        count_buyers,
        count_repeaters,
        case when has_buyers then good_margin end as good_margin,
        case when has_buyers then price_sensitivity end as price_sensitivity,
        case when has_repeaters then loyal_count_orders_365d end
            as loyal_count_orders_365d,
        case when has_repeaters then loyal_margin_365d end as loyal_margin_365d,
        case
            when not has_buyers
                then 'none: fewer than {{ count_required }} buyers'
            when not has_repeaters
                then 'none for loyal: fewer than {{ count_required }} repeaters'
            else 'measured'
        end as value_reason
    from judged

),

gathered as (

    select
        clock.as_of,
        windows.w2_days,
        windows.w95_days,
        windows.reason as window_reason,
        cast(rhythms.mean_gap_days as {{ type_double() }}) as mean_gap_days,
        cast(rhythms.risk_ratio as {{ type_double() }}) as risk_ratio,
        cast(rhythms.lapse_ratio as {{ type_double() }}) as lapse_ratio,
        rhythms.reason as rhythm_reason,
        cast(kept.count_buyers as {{ dbt.type_bigint() }}) as count_buyers,
        cast(kept.good_margin as {{ type_double() }}) as good_margin,
        cast(kept.price_sensitivity as {{ type_double() }}) as price_sensitivity,
        cast(kept.count_repeaters as {{ dbt.type_bigint() }}) as count_repeaters,
        cast(kept.loyal_count_orders_365d as {{ type_double() }})
            as loyal_count_orders_365d,
        cast(kept.loyal_margin_365d as {{ type_double() }}) as loyal_margin_365d,
        kept.value_reason
    from kept
    cross join clock
    cross join second_purchase_window as windows
    cross join int_purchase_rhythms_calibrated as rhythms

)

select * from gathered
