with

orders as (

    select currency_code from {{ ref('stg_shop__orders') }}
    union all
    select currency_code from {{ ref('stg_store__receipts') }}

),

counted as (

    select
        currency_code,
        count(*) as count_orders
    from orders
    group by currency_code

),

ranked as (

    select
        currency_code,
        row_number() over (order by count_orders desc, currency_code) as size_rank
    from counted

),

chosen as (

    select coalesce(max(currency_code), 'EUR') as currency_code
    from ranked
    where size_rank = 1

)

select * from chosen
