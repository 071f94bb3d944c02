with

orders as (

    select * from {{ ref('int_orders_unioned') }}
    where not is_future

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

-- Years before and after the table take its first and last rate.
dated as (

    select
        orders.order_id,
        orders.currency_code,
        least(
            greatest(
                cast(
                    {{ date_part('year', 'orders.ordered_at') }} as {{ dbt.type_int() }}
                ),
                rate_years.first_year
            ),
            rate_years.last_year
        ) as rate_year
    from orders
    cross join rate_years

),

priced as (

    select
        dated.order_id,
        currencies.currency_code is not null as is_known_currency,
        rates.shop_units
    from dated
    left join currencies
        on dated.currency_code = currencies.currency_code
    left join rates
        on dated.currency_code = rates.currency_code
            and dated.rate_year = rates.rate_year

)

select * from priced
