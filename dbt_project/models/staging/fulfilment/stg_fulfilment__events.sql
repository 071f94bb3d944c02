with

{{ newest_versions(
    source('fulfilment', 'events'), ['shipment_event_id'], 'received_at'
) }},

timed as (

    select
        newest.*,
        {{ to_utc('occurred_at', var('time_zone')) }} as utc_occurred_at
    from newest

),

-- Nothing happens after it was received: a later time is a clock that runs fast.
renamed as (

    select
        {{ blank_to_null('shipment_event_id') }} as shipment_event_id,
        {{ blank_to_null('order_id') }} as shop_order_id,
        lower({{ blank_to_null('event_type') }}) as event_type,
        {{ blank_to_null('carrier') }} as carrier,
        promised_on as promised_date,
        {{ known_time('utc_occurred_at', 'received_at') }} as occurred_at,
        coalesce(received_at, utc_occurred_at) as received_at,
        _arrived_on as arrived_on,
        count_rivals
    from timed

)

select * from renamed
