with

catalogue as (

    select * from {{ ref('stg_shop__products') }}

),

items as (

    select * from {{ ref('stg_shop__order_items') }}

),

store_items as (

    select * from {{ ref('stg_store__receipt_items') }}

),

sold as (

    select
        sku,
        description
    from items
    where sku is not null
    union all
    select
        sku,
        cast(null as {{ dbt.type_string() }}) as description
    from store_items
    where sku is not null

),

sold_products as (

    select
        sku,
        max(description) as description
    from sold
    group by sku

),

-- What was sold is a product, even when the catalogue has forgotten it.
final as (

    select
        coalesce(catalogue.sku, sold_products.sku) as sku,
        coalesce(catalogue.name, sold_products.description) as name,
        catalogue.category,
        catalogue.family,
        catalogue.substitutes_group,
        catalogue.currency_code,
        catalogue.list_price,
        catalogue.unit_cost,
        catalogue.rebuy_days,
        coalesce(catalogue.is_durable, false) as is_durable,
        catalogue.sku is not null as is_in_catalogue,
        catalogue.launched_at
    from catalogue
    full outer join sold_products
        on sold_products.sku = catalogue.sku

)

select * from final
