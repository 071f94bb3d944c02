with

source as (

    select * from {{ source('ml', 'segments') }}

),

renamed as (

    select
        customer_id,
        model_name,
        model_version,
        horizon_days,
        group_name,
        distance,
        as_of,
        scored_at
    from source

)

select * from renamed
