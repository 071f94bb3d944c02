with

fulfilment_events as (

    select * from {{ ref('fulfilment_events') }}
    where source = 'fulfilment'
        and customer_id is not null

),

-- Of several parcels of an order the last promise counts; it is known with the first news of it.
promises as (

    select
        customer_id,
        order_id,
        {{ start_of_day('max(promised_date)', 1) }} as late_at,
        min(received_at) as known_at,
        min(
            case
                when milestone in ('delivered', 'returned_to_sender') then received_at
            end
        ) as ended_known_at
    from fulfilment_events
    group by
        customer_id,
        order_id
    having max(promised_date) is not null

),

late_deliveries as (

    select
        promises.*,
        {{ later_of('late_at', 'known_at') }} as detected_at
    from promises

),

delivered as (

    select
        customer_id,
        case milestone
            when 'delivered' then 'delivery_done'
            else 'delivery_failed'
        end as moment,
        order_id as entry_key,
        min(occurred_at) as occurred_at,
        min(received_at) as detected_at,
        replace(min(fulfilment_event_id), 'fulfilment:', 'fulfilment/events:')
            as evidence
    from fulfilment_events
    where milestone in ('delivered', 'delivery_failed')
    group by
        customer_id,
        milestone,
        order_id
    union all
    select
        customer_id,
        'delivery_late' as moment,
        order_id as entry_key,
        late_at as occurred_at,
        detected_at,
        replace(order_id, 'shop:', 'shop/orders:') as evidence
    from late_deliveries
    where ended_known_at is null
        or ended_known_at > detected_at

)

select * from delivered
