with

events as (

    select * from {{ ref('events') }}
    where customer_id is not null
        and not is_bot
        and event_type <> 'order_completed'

),

assets as (

    select * from {{ ref('stg_content__assets') }}

),

usage_events as (

    select * from {{ ref('usage_events') }}
    where customer_id is not null
        and event_type <> 'login_failed'

),

mail_contacts as (

    select * from {{ ref('int_mail_contacts_assigned') }}
    where contact_type = 'click' or (contact_type = 'open' and not is_machine)

),

purchases as (

    select * from {{ ref('int_purchase_occasions') }}

),

contacts as (

    select * from {{ ref('stg_crm__contacts') }}

),

customers_resolved as (

    select * from {{ ref('int_customers_resolved') }}
    where source = 'crm'

),

visited as (

    select
        events.customer_id,
        'visits' as activity_kind,
        case
            when events.event_type = 'gate_submitted' then 'guide_requested'
            when events.event_type = 'content_viewed'
                then concat('guide_', coalesce(assets.buying_phase, 'awareness'))
            else events.event_type
        end as activity_type,
        events.occurred_at,
        events.customer_known_at as known_at
    from events
    left join assets
        on events.asset_id = assets.asset_id

),

unioned as (

    select * from visited
    union all
    select
        customer_id,
        'service' as activity_kind,
        concat('service_', event_type) as activity_type,
        occurred_at,
        received_at as known_at
    from usage_events
    union all
    select
        customer_id,
        'mails' as activity_kind,
        concat('mail_', contact_type) as activity_type,
        occurred_at,
        occurred_at as known_at
    from mail_contacts
    union all
    select
        customer_id,
        'purchases' as activity_kind,
        concat('purchase_', sales_channel) as activity_type,
        occurred_at,
        occurred_at as known_at
    from purchases
    union all
    select
        customers_resolved.customer_id,
        'enquiries' as activity_kind,
        'enquiry' as activity_type,
        contacts.created_at as occurred_at,
        contacts.created_at as known_at
    from contacts
    inner join customers_resolved
        on customers_resolved.source_record_key
            = concat('contacts:', contacts.crm_contact_id)

)

select * from unioned
