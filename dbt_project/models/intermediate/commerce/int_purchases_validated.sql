with

orders as (

    select * from {{ ref('int_orders_unioned') }}
    where not is_future

),

items as (

    select * from {{ ref('int_order_items_completed') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

currencies as (

    select * from {{ ref('currencies') }}

),

rates as (

    select * from {{ ref('int_exchange_rates_spread') }}

),

rate_years as (

    select
        min(rate_year) as first_year,
        max(rate_year) as last_year
    from rates

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
        orders.*,
        resolved.customer_id,
        coalesce(item_sums.discount_amount, 0) as discount_amount,
        case
            when orders.status = 'refunded' then orders.net_amount
            else coalesce(item_sums.refunded_amount, 0)
        end as refunded_amount,
        currencies.currency_code is not null as is_known_currency,
        rates.shop_units
    from orders
    left join item_sums
        on item_sums.order_id = orders.order_id
    left join resolved
        on resolved.source = orders.source
        and resolved.source_record_key = orders.source_record_key
    left join currencies
        on currencies.currency_code = orders.currency_code
    cross join rate_years
    -- Years before and after the table take its first and last rate.
    left join rates
        on rates.currency_code = orders.currency_code
        and rates.rate_year = least(
            greatest(
                cast({{ date_part('year', 'orders.ordered_at') }} as {{ dbt.type_int() }}),
                rate_years.first_year
            ),
            rate_years.last_year
        )

),

validated as (

    select
        measured.*,
        cast(net_amount * shop_units as decimal(18, 2)) as shop_net_amount,
        cast((net_amount - refunded_amount) * shop_units as decimal(18, 2))
            as shop_kept_amount,
        status = 'paid'
        and not is_test
        and net_amount > 0
        and refunded_amount < net_amount
        and shop_units is not null as is_valid_purchase
    from measured

)

select * from validated
