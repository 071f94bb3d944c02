with

orders as (

    select * from {{ source('shop', 'orders') }}

),

renamed as (

    select
        {{ blank_to_null('order_id') }} as shop_order_id,
        lower(coalesce({{ blank_to_null('status') }}, 'paid')) as status,
        ordered_at,
        updated_at,
        _arrived_on as arrived_on
    from orders

)

select * from renamed
