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
        on shop_currency.currency_code = shop_rates.currency_code
            and exchange_rates.rate_year = shop_rates.rate_year

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
        on currencies.currency_code = priced.currency_code
            and years.rate_year = priced.rate_year

)

select * from spread
