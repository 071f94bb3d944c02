with

countries as (

    select * from {{ ref('countries') }}

),

{{ newest_versions(source('consent', 'events'), ['consent_event_id']) }},

{{ dialled_phones(
    'newest', "case when identifier_type = 'phone' then identifier end"
) }},

renamed as (

    select
        consent_event_id,
        lower({{ blank_to_null('identifier_type') }}) as identifier_type,
        {{ normalise_identifier('identifier_type', 'identifier') }} as identifier_value,
        lower({{ blank_to_null('purpose') }}) as purpose,
        lower({{ blank_to_null('channel') }}) as channel,
        lower({{ blank_to_null('status') }}) as status,
        lower(coalesce({{ blank_to_null('legal_ground') }}, 'consent')) as legal_ground,
        upper({{ blank_to_null('jurisdiction') }}) as jurisdiction,
        {{ blank_to_null('text_version') }} as text_version,
        {{ blank_to_null('source') }} as collected_by,
        {{ blank_to_null('proof_reference') }} as proof_reference,
        occurred_at,
        expires_at,
        _arrived_on as arrived_on,
        count_rivals
    from numbered

)

select * from renamed
