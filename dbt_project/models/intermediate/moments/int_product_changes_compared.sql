{#- By how much a price has to fall to be news. -#}
{%- set price_share = 0.95 -%}

with

levels as (

    select * from {{ ref('stg_stock__levels') }}

),

prices as (

    select * from {{ ref('stg_stock__prices') }}

),

compared_levels as (

    select
        sku,
        quantity,
        lag(quantity) over (partition by sku order by changed_at) as former_quantity,
        changed_at,
        received_at
    from levels

),

compared_prices as (

    select
        sku,
        price,
        lag(price) over (
            partition by sku, currency_code order by changed_at
        ) as former_price,
        changed_at,
        received_at
    from prices

),

-- What comes back must have been away, what is cheaper must have been dearer.
compared as (

    select
        sku,
        'back_in_stock' as moment,
        concat('stock/levels:', sku) as evidence,
        changed_at,
        {{ later_of('received_at', 'changed_at') }} as known_at
    from compared_levels
    where quantity > 0
        and former_quantity <= 0
    union all
    select
        sku,
        'price_dropped' as moment,
        concat('stock/prices:', sku) as evidence,
        changed_at,
        {{ later_of('received_at', 'changed_at') }} as known_at
    from compared_prices
    where price <= former_price * {{ price_share }}

)

select * from compared
