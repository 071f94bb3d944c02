with

catalogue as (

    select * from {{ ref('stg_shop__products') }}

),

items as (

    select * from {{ ref('int_order_items_unioned') }}

),

sold as (

    select
        sku,
        max(description) as description
    from items
    where sku is not null
    group by sku

),

-- What was sold is a product, even when the catalogue has forgotten it.
final as (

    select
        coalesce(catalogue.sku, sold.sku) as sku,
        coalesce(catalogue.name, sold.description) as name,
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
    full outer join sold
        on catalogue.sku = sold.sku

)

select * from final
