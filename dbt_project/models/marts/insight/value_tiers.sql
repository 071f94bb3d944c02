with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

values_measured as (

    select * from {{ ref('int_customer_values_measured') }}

),

thresholds as (

    select * from {{ ref('lifecycle_thresholds') }}

),

tiered as (

    select
        values_measured.customer_id,
        clock.as_of,
        case
            when thresholds.good_margin is null then null
            when values_measured.value_percentile >= 0.8 then 'high'
            when values_measured.value_percentile >= 0.2 then 'middle'
            else 'low'
        end as value_tier,
        cast(values_measured.recent_margin as decimal(18, 2)) as margin_24m,
        cast(values_measured.value_percentile as {{ type_double() }})
            as value_percentile,
        cast(values_measured.price_sensitivity as {{ type_double() }})
            as price_sensitivity,
        coalesce(
            values_measured.has_reacted_to_prices
            and values_measured.price_sensitivity >= thresholds.price_sensitivity,
            false
        ) as is_price_sensitive
    from values_measured
    cross join clock
    cross join thresholds

)

select * from tiered
