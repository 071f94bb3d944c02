with

{{ newest_versions(
    source('ads', 'costs'), ['platform', 'campaign_id', 'cost_date']
) }},

renamed as (

    select
        lower({{ blank_to_null('platform') }}) as platform,
        {{ blank_to_null('campaign_id') }} as campaign_id,
        {{ blank_to_null('campaign_name') }} as campaign_name,
        upper(coalesce({{ blank_to_null('currency_code') }}, 'EUR')) as currency_code,
        coalesce(impressions, 0) as count_impressions,
        coalesce(clicks, 0) as count_clicks,
        coalesce(cost_amount, 0) as cost_amount,
        cost_date,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
