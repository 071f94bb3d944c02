with

links as (

    select * from {{ ref('stg_ml__identity_links') }}

),

waiting as (

    select
        source_a,
        source_record_key_a,
        source_b,
        source_record_key_b,
        reason,
        probability,
        match_weight,
        threshold,
        evidence,
        model_version,
        scored_at
    from links
    where decision = 'review'

)

select * from waiting
