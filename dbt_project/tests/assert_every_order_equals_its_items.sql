-- The lines of an order add up to the order, to the cent.
with

orders as (

    select * from {{ ref('orders') }}

),

items as (

    select
        order_id,
        sum(net_amount) as net_amount
    from {{ ref('order_items') }}
    group by order_id

)

select
    orders.order_id,
    orders.net_amount,
    items.net_amount as items_net_amount
from orders
left join items
    on orders.order_id = items.order_id
where items.net_amount is null
    or items.net_amount <> orders.net_amount
