with

sends as (

    select * from {{ ref('stg_mail__sends') }}

),

responses as (

    select * from {{ ref('stg_mail__responses') }}

),

int_customers_resolved as (

    select * from {{ ref('int_customers_resolved') }}
    where source = 'mail'

),

unioned as (

    select
        send_id as mail_contact_id,
        mail_subscriber_id,
        'send' as contact_type,
        false as is_machine,
        sent_at as occurred_at
    from sends
    union all
    select
        responses.response_id as mail_contact_id,
        coalesce(responses.mail_subscriber_id, sends.mail_subscriber_id)
            as mail_subscriber_id,
        responses.response_type as contact_type,
        responses.is_machine,
        responses.occurred_at
    from responses
    left join sends on sends.send_id = responses.send_id

),

assigned as (

    select
        unioned.mail_contact_id,
        int_customers_resolved.customer_id,
        unioned.contact_type,
        unioned.is_machine,
        unioned.occurred_at
    from unioned
    inner join int_customers_resolved
        on
            int_customers_resolved.source_record_key
            = concat('subscribers:', unioned.mail_subscriber_id)

)

select * from assigned
