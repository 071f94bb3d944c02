-- Every purchase occasion belongs to one customer and is counted there, once.
with

customers as (

    select
        sum(count_orders) as count_orders,
        sum(net_revenue) as net_revenue
    from {{ ref('customers') }}

),

occasions as (

    select
        count(*) as count_orders,
        sum(kept_amount) as net_revenue
    from {{ ref('int_purchase_occasions') }}

)

select
    customers.count_orders,
    occasions.count_orders as count_occasions
from customers
cross join occasions
where coalesce(customers.count_orders, 0) <> occasions.count_orders
    or coalesce(customers.net_revenue, 0) <> coalesce(occasions.net_revenue, 0)
