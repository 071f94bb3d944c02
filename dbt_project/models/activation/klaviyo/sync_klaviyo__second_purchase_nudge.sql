with

segment_second_purchase_nudge as (

    select * from {{ members_of('segment_second_purchase_nudge') }}

),

customers as (

    select * from {{ ref('customers') }}

),

contacts as (

    select * from {{ ref('customer_contacts') }}

),

selected as (

    select
        customers.customer_id,
        contacts.email_contact_point_id as contact_point_id,
        contacts.email,
        customers.customer_id as external_id,
        contacts.first_name,
        contacts.last_name,
        {{ to_local_date('customers.first_ordered_at') }} as property_first_order_date
    from segment_second_purchase_nudge
    inner join customers
        on segment_second_purchase_nudge.customer_id = customers.customer_id
    inner join contacts
        on customers.customer_id = contacts.customer_id

),

digested as (

    select
        *,
        {{ row_digest() }} as row_digest
    from selected

)

select * from digested
