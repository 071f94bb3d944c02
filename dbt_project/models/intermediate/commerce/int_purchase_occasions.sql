with

occasions as (

    select * from {{ ref('int_purchase_occasions_told') }}
    where timeline_number = 0

),

counted as (

    select
        purchase_occasion_id,
        customer_id,
        occurred_at,
        occasion_number,
        net_amount,
        kept_amount,
        count_orders,
        first_category,
        sales_channel
    from occasions

)

select * from counted
