with

source as (

    select * from {{ source('ml', 'next_offer') }}

),

renamed as (

    select
        customer_id,
        sku,
        model_name,
        model_version,
        horizon_days,
        offer_list,
        list_position,
        purchase_probability,
        product_fit,
        conversion_probability,
        because_sku,
        as_of,
        scored_at
    from source

)

select * from renamed
