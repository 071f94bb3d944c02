with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

parcels as (

    select * from {{ ref('stg_fulfilment__events') }}

),

milestones as (

    select * from {{ ref('stg_production__milestones') }}

),

orders as (

    select * from {{ ref('orders') }}

),

unioned as (

    select
        concat('fulfilment:', shipment_event_id) as fulfilment_event_id,
        'fulfilment' as source,
        concat('shop:', shop_order_id) as order_id,
        cast(null as {{ dbt.type_bigint() }}) as line_number,
        event_type as milestone,
        'reached' as status,
        promised_date,
        cast(null as {{ dbt.type_timestamp() }}) as planned_at,
        occurred_at,
        received_at
    from parcels
    union all
    select
        concat('production:', milestone_event_id) as fulfilment_event_id,
        'production' as source,
        concat('shop:', shop_order_id) as order_id,
        line_number,
        milestone,
        status,
        cast(null as date) as promised_date,
        planned_at,
        occurred_at,
        received_at
    from milestones

),

final as (

    select
        unioned.fulfilment_event_id,
        unioned.source,
        unioned.order_id,
        unioned.line_number,
        orders.customer_id,
        unioned.milestone,
        unioned.status,
        unioned.promised_date,
        unioned.planned_at,
        {{ known_time('unioned.occurred_at', 'clock.as_of') }} as occurred_at,
        {{ known_time('unioned.received_at', 'clock.as_of') }} as received_at
    from unioned
    cross join clock
    left join orders
        on unioned.order_id = orders.order_id
    where not {{ is_future('unioned.occurred_at', 'clock.as_of') }}

)

select * from final
