with

{{ newest_versions(source('store', 'receipt_items'), ['receipt_id', 'line_number']) }},

renamed as (

    select
        {{ blank_to_null('receipt_id') }} as store_receipt_id,
        line_number,
        {{ blank_to_null('sku') }} as sku,
        coalesce(quantity, 1) as quantity,
        unit_price,
        net_amount,
        discount_amount,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
