with

orders as (

    select * from {{ ref('int_orders_unioned') }}
    where not is_future

),

items as (

    select * from {{ ref('int_order_items_completed') }}

),

priced as (

    select * from {{ ref('int_orders_priced') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

corrected as (

    select * from {{ ref('int_orders_corrected') }}

),

test_accounts as (

    select shop_customer_id from {{ ref('stg_shop__customers') }}
    where is_test

),

item_sums as (

    select
        order_id,
        sum(discount_amount) as discount_amount,
        sum(refunded_amount) as refunded_amount
    from items
    group by order_id

),

measured as (

    select
        orders.order_id,
        orders.source,
        orders.source_order_id,
        resolved.customer_id,
        orders.sales_channel,
        orders.status,
        orders.coupon_code,
        orders.currency_code,
        orders.net_amount,
        coalesce(item_sums.discount_amount, 0) as discount_amount,
        case
            when orders.status = 'refunded' then orders.net_amount
            else coalesce(item_sums.refunded_amount, 0)
        end as refunded_amount,
        priced.is_known_currency,
        priced.shop_units,
        orders.is_test or test_accounts.shop_customer_id is not null as is_test,
        not orders.is_test
        and test_accounts.shop_customer_id is null
        and orders.net_amount > 0
        and priced.shop_units is not null as is_purchase,
        orders.ordered_at,
        case
            when orders.status in ('cancelled', 'refunded')
                then corrected.taken_back_at
            else corrected.sent_back_at
        end as corrected_at,
        orders.arrived_on
    from orders
    inner join priced
        on orders.order_id = priced.order_id
    left join item_sums
        on orders.order_id = item_sums.order_id
    left join resolved
        on orders.source = resolved.source
            and orders.source_record_key = resolved.source_record_key
    left join corrected
        on orders.order_id = corrected.order_id
    left join test_accounts
        on orders.shop_customer_id = test_accounts.shop_customer_id

),

validated as (

    select
        measured.*,
        cast(net_amount * shop_units as decimal(18, 2)) as shop_net_amount,
        cast((net_amount - refunded_amount) * shop_units as decimal(18, 2))
            as shop_kept_amount,
        is_purchase
        and status = 'paid'
        and refunded_amount < net_amount as is_valid_purchase,
        case
            when is_purchase
                and (status <> 'paid' or refunded_amount >= net_amount)
                and corrected_at > ordered_at
                then corrected_at
        end as voided_at
    from measured

)

select * from validated
