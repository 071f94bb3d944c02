with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}

),

stg_ml__orders_and_values as (

    select * from {{ ref('stg_ml__orders_and_values') }}

),

-- What cannot be, and what is said of somebody who was merged away, is not passed on.
valid as (

    select
        stg_ml__orders_and_values.*,
        row_number() over (
            partition by stg_ml__orders_and_values.customer_id
            order by
                stg_ml__orders_and_values.as_of desc,
                stg_ml__orders_and_values.scored_at desc
        ) as newness
    from stg_ml__orders_and_values
    inner join customers
        on customers.customer_id = stg_ml__orders_and_values.customer_id
    cross join clock
    where
        stg_ml__orders_and_values.as_of <= clock.as_of
        and stg_ml__orders_and_values.expected_orders >= 0
        and stg_ml__orders_and_values.expected_value
        between stg_ml__orders_and_values.expected_value_lower
        and stg_ml__orders_and_values.expected_value_upper

),

ranked as (

    select
        *,
        percent_rank() over (order by expected_value) as value_percentile
    from valid
    where newness = 1

),

tiered as (

    select
        customer_id,
        model_name,
        as_of,
        cast(horizon_days as {{ dbt.type_bigint() }}) as horizon_days,
        cast(expected_orders as {{ type_double() }}) as expected_orders,
        cast(expected_margin_per_order as decimal(18, 2)) as expected_margin_per_order,
        cast(expected_value as decimal(18, 2)) as expected_value,
        cast(expected_value_lower as decimal(18, 2)) as expected_value_lower,
        cast(expected_value_upper as decimal(18, 2)) as expected_value_upper,
        case
            when value_percentile >= 0.8 then 'high'
            when value_percentile >= 0.2 then 'middle'
            else 'low'
        end as expected_value_tier,
        cast(alive_probability as {{ type_double() }}) as alive_probability,
        model_version,
        scored_at
    from ranked

)

select * from tiered
