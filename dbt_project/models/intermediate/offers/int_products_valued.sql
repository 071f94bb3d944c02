{#- Pieces of the whole shop that each product's returns are mixed with. -#}
{%- set shrinkage = 20 -%}
{#- Without a catalogue a product that nobody bought for so long is taken to be gone. -#}
{%- set idle_days = 90 -%}
{%- set idle_since = dbt.dateadd('day', -idle_days, to_local_date('clock.as_of')) -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

products as (

    select * from {{ ref('products') }}

),

sold as (

    select * from {{ ref('int_products_sold') }}

),

levels as (

    select * from {{ ref('stg_stock__levels') }}

),

catalogue as (

    select {{ dbt.bool_or('is_in_catalogue') }} as is_connected
    from products

),

shop as (

    select sum(kept_quantity) / nullif(sum(quantity), 0) as kept_share
    from sold

),

ranked_levels as (

    select
        levels.sku,
        levels.quantity,
        row_number() over (
            partition by levels.sku order by levels.changed_at desc
        ) as newness
    from levels
    cross join clock
    where levels.changed_at <= clock.as_of
        and levels.received_at <= clock.as_of

),

valued as (

    select
        products.sku,
        products.name,
        coalesce(
            products.is_in_catalogue
            and coalesce(products.launched_at <= clock.as_of, true)
            or not catalogue.is_connected
            and sold.last_sold_date >= {{ idle_since }},
            false
        ) as is_active,
        ranked_levels.quantity as stock_quantity,
        cast(
            sold.net_amount / sold.quantity - coalesce(products.unit_cost, 0)
            as decimal(18, 2)
        ) as margin_amount,
        products.unit_cost is not null as is_cost_known,
        cast(
            (sold.kept_quantity + {{ shrinkage }} * shop.kept_share)
            / (sold.quantity + {{ shrinkage }}) as {{ type_double() }}
        ) as kept_share
    from products
    cross join clock
    cross join catalogue
    cross join shop
    left join sold on products.sku = sold.sku
    left join ranked_levels
        on products.sku = ranked_levels.sku
            and ranked_levels.newness = 1

)

select * from valued
