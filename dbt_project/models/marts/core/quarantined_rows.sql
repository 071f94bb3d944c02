with

landed as (

    select * from {{ ref('stg_landing__quarantined_rows') }}

),

orders as (

    select * from {{ ref('int_orders_unioned') }}

),

currencies as (

    select * from {{ ref('currencies') }}

),

unioned as (

    select
        source,
        table_name,
        reason,
        record_key,
        detail,
        arrived_on
    from landed
    union all
    select
        orders.source,
        'orders' as table_name,
        'unknown_currency' as reason,
        orders.source_order_id as record_key,
        'currency_code' as detail,
        orders.arrived_on
    from orders
    left join currencies
        on currencies.currency_code = orders.currency_code
    where currencies.currency_code is null

)

select * from unioned
