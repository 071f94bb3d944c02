with

{{ newest_versions(source('ads', 'clicks'), ['click_id']) }},

renamed as (

    select
        click_id,
        lower({{ blank_to_null('platform') }}) as platform,
        {{ blank_to_null('campaign_id') }} as campaign_id,
        clicked_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
