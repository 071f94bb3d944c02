with

exchange_rates as (

    select * from {{ ref('exchange_rates') }}

),

shop_currency as (

    select * from {{ ref('int_shop_currency_chosen') }}

),

currencies as (

    select * from {{ ref('currencies') }}

),

years as (

    select distinct rate_year from exchange_rates

),

priced as (

    select
        exchange_rates.currency_code,
        exchange_rates.rate_year,
        shop_rates.units_per_euro / exchange_rates.units_per_euro as shop_units
    from exchange_rates
    inner join shop_currency
        on 1 = 1
    inner join exchange_rates as shop_rates
        on shop_rates.currency_code = shop_currency.currency_code
        and shop_rates.rate_year = exchange_rates.rate_year

),

-- The shop's own currency needs no rate, whichever it is.
spread as (

    select
        currencies.currency_code,
        years.rate_year,
        case
            when currencies.currency_code = shop_currency.currency_code then 1
            else priced.shop_units
        end as shop_units
    from currencies
    cross join years
    cross join shop_currency
    left join priced
        on priced.currency_code = currencies.currency_code
        and priced.rate_year = years.rate_year

)

select * from spread
