with

shop_items as (

    select * from {{ ref('stg_shop__order_items') }}

),

store_items as (

    select * from {{ ref('stg_store__receipt_items') }}

),

unioned as (

    select
        'shop' as source,
        shop_order_id as source_order_id,
        concat('shop:', shop_order_id) as order_id,
        line_number,
        sku,
        description,
        line_type,
        quantity,
        net_amount,
        case
            -- A discount line is a discount, whether or not the shop also says so.
            when line_type = 'discount' then coalesce(discount_amount, -net_amount)
            else coalesce(discount_amount, 0)
        end as discount_amount,
        refunded_amount,
        returned_quantity,
        arrived_on
    from shop_items
    union all
    select
        'store' as source,
        store_receipt_id as source_order_id,
        concat('store:', store_receipt_id) as order_id,
        line_number,
        sku,
        cast(null as {{ dbt.type_string() }}) as description,
        'product' as line_type,
        quantity,
        net_amount,
        coalesce(discount_amount, 0) as discount_amount,
        0 as refunded_amount,
        0 as returned_quantity,
        arrived_on
    from store_items

)

select * from unioned
