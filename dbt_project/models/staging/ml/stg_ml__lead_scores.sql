with

source as (

    select * from {{ source('ml', 'lead_score') }}

),

renamed as (

    select
        customer_id,
        model_name,
        model_version,
        horizon_days,
        lead_kind,
        probability,
        hand_set_probability,
        learnt_probability,
        handover_probability,
        as_of,
        scored_at
    from source

)

select * from renamed
