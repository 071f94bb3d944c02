with

order_items as (

    select * from {{ source('shop', 'order_items') }}

),

renamed as (

    select
        {{ blank_to_null('order_id') }} as shop_order_id,
        line_number,
        coalesce(refunded_amount, 0) as refunded_amount,
        _arrived_on as arrived_on
    from order_items

)

select * from renamed
