with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

shop_orders as (

    select * from {{ ref('stg_shop__orders') }}

),

store_receipts as (

    select * from {{ ref('stg_store__receipts') }}

),

unioned as (

    select
        concat('shop:', shop_order_id) as order_id,
        'shop' as source,
        shop_order_id as source_order_id,
        concat('orders:', shop_order_id) as source_record_key,
        shop_customer_id,
        ordered_at,
        sales_channel,
        status,
        currency_code,
        net_amount,
        coupon_code,
        is_test,
        arrived_on
    from shop_orders
    union all
    select
        concat('store:', store_receipt_id) as order_id,
        'store' as source,
        store_receipt_id as source_order_id,
        concat('loyalty_cards:', loyalty_card_id) as source_record_key,
        cast(null as {{ dbt.type_string() }}) as shop_customer_id,
        sold_at as ordered_at,
        'store' as sales_channel,
        'paid' as status,
        currency_code,
        net_amount,
        cast(null as {{ dbt.type_string() }}) as coupon_code,
        is_test,
        arrived_on
    from store_receipts

),

-- A clock that runs ahead by less than a day is forgiven: the order happened by now.
timed as (

    select
        unioned.order_id,
        unioned.source,
        unioned.source_order_id,
        unioned.source_record_key,
        unioned.shop_customer_id,
        {{ known_time('unioned.ordered_at', 'clock.as_of') }} as ordered_at,
        unioned.sales_channel,
        unioned.status,
        unioned.currency_code,
        unioned.net_amount,
        unioned.coupon_code,
        unioned.is_test,
        {{ is_future('unioned.ordered_at', 'clock.as_of') }} as is_future,
        unioned.arrived_on
    from unioned
    cross join clock

)

select * from timed
