with

{{ newest_versions(source('rights', 'erasure_requests'), ['request_id']) }},

renamed as (

    select
        {{ blank_to_null('request_id') }} as erasure_request_id,
        lower({{ blank_to_null('identifier_type') }}) as identifier_type,
        requested_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
