with

{{ newest_versions(source('shop', 'order_items'), ['order_id', 'line_number']) }},

renamed as (

    select
        {{ blank_to_null('order_id') }} as shop_order_id,
        line_number,
        {{ blank_to_null('sku') }} as sku,
        {{ blank_to_null('description') }} as description,
        lower(coalesce({{ blank_to_null('line_type') }}, 'product')) as line_type,
        coalesce(quantity, 1) as quantity,
        unit_price,
        net_amount,
        discount_amount,
        coalesce(returned_quantity, 0) as returned_quantity,
        coalesce(refunded_amount, 0) as refunded_amount,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
