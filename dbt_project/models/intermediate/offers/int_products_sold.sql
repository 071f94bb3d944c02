with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

orders as (

    select * from {{ ref('orders') }}
    where status in ('paid', 'refunded')
        and not is_test

),

order_items as (

    select * from {{ ref('order_items') }}
    where line_type = 'product'
        and sku is not null
        and quantity > 0

),

priced as (

    select * from {{ ref('int_orders_priced') }}
    where shop_units is not null

),

-- Whoever sends back an order keeps no line of it.
sold as (

    select
        order_items.sku,
        max(orders.ordered_date) as last_sold_date,
        sum(order_items.quantity) as quantity,
        sum(
            case
                when orders.status = 'refunded' then 0
                else order_items.quantity - coalesce(order_items.returned_quantity, 0)
            end
        ) as kept_quantity,
        sum(order_items.net_amount * priced.shop_units) as net_amount
    from order_items
    inner join orders
        on order_items.order_id = orders.order_id
    inner join priced
        on order_items.order_id = priced.order_id
    cross join clock
    where orders.ordered_at > {{ dbt.dateadd('day', -365, 'clock.as_of') }}
    group by order_items.sku

)

select * from sold
