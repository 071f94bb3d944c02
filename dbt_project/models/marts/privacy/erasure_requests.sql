with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

requests as (

    select * from {{ ref('stg_rights__erasure_requests') }}

),

final as (

    select
        requests.erasure_request_id,
        requests.identifier_type,
        requests.requested_at,
        {{ elapsed_days('requests.requested_at', 'clock.as_of') }} as days_waiting
    from requests
    cross join clock

)

select * from final
