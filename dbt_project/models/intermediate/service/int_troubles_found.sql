with

service_cases as (

    select * from {{ ref('service_cases') }}

),

fulfilment_events as (

    select * from {{ ref('fulfilment_events') }}
    where source = 'fulfilment'

),

login_failures as (

    select * from {{ ref('int_login_failures_grouped') }}

),

invoices as (

    select * from {{ ref('int_invoices_judged') }}
    where disputed_at is not null

),

failed_deliveries as (

    select
        failures.fulfilment_event_id,
        failures.customer_id,
        failures.occurred_at as failed_at,
        min(ends.occurred_at) as ended_at
    from fulfilment_events as failures
    left join fulfilment_events as ends
        on failures.order_id = ends.order_id
            and ends.milestone in ('delivered', 'returned_to_sender')
            and ends.occurred_at >= failures.occurred_at
    where failures.milestone = 'delivery_failed'
    group by
        failures.fulfilment_event_id,
        failures.customer_id,
        failures.occurred_at

),

unioned as (

    select
        case_id as trouble_id,
        customer_id,
        'service_case' as reason,
        opened_at as started_at,
        closed_at as ended_at
    from service_cases
    union all
    select
        fulfilment_event_id as trouble_id,
        customer_id,
        'delivery_failed' as reason,
        failed_at as started_at,
        ended_at
    from failed_deliveries
    union all
    select
        usage_event_id as trouble_id,
        customer_id,
        'login_failed' as reason,
        failed_at as started_at,
        worked_at as ended_at
    from login_failures
    where worked_at is null
        or worked_at > {{ slip_ends_at('failed_at') }}
    union all
    select
        concat('billing:', billing_invoice_id) as trouble_id,
        customer_id,
        'payment_disputed' as reason,
        disputed_at as started_at,
        dispute_closed_at as ended_at
    from invoices

),

found as (

    select * from unioned
    where customer_id is not null

)

select * from found
