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
        *,
        buyers.count_buyers >= {{ count_required }} as has_buyers,
        repeaters.count_repeaters >= {{ count_required }} as has_repeaters
    from buyers
    cross join repeaters

),

gathered as (

    select
        clock.as_of,
        second_purchase_window.w2_days,
        second_purchase_window.w95_days,
        second_purchase_window.reason as window_reason,
        cast(int_purchase_rhythms_calibrated.mean_gap_days as {{ type_double() }}) as mean_gap_days,
        cast(int_purchase_rhythms_calibrated.risk_ratio as {{ type_double() }}) as risk_ratio,
        cast(int_purchase_rhythms_calibrated.lapse_ratio as {{ type_double() }}) as lapse_ratio,
        int_purchase_rhythms_calibrated.reason as rhythm_reason,
        cast(judged.count_buyers as {{ dbt.type_bigint() }}) as count_buyers,
        cast(case when judged.has_buyers then judged.good_margin end as {{ type_double() }})
            as good_margin,
        cast(case when judged.has_buyers then judged.price_sensitivity end as {{ type_double() }})
            as price_sensitivity,
        cast(judged.count_repeaters as {{ dbt.type_bigint() }}) as count_repeaters,
        cast(
            case when judged.has_repeaters then judged.loyal_count_orders_365d end
            as {{ type_double() }}
        ) as loyal_count_orders_365d,
        cast(case when judged.has_repeaters then judged.loyal_margin_365d end as {{ type_double() }})
            as loyal_margin_365d,
        case
            when not judged.has_buyers
                then 'nobody is good, loyal or price-sensitive: fewer than {{ count_required }} buyers'
            when not judged.has_repeaters
                then 'nobody is loyal: fewer than {{ count_required }} repeat buyers of the last year'
            else 'measured'
        end as value_reason
    from judged
    cross join clock
    cross join second_purchase_window
    cross join int_purchase_rhythms_calibrated

)

select * from gathered
