with

{{ newest_versions(source('usage', 'events'), ['usage_event_id'], 'received_at') }},

-- Nothing happens after it was received: a later time is a clock that runs fast.
renamed as (

    select
        {{ blank_to_null('usage_event_id') }} as usage_event_id,
        {{ blank_to_null('customer_id') }} as shop_customer_id,
        {{ blank_to_null('contract_id') }} as billing_contract_id,
        lower({{ blank_to_null('event_type') }}) as event_type,
        {{ blank_to_null('feature') }} as feature,
        {{ known_time('occurred_at', 'received_at') }} as occurred_at,
        coalesce(received_at, occurred_at) as received_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
