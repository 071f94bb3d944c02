with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

cases as (

    select * from {{ ref('stg_helpdesk__cases') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

attributed as (

    select
        cases.*,
        coalesce(orderers.customer_id, requesters.customer_id) as customer_id,
        case
            when cases.closed_at <= clock.as_of then cases.closed_at
        end as known_closed_at
    from cases
    cross join clock
    left join resolved as orderers
        on orderers.source = 'shop'
            and orderers.source_record_key = concat('orders:', cases.shop_order_id)
    left join resolved as requesters
        on requesters.source = 'helpdesk'
            and requesters.source_record_key = concat('cases:', cases.helpdesk_case_id)
    where not {{ is_future('cases.opened_at', 'clock.as_of') }}

),

final as (

    select
        concat('helpdesk:', helpdesk_case_id) as case_id,
        customer_id,
        severity,
        topic,
        satisfaction_score,
        known_closed_at is null as is_open,
        opened_at,
        known_closed_at as closed_at
    from attributed

)

select * from final
