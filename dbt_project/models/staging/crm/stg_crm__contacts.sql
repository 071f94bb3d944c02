with

countries as (

    select * from {{ ref('countries') }}

),

{{ newest_versions(source('crm', 'contacts'), ['contact_id'], 'updated_at') }},

{{ dialled_phones('newest', 'phone', 'newest.country_code') }},

renamed as (

    select
        {{ blank_to_null('contact_id') }} as crm_contact_id,
        {{ normalise_email('email') }} as email,
        {{ e164('phone_number') }} as phone,
        {{ blank_to_null('first_name') }} as first_name,
        {{ blank_to_null('last_name') }} as last_name,
        {{ blank_to_null('street') }} as street,
        {{ blank_to_null('house_number') }} as house_number,
        {{ blank_to_null('postal_code') }} as postal_code,
        {{ blank_to_null('city') }} as city,
        upper({{ blank_to_null('country_code') }}) as country_code,
        {{ blank_to_null('company') }} as company,
        {{ blank_to_null('job_title') }} as job_title,
        {{ blank_to_null('industry') }} as industry,
        company_size,
        {{ is_malformed('email', normalise_email('email')) }}
            as has_malformed_email,
        {{ is_malformed('phone', e164('phone_number')) }}
            as has_malformed_phone,
        {{ to_utc('created_at', var('time_zone')) }} as created_at,
        {{ to_utc('updated_at', var('time_zone')) }} as updated_at,
        _arrived_on as arrived_on,
        count_rivals
    from numbered

)

select * from renamed
