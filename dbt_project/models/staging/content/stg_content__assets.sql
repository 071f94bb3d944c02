with

{{ newest_versions(source('content', 'assets'), ['asset_id'], 'published_at') }},

renamed as (

    select
        {{ blank_to_null('asset_id') }} as asset_id,
        {{ blank_to_null('title') }} as title,
        lower(coalesce({{ blank_to_null('access') }}, 'free')) = 'gated' as is_gated,
        lower({{ blank_to_null('buying_phase') }}) as buying_phase,
        lower({{ blank_to_null('trait') }}) as trait,
        lower({{ blank_to_null('language') }}) as language,
        published_at,
        expires_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
