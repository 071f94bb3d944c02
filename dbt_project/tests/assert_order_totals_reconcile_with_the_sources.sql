-- Every order of a source is an order here or was set aside as one from the future.
with

landed as (

    select
        'shop' as source,
        currency_code,
        count(*) as count_orders,
        sum(net_amount) as net_amount
    from {{ ref('stg_shop__orders') }}
    group by currency_code
    union all
    select
        'store' as source,
        currency_code,
        count(*) as count_orders,
        sum(net_amount) as net_amount
    from {{ ref('stg_store__receipts') }}
    group by currency_code

),

future as (

    select
        source,
        currency_code,
        net_amount
    from {{ ref('int_orders_unioned') }}
    where is_future

),

kept as (

    select
        source,
        currency_code,
        net_amount
    from {{ ref('orders') }}
    union all
    select * from future

),

kept_sums as (

    select
        source,
        currency_code,
        count(*) as count_orders,
        sum(net_amount) as net_amount
    from kept
    group by
        source,
        currency_code

)

select
    landed.source,
    landed.currency_code,
    landed.net_amount,
    kept_sums.net_amount as kept_net_amount
from landed
full outer join kept_sums
    on landed.source = kept_sums.source
        and landed.currency_code = kept_sums.currency_code
where landed.count_orders is distinct from kept_sums.count_orders
    or landed.net_amount is distinct from kept_sums.net_amount
