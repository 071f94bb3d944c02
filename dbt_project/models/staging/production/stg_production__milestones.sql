with

{{ newest_versions(
    source('production', 'milestones'), ['milestone_event_id'], 'received_at'
) }},

-- Nothing happens after it was received: a later time is a clock that runs fast.
renamed as (

    select
        {{ blank_to_null('milestone_event_id') }} as milestone_event_id,
        {{ blank_to_null('order_id') }} as shop_order_id,
        line_number,
        lower({{ blank_to_null('milestone') }}) as milestone,
        lower({{ blank_to_null('status') }}) as status,
        planned_at,
        {{ known_time('occurred_at', 'received_at') }} as occurred_at,
        coalesce(received_at, occurred_at) as received_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
