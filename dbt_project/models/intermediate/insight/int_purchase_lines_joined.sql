with

int_purchase_occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

orders as (

    select * from {{ ref('orders') }}
    where purchase_occasion_id is not null

),

order_items as (

    select * from {{ ref('order_items') }}
    where line_type = 'product'

),

products as (

    select * from {{ ref('products') }}

),

joined as (

    select
        order_items.order_item_id,
        orders.order_id,
        int_purchase_occasions.purchase_occasion_id,
        int_purchase_occasions.customer_id,
        order_items.sku,
        products.category,
        products.unit_cost,
        order_items.quantity,
        order_items.net_amount,
        coalesce(order_items.returned_quantity, 0) as returned_quantity,
        coalesce(order_items.discount_amount, 0) as discount_amount,
        int_purchase_occasions.occurred_at
    from order_items
    inner join orders on orders.order_id = order_items.order_id
    inner join int_purchase_occasions
        on int_purchase_occasions.purchase_occasion_id = orders.purchase_occasion_id
    left join products on products.sku = order_items.sku

)

select * from joined
