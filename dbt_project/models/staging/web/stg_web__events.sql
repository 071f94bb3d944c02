with

{{ newest_versions(
    source('web', 'events'), ['event_id'], 'received_at', ref('stg_web__repeated_events')
) }},

renamed as (

    select
        event_id,
        lower(event_type) as event_type,
        {{ blank_to_null('anonymous_id') }} as anonymous_id,
        {{ blank_to_null('customer_id') }} as shop_customer_id,
        lower(coalesce({{ blank_to_null('platform') }}, 'web')) as platform,
        lower({{ blank_to_null('device_type') }}) as device_type,
        {{ blank_to_null('page_path') }} as page_path,
        {{ blank_to_null('referrer') }} as referrer,
        {{ blank_to_null('utm_source') }} as utm_source,
        {{ blank_to_null('utm_medium') }} as utm_medium,
        {{ blank_to_null('utm_campaign') }} as utm_campaign,
        {{ blank_to_null('click_id') }} as click_id,
        {{ blank_to_null('sku') }} as sku,
        {{ blank_to_null('asset_id') }} as asset_id,
        {{ blank_to_null('geo_region') }} as geo_region,
        coalesce(has_analytics_consent, false) as has_analytics_consent,
        received_at,
        -- Nothing happens after it was received: a later time is a device clock that runs fast.
        case
            when received_at < occurred_at then received_at
            else occurred_at
        end as occurred_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
