with

source as (

    select * from {{ source('ml', 'next_action') }}

),

renamed as (

    select
        session_id,
        action_rank,
        model_name,
        model_version,
        next_action,
        probability,
        as_of,
        scored_at
    from source

)

select * from renamed
