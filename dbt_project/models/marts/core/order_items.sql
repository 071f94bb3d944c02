with

items as (

    select * from {{ ref('int_order_items_completed') }}

),

final as (

    select
        concat(order_id, ':', cast(line_number as {{ dbt.type_string() }}))
            as order_item_id,
        order_id,
        sku,
        line_type,
        cast(line_number as {{ dbt.type_bigint() }}) as line_number,
        cast(quantity as decimal(18, 3)) as quantity,
        cast(net_amount as decimal(18, 2)) as net_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(refunded_amount as decimal(18, 2)) as refunded_amount,
        cast(returned_quantity as decimal(18, 3)) as returned_quantity
    from items

)

select * from final
