with

countries as (

    select * from {{ ref('countries') }}

),

{{ newest_versions(source('helpdesk', 'cases'), ['case_id'], 'updated_at') }},

{{ dialled_phones('newest', 'requester_phone') }},

renamed as (

    select
        {{ blank_to_null('case_id') }} as helpdesk_case_id,
        {{ blank_to_null('order_id') }} as shop_order_id,
        {{ normalise_email('requester_email') }} as email,
        {{ e164('phone_number') }} as phone,
        {{ blank_to_null('topic') }} as topic,
        lower(coalesce({{ blank_to_null('severity') }}, 'normal')) as severity,
        satisfaction_score,
        {{ is_malformed('requester_email', normalise_email('requester_email')) }}
            as has_malformed_email,
        {{ is_malformed('requester_phone', e164('phone_number')) }}
            as has_malformed_phone,
        opened_at,
        closed_at,
        updated_at,
        _arrived_on as arrived_on,
        count_rivals
    from numbered

)

select * from renamed
