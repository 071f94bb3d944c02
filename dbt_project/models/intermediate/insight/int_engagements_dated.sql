with

events as (

    select * from {{ ref('events') }}
    where customer_id is not null

),

int_mail_contacts_assigned as (

    select * from {{ ref('int_mail_contacts_assigned') }}

),

unioned as (

    select
        customer_id,
        occurred_at
    from events
    union all
    select
        customer_id,
        occurred_at
    from int_mail_contacts_assigned
    where contact_type = 'click' or (contact_type = 'open' and not is_machine)

),

dated as (

    select
        customer_id,
        max(occurred_at) as last_engaged_at
    from unioned
    group by customer_id

)

select * from dated
