with

{{ newest_versions(source('push', 'tokens'), ['push_token'], 'updated_at') }},

renamed as (

    select
        {{ blank_to_null('push_token') }} as push_token,
        {{ blank_to_null('device_id') }} as device_id,
        {{ blank_to_null('customer_id') }} as shop_customer_id,
        lower({{ blank_to_null('platform') }}) as platform,
        registered_at,
        last_seen_at,
        invalidated_at,
        updated_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
