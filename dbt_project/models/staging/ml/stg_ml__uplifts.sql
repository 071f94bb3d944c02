with

source as (

    select * from {{ source('ml', 'uplift') }}

),

renamed as (

    select
        customer_id,
        model_name,
        model_version,
        horizon_days,
        order_probability,
        uplift,
        uplift_band,
        band_uplift_lower,
        band_uplift_upper,
        usual_margin,
        contact_cost,
        expected_gain,
        as_of,
        scored_at
    from source

)

select * from renamed
