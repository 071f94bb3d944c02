with

orders as (

    select * from {{ ref('int_orders_unioned') }}
    where not is_future

),

items as (

    select * from {{ ref('int_order_items_unioned') }}

),

item_sums as (

    select
        order_id,
        count(*) as count_items,
        max(line_number) as last_line_number,
        sum(net_amount) as net_amount
    from items
    group by order_id

),

-- The order's amount stands. What its lines do not explain becomes a line of its own.
differences as (

    select
        orders.order_id,
        coalesce(item_sums.last_line_number, 0) + 1 as line_number,
        cast(null as {{ dbt.type_string() }}) as sku,
        case
            when item_sums.order_id is null then 'unitemised'
            else 'unexplained_difference'
        end as line_type,
        1 as quantity,
        orders.net_amount - coalesce(item_sums.net_amount, 0) as net_amount,
        0 as discount_amount,
        0 as refunded_amount,
        0 as returned_quantity
    from orders
    left join item_sums
        on orders.order_id = item_sums.order_id
    where item_sums.order_id is null
        or item_sums.net_amount <> orders.net_amount

),

completed as (

    select
        items.order_id,
        items.line_number,
        items.sku,
        items.line_type,
        items.quantity,
        items.net_amount,
        items.discount_amount,
        items.refunded_amount,
        items.returned_quantity
    from items
    inner join orders
        on items.order_id = orders.order_id
    union all
    select * from differences

)

select * from completed
