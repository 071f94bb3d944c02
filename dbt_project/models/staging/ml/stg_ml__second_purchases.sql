with

source as (

    select * from {{ source('ml', 'second_purchase') }}

),

renamed as (

    select
        customer_id,
        model_name,
        model_version,
        horizon_days,
        probability,
        value_of_second_purchase,
        expected_at,
        as_of,
        scored_at
    from source

)

select * from renamed
