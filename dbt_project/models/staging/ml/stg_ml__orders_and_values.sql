with

source as (

    select * from {{ source('ml', 'orders_and_value') }}

),

renamed as (

    select
        customer_id,
        model_name,
        model_version,
        horizon_days,
        expected_orders,
        expected_margin_per_order,
        expected_value,
        expected_value_lower,
        expected_value_upper,
        alive_probability,
        as_of,
        scored_at
    from source

)

select * from renamed
