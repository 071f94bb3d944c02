with

source as (

    select * from {{ source('ml', 'identity_links') }}

),

renamed as (

    select
        source_a,
        source_record_key_a,
        source_b,
        source_record_key_b,
        decision,
        reason,
        probability,
        match_weight,
        evidence,
        threshold,
        model_version,
        scored_at
    from source

)

select * from renamed
