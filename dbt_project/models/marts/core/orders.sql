with

purchases as (

    select * from {{ ref('int_purchases_validated') }}

),

collapsed as (

    select * from {{ ref('int_orders_collapsed') }}
    where timeline_number = 0

),

final as (

    select
        purchases.order_id,
        purchases.source,
        purchases.source_order_id,
        purchases.customer_id,
        collapsed.purchase_occasion_id,
        purchases.sales_channel,
        purchases.status,
        purchases.coupon_code,
        purchases.currency_code,
        purchases.net_amount,
        cast(purchases.discount_amount as decimal(18, 2)) as discount_amount,
        cast(purchases.refunded_amount as decimal(18, 2)) as refunded_amount,
        purchases.is_test,
        purchases.is_valid_purchase,
        {{ to_local_date('purchases.ordered_at') }} as ordered_date,
        purchases.ordered_at
    from purchases
    left join collapsed
        on purchases.order_id = collapsed.order_id

)

select * from final
