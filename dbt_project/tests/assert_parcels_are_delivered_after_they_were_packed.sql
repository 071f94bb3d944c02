-- Nothing is delivered or comes back before it was packed.
with

fulfilment_events as (

    select * from {{ ref('fulfilment_events') }}
    where source = 'fulfilment'

),

packed as (

    select
        order_id,
        min(occurred_at) as packed_at
    from fulfilment_events
    where milestone = 'packed'
    group by order_id

)

select fulfilment_events.fulfilment_event_id
from fulfilment_events
inner join packed
    on fulfilment_events.order_id = packed.order_id
where fulfilment_events.occurred_at < packed.packed_at
