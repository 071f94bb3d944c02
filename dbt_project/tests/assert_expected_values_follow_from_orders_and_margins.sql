{#- A value lies in its interval, and is the margin of the expected orders less a discount of at
    most a tenth; amounts are kept to the cent, so each order may be off by one. -#}
with

customer_values as (

    select * from {{ ref('customer_values') }}

),

compared as (

    select
        customer_id,
        expected_value,
        expected_value_lower,
        expected_value_upper,
        expected_orders * expected_margin_per_order as undiscounted_value,
        (expected_orders + 1) * 0.01 as tolerance
    from customer_values

)

select * from compared
where
    expected_value < expected_value_lower
    or expected_value > expected_value_upper
    or abs(expected_value) > abs(undiscounted_value) + tolerance
    or abs(expected_value) < 0.9 * abs(undiscounted_value) - tolerance
