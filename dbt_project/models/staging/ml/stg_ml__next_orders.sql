with

source as (

    select * from {{ source('ml', 'next_order') }}

),

renamed as (

    select
        customer_id,
        model_name,
        model_version,
        horizon_days,
        probability,
        as_of,
        scored_at
    from source

)

select * from renamed
